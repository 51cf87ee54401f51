from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.waiting import wait_for
from storage.clickhouse import connect
from storage.definitions import compare_definitions, read_definitions
from storage.engine import Engine, EngineWrapper
from storage.errors import NotAppliedError, StorageConfigError
from storage.migrate import SMALL_GRANULES, load_migrations, migrate
from storage.rowbinary import read_one, read_rows, text, uint64
from storage.url import parse_storage_url
from tests.golden import VERSION_1


def test_a_second_start_applies_nothing(engine: Engine) -> None:
    assert migrate(engine) == []


def test_servers_that_start_at_once_do_no_harm(engine: Engine) -> None:
    for table in ("otel_logs", "audit_logs", "log_batches", "log_tiles", "lognotary_migrations"):
        engine.execute(f"DROP TABLE {table} SYNC")
    with ThreadPoolExecutor(4) as threads:
        for result in [threads.submit(migrate, engine) for _ in range(4)]:
            result.result()
    rows = engine.query("SELECT uniqExact(Number), uniqExact(Digest) FROM lognotary_migrations")
    assert list(read_rows(rows, (uint64, uint64))) == [(len(load_migrations()),) * 2]


def test_tables_that_the_collector_made_are_refused_with_advice(engine: Engine) -> None:
    engine.execute("DROP TABLE otel_logs SYNC")
    engine.execute(
        "CREATE TABLE otel_logs (Timestamp DateTime64(9)) ENGINE = MergeTree "
        "PARTITION BY toDate(Timestamp) ORDER BY Timestamp"
    )
    with pytest.raises(StorageConfigError, match="database of its own"):
        migrate(engine)


def test_a_database_of_a_newer_version_is_refused(engine: Engine) -> None:
    engine.execute("INSERT INTO lognotary_migrations (Number, Name, Digest) VALUES (999, 'future', 'x')")
    with pytest.raises(StorageConfigError, match="newer"):
        migrate(engine)


def test_a_migration_that_was_edited_is_refused(engine: Engine) -> None:
    engine.execute("TRUNCATE TABLE lognotary_migrations")
    engine.execute("INSERT INTO lognotary_migrations (Number, Name, Digest) VALUES (1, 'records', 'x')")
    with pytest.raises(StorageConfigError, match="different contents"):
        migrate(engine)


@pytest.mark.parametrize("table", ["otel_logs", "audit_logs"])
def test_base_columns_are_those_of_the_collectors_exporter(engine: Engine, table: str) -> None:
    rows = engine.query(
        f"SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '{table}' "
        "ORDER BY position LIMIT 16"
    )
    assert list(read_rows(rows, (text, text))) == [
        ("Timestamp", "DateTime64(9)"),
        ("TraceId", "String"),
        ("SpanId", "String"),
        ("TraceFlags", "UInt8"),
        ("SeverityText", "LowCardinality(String)"),
        ("SeverityNumber", "UInt8"),
        ("ServiceName", "LowCardinality(String)"),
        ("Body", "String"),
        ("ResourceSchemaUrl", "LowCardinality(String)"),
        ("ResourceAttributes", "Map(LowCardinality(String), String)"),
        ("ScopeSchemaUrl", "LowCardinality(String)"),
        ("ScopeName", "String"),
        ("ScopeVersion", "LowCardinality(String)"),
        ("ScopeAttributes", "Map(LowCardinality(String), String)"),
        ("LogAttributes", "Map(LowCardinality(String), String)"),
        ("EventName", "String"),
    ]


def test_columns_of_spans_are_those_of_the_collectors_exporter_first(engine: Engine) -> None:
    rows = engine.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'otel_traces' "
        "ORDER BY position LIMIT 22"
    )
    assert list(read_rows(rows, (text, text))) == [
        ("Timestamp", "DateTime64(9)"),
        ("TraceId", "String"),
        ("SpanId", "String"),
        ("ParentSpanId", "String"),
        ("TraceState", "String"),
        ("SpanName", "LowCardinality(String)"),
        ("SpanKind", "LowCardinality(String)"),
        ("ServiceName", "LowCardinality(String)"),
        ("ResourceAttributes", "Map(LowCardinality(String), String)"),
        ("ScopeName", "String"),
        ("ScopeVersion", "LowCardinality(String)"),
        ("SpanAttributes", "Map(LowCardinality(String), String)"),
        ("Duration", "UInt64"),
        ("StatusCode", "LowCardinality(String)"),
        ("StatusMessage", "String"),
        ("Events.Timestamp", "Array(DateTime64(9))"),
        ("Events.Name", "Array(LowCardinality(String))"),
        ("Events.Attributes", "Array(Map(LowCardinality(String), String))"),
        ("Links.TraceId", "Array(String)"),
        ("Links.SpanId", "Array(String)"),
        ("Links.TraceState", "Array(String)"),
        ("Links.Attributes", "Array(Map(LowCardinality(String), String))"),
    ]


