"""The table of spans of earlier versions: put aside at once, read beside the present one, never copied or dropped."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from storage.definitions import compare_definitions, read_definitions
from storage.earlier_spans import (
    PARTITIONED_BY,
    SPANS,
    SPANS_BEFORE,
    count_earlier_spans,
    earlier_spans_of_trace,
    put_aside,
    read_partition_keys,
)
from storage.engine import Engine, EngineWrapper
from storage.errors import NotAppliedError, StorageConfigError
from storage.migrate import load_migrations, migrate
from storage.rowbinary import read_one, read_rows, text, uint64

OF_A_COLLECTOR = (
    "(Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, "
    "ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, Events.Timestamp, Events.Name, "
    "Events.Attributes, Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes)"
)


def insert(engine: Engine, name: str, table: str = SPANS) -> None:
    """Insert a span as the Collector's clickhouseexporter does."""
    engine.execute(
        f"INSERT INTO {table} {OF_A_COLLECTOR} VALUES (now64(9), 'ab', 'cd', '', 'a=b', '{name}', 'Server', 'shop', "
        "map('k', 'v'), 'lib', '1.0', map('a', 'b'), 5, 'Error', 'no', [now64(9)], ['retry'], [map('x', 'y')], ['ef'], "
        "['01'], [''], [map()])"
    )


def names(engine: Engine, table: str) -> list[str]:
    return [name for (name,) in read_rows(engine.query(f"SELECT SpanName FROM {table} ORDER BY SpanName"), (text,))]


def as_before(engine: Engine) -> list[str]:
    """Have the tables of spans as the version before made them; return the statements of the migration."""
    engine.execute("ALTER TABLE lognotary_migrations DELETE WHERE Number = 9 SETTINGS mutations_sync = 2")
    for statement in ("DROP VIEW otel_traces_trace_id_ts_mv", f"DROP TABLE {SPANS} SYNC"):
        engine.execute(statement)
    migrations = {migration.name: migration for migration in load_migrations()}
    for statement in migrations["traces"].statements(engine.info.version):
        engine.execute(statement)
    assert read_partition_keys(engine)[SPANS] == "toDate(Timestamp)"
    return migrations["spans"].statements(engine.info.version)


def check(engine: Engine, earlier: list[str]) -> None:
    """Check that the present table is in place, works, and that earlier spans are where they were put."""
    assert compare_definitions(read_definitions(engine)) == ()
    assert read_partition_keys(engine)[SPANS] == PARTITIONED_BY
    assert names(engine, SPANS) == []
    assert [span.name for span in earlier_spans_of_trace(engine, "ab", 10)] == earlier
    assert count_earlier_spans(engine, "ab") == len(earlier)
    times = "SELECT count() FROM otel_traces_trace_id_ts WHERE TraceId = 'ab'"
    before = read_one(engine.query(times), uint64)
    insert(engine, "new")
    assert names(engine, SPANS) == ["new"]
    assert read_one(engine.query(times), uint64) == before + 1


def test_an_empty_storage_has_the_present_table_at_once(engine: Engine) -> None:
    keys = read_partition_keys(engine)
    assert keys[SPANS] == PARTITIONED_BY
    assert SPANS_BEFORE not in keys
    check(engine, [])


def test_spans_of_before_are_put_aside_and_read_there(engine: Engine) -> None:
    as_before(engine)
    insert(engine, "one")
    insert(engine, "two")
    assert [migration.number for migration in migrate(engine)] == [9]
    check(engine, ["one", "two"])
    (span, _) = earlier_spans_of_trace(engine, "ab", 10)
    assert (span.kind, span.status_code, span.attributes, span.duration) == ("Server", "Error", (("a", "b"),), 5)
    assert [span.name for span in earlier_spans_of_trace(engine, "ab", 1, 1)] == ["two"]
    assert migrate(engine) == []
    assert names(engine, SPANS_BEFORE) == ["one", "two"]


def test_a_table_of_before_without_spans_is_not_kept(engine: Engine) -> None:
    as_before(engine)
    migrate(engine)
    assert SPANS_BEFORE not in read_partition_keys(engine)
    check(engine, [])


def test_a_migration_that_was_interrupted_anywhere_is_finished_by_the_next_start(engine: Engine) -> None:
    for done in range(5):
        statements = as_before(engine)
        insert(engine, "old")
        for statement in [f"RENAME TABLE {SPANS} TO {SPANS_BEFORE}", *statements][:done]:
            engine.execute(statement)
        migrate(engine)
        check(engine, ["old"])
        engine.execute(f"DROP TABLE {SPANS_BEFORE} SYNC")


def test_servers_that_start_at_once_lose_and_double_nothing(engine: Engine) -> None:
    as_before(engine)
    insert(engine, "old")
    at_once = Barrier(4)

    def start() -> None:
        at_once.wait()
        migrate(engine)

    with ThreadPoolExecutor(4) as threads:
        for result in [threads.submit(start) for _ in range(4)]:
            result.result()
    check(engine, ["old"])


class _Meanwhile(EngineWrapper):
    """An engine beside which another server does something, once, before a statement."""

    def __init__(self, engine: Engine, before: str, act: Callable[[], object]) -> None:
        super().__init__(engine)
        self._before = before
        self._act: Callable[[], object] | None = act

    def execute(self, statement: str, /) -> None:
        if self._act is not None and statement.startswith(self._before):
            act, self._act = self._act, None
            act()
        super().execute(statement)


@pytest.mark.parametrize("spans", [[], ["old"]])
def test_a_server_that_is_late_takes_nothing_away_that_another_has_made(engine: Engine, spans: list[str]) -> None:
    as_before(engine)
    for span in spans:
        insert(engine, span)

    def another() -> None:
        migrate(engine)
        insert(engine, "of another server")

    put_aside(_Meanwhile(engine, "RENAME", another))
    assert names(engine, SPANS) == ["of another server"]
    assert (SPANS_BEFORE in read_partition_keys(engine)) is bool(spans)


def test_a_table_in_the_place_is_named_and_nothing_is_changed(engine: Engine) -> None:
    as_before(engine)
    insert(engine, "old")
    engine.execute(f"CREATE TABLE {SPANS_BEFORE} (x Int8) ENGINE = MergeTree ORDER BY x")
    with pytest.raises(StorageConfigError, match="cannot be put aside because there is a table otel_traces_before: re"):
        migrate(engine)
    assert names(engine, SPANS) == ["old"]


def test_a_refusal_of_storage_is_handed_on(engine: Engine) -> None:
    as_before(engine)

    def refuse() -> None:
        raise NotAppliedError("not now")

    with pytest.raises(NotAppliedError, match="not now"):
        put_aside(_Meanwhile(engine, "RENAME", refuse))