@pytest.mark.parametrize("table", ["otel_logs", "audit_logs"])
def test_the_collectors_exporter_can_still_insert(engine: Engine, table: str) -> None:
    engine.execute(
        f"INSERT INTO {table} (Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, "
        "Body, ResourceSchemaUrl, ResourceAttributes, ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, "
        "LogAttributes, EventName) VALUES (now64(9), '', '', 1, 'INFO', 9, 'shop', 'hello', '', "
        "map('k8s.pod.name', 'pod-1'), '', '', '', map(), map(), '')"
    )
    rows = engine.query(f"SELECT LogId, `__otel_materialized_k8s.pod.name` FROM {table}")
    assert list(read_rows(rows, (text, text))) == [("", "pod-1")]


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("TraceId = '0af7651916cd43dd8448eb211c80319c'", "idx_trace_id"),
        ("SpanAttributes['order.id'] = 'o-17'", "idx_span_values"),
        ("ResourceAttributes['k8s.pod.name'] = 'pod-17'", "idx_resource_values"),
        ("Duration > 17", "idx_duration"),
    ],
)
def test_an_index_serves_what_people_look_for_in_spans(engine: Engine, condition: str, index: str) -> None:
    engine.execute("INSERT INTO otel_traces (Timestamp, TraceId, Duration) VALUES (now64(9), 'ab', 5)")
    plan = engine.query(f"EXPLAIN indexes = 1 SELECT count() FROM otel_traces WHERE {condition}")
    assert index in " ".join(line for (line,) in read_rows(plan, (text,)))


@pytest.mark.parametrize("table", ["otel_logs", "audit_logs"])
@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("TraceId = '0af7651916cd43dd8448eb211c80319c'", "idx_trace_id"),
        ("LogAttributes['order.id'] = 'o-17'", "idx_log_values"),
        ("ResourceAttributes['k8s.pod.name'] = 'pod-17'", "idx_resource_values"),
        ("hasAll(tokens(lower(Body)), ['order', '17'])", "idx_body_words"),
        ("has(tokens(lower(Body)), '17')", "idx_body_words"),
    ],
)
def test_an_index_serves_what_people_look_for(engine: Engine, table: str, condition: str, index: str) -> None:
    engine.execute(
        f"INSERT INTO {table} (Timestamp, TraceId, Body, ResourceAttributes, LogAttributes, ServiceName) "
        "SELECT now64(9), hex(MD5(toString(number))), concat('Order ', toString(number), ' paid'), "
        "map('k8s.pod.name', concat('pod-', toString(number))), map('order.id', concat('o-', toString(number))), "
        "'shop' FROM numbers(17, 1)"
    )
    plan = engine.query(f"EXPLAIN indexes = 1 SELECT count() FROM {table} WHERE {condition}")
    assert index in " ".join(line for (line,) in read_rows(plan, (text,)))


def test_tables_of_before_get_the_new_indexes_for_what_they_hold(engine: Engine) -> None:
    for table in ("otel_logs", "audit_logs"):
        for name in ("idx_resource_values", "idx_log_values", "idx_body_words"):
            engine.execute(f"ALTER TABLE {table} DROP INDEX {name}")
        engine.execute(f"ALTER TABLE {table} ADD INDEX idx_lower_body lower(Body) TYPE bloom_filter GRANULARITY 1")
        engine.execute(f"INSERT INTO {table} (Timestamp, Body, LogAttributes) VALUES (now64(9), 'Old', map('a', 'b'))")
    engine.execute("ALTER TABLE lognotary_migrations DELETE WHERE Number >= 7 SETTINGS mutations_sync = 2")
    assert 7 in [migration.number for migration in migrate(engine)]
    assert compare_definitions(read_definitions(engine)) == ()
    sizes = (
        "SELECT count() FROM system.data_skipping_indices WHERE database = currentDatabase() "
        "AND name IN ('idx_log_values', 'idx_body_words') AND data_compressed_bytes = 0"
    )
    wait_for(lambda: list(read_rows(engine.query(sizes), (uint64,))) == [(0,)])


@contextmanager
def version_1(server: ClickHouseServer) -> Iterator[Engine]:
    """Open a storage as the version before the second layout left it, with records, in a database of its own."""
    with server.fresh_database() as database:
        url = urlunsplit(urlsplit(server.url)._replace(path=f"/{database}"))
        with closing(connect(parse_storage_url(url), clients=1)) as engine:
            VERSION_1.restore(engine)
            yield engine


def test_a_new_database_has_small_granules_where_lookups_read_many(engine: Engine) -> None:
    for table, rows in {**SMALL_GRANULES, "otel_logs": 8192}.items():
        assert f"index_granularity = {rows}," in definition(engine, table)


def test_tables_of_before_keep_their_granules(clickhouse_server: ClickHouseServer) -> None:
    with version_1(clickhouse_server) as engine:
        migrate(engine)
        assert "index_granularity = 8192," in definition(engine, "audit_logs")
        assert compare_definitions(read_definitions(engine)) == ()


def definition(engine: Engine, table: str) -> str:
    shown: str = read_one(engine.query(f"SHOW CREATE TABLE {table}"), text)
    return shown


def statements_of_second_layout(engine: Engine) -> list[str]:
    (migration,) = (each for each in load_migrations() if each.name == "second_layout")
    return migration.statements(engine.info.version)


def run_all(engine: Engine, statements: list[str]) -> None:
    for statement in statements:
        engine.execute(statement)


def test_a_migration_does_not_wait_until_parts_are_rewritten(clickhouse_server: ClickHouseServer) -> None:
    with version_1(clickhouse_server) as engine:
        for table in ("otel_logs", "audit_logs"):
            engine.execute(f"SYSTEM STOP MERGES {table}")
        try:
            migrate(engine)  # a statement that waits for them never ends
            assert compare_definitions(read_definitions(engine)) == ()
        finally:
            for table in ("otel_logs", "audit_logs"):
                engine.execute(f"SYSTEM START MERGES {table}")
        left = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
        wait_for(lambda: read_one(engine.query(left), uint64) == 0)
        unmade = (
            "SELECT count() FROM system.data_skipping_indices WHERE database = currentDatabase() "
            "AND name IN ('idx_log_values', 'idx_body_words') AND data_compressed_bytes = 0"
        )
        assert read_one(engine.query(unmade), uint64) == 0


def test_a_migration_that_was_interrupted_anywhere_is_finished_by_the_next_start(
    clickhouse_server: ClickHouseServer,
) -> None:
    done = 0
    while True:
        with version_1(clickhouse_server) as engine:
            statements = statements_of_second_layout(engine)
            for statement in statements[:done]:
                engine.execute(statement)
            migrate(engine)
            assert compare_definitions(read_definitions(engine)) == ()
        if done == len(statements):
            break
        done += 1


def test_a_migration_goes_on_while_columns_that_it_dropped_before_are_still_being_dropped(
    clickhouse_server: ClickHouseServer,
) -> None:
    with version_1(clickhouse_server) as engine:
        statements = statements_of_second_layout(engine)
        for table in ("otel_logs", "audit_logs"):
            engine.execute(f"SYSTEM STOP MERGES {table}")
        try:
            run_all(engine, statements)
            with pytest.raises(NotAppliedError, match="affected by mutation"):
                run_all(engine, statements)
            migrate(engine)
            assert compare_definitions(read_definitions(engine)) == ()
        finally:
            for table in ("otel_logs", "audit_logs"):
                engine.execute(f"SYSTEM START MERGES {table}")


class Overtaken(EngineWrapper):
    """A storage on which another server puts aliases in the place of columns just before this one does."""

    overtaken = 0

    def execute(self, statement: str, /) -> None:
        if " ALIAS " in statement and statement.startswith("ALTER TABLE "):
            self.overtaken += 1
            super().execute(statement)
        super().execute(statement)


def test_a_server_may_drop_columns_just_before_another_one_does(clickhouse_server: ClickHouseServer) -> None:
    with version_1(clickhouse_server) as engine:
        for table in ("otel_logs", "audit_logs"):
            engine.execute(f"SYSTEM STOP MERGES {table}")
        overtaken = Overtaken(engine)
        try:
            migrate(overtaken)
            assert overtaken.overtaken > 0
            assert compare_definitions(read_definitions(engine)) == ()
        finally:
            for table in ("otel_logs", "audit_logs"):
                engine.execute(f"SYSTEM START MERGES {table}")


def test_a_server_that_ends_while_it_migrates_takes_nothing_away_that_another_has_made(
    clickhouse_server: ClickHouseServer,
) -> None:
    with version_1(clickhouse_server) as engine:
        migrate(engine)
        for statement in statements_of_second_layout(engine):  # by a server that is a little behind
            engine.execute(statement)
            assert compare_definitions(read_definitions(engine)) == (), statement
