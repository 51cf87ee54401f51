"""Every change of a table's definition that can bend what it shows is named; what operators tune is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from server.notary.origin import Stream
from storage.audit_ids import set_ids_retention
from storage.clickhouse import connect
from storage.create_statement import parse_create
from storage.definitions import EVIDENCE_TABLES, compare_definitions, read_definitions
from storage.engine import Engine
from storage.migrate import migrate
from storage.retention import set_retention
from storage.retention_policy import Policy
from storage.roles import system_right
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url


def differences(engine: Engine) -> list[tuple[str, str]]:
    return [(one.table, one.message) for one in compare_definitions(read_definitions(engine))]


def test_tables_as_migrations_make_them_do_not_differ(engine: Engine) -> None:
    assert differences(engine) == []


def test_retention_is_no_difference(engine: Engine) -> None:
    set_retention(engine, {Stream.AUDIT: Policy(365), Stream.OPERATIONAL: Policy(30)})
    assert differences(engine) == []
    set_retention(engine, {Stream.AUDIT: Policy(None), Stream.OPERATIONAL: Policy(3)})
    assert differences(engine) == []
    set_ids_retention(engine, 400)
    assert differences(engine) == []
    set_ids_retention(engine, 400)  # changes nothing
    set_ids_retention(engine, None)
    assert differences(engine) == []


def test_a_change_of_the_table_of_ids_is_named(engine: Engine) -> None:
    engine.execute("ALTER TABLE audit_record_ids MODIFY TTL toDateTime(ClaimedAt) + INTERVAL 1 MINUTE")
    engine.execute("ALTER TABLE audit_record_ids ADD COLUMN other UInt8")
    assert {table for table, _ in differences(engine)} == {"audit_record_ids"}
    assert len(differences(engine)) == 2
    engine.execute("DROP TABLE audit_record_ids SYNC")
    assert differences(engine) == []  # of a storage that an earlier version made
    engine.execute("CREATE TABLE audit_record_ids (RecordId UUID) ENGINE = MergeTree ORDER BY RecordId")
    assert any("should be a table with the engine ReplacingMergeTree" in message for _, message in differences(engine))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE otel_logs MODIFY SETTING merge_max_block_size = 1024, max_parts_in_total = 200000",
        "ALTER TABLE audit_logs MODIFY COLUMN Body CODEC(ZSTD(9))",
        "ALTER TABLE audit_logs COMMENT COLUMN Body 'the text'",
        "ALTER TABLE audit_logs MODIFY COMMENT 'events'",
        "ALTER TABLE log_batches MODIFY COLUMN Origin LowCardinality(String) FIRST",
        "CREATE TABLE other (x UInt8) ENGINE = MergeTree ORDER BY x",
        "CREATE TABLE counted (n UInt64) ENGINE = MergeTree ORDER BY n; "
        "CREATE MATERIALIZED VIEW beside TO counted AS SELECT count() AS n FROM audit_logs",
        "CREATE VIEW shown AS SELECT Body FROM audit_logs",
        "INSERT INTO otel_logs (Body) VALUES ('x')",
    ],
)
def test_what_operators_tune_and_add_is_no_difference(engine: Engine, statement: str) -> None:
    for one in statement.split("; "):
        engine.execute(one)
    assert differences(engine) == []


_COLUMNS = "LogId, BatchId, LeafIndex"
_CHANGES = {
    # statement(s) -> table, and what the message has
    "DROP TABLE log_tiles SYNC": ("log_tiles", "log_tiles is not there"),
    "RENAME TABLE log_statements TO gone": ("log_statements", "is not there"),
    "RENAME TABLE audit_logs TO real; CREATE VIEW audit_logs AS SELECT * FROM real": ("audit_logs", "is a view"),
    f"RENAME TABLE audit_logs TO real; CREATE MATERIALIZED VIEW audit_logs TO real AS SELECT {_COLUMNS} FROM real": (
        "audit_logs",
        "is a materialized view",
    ),
    "RENAME TABLE log_batches TO real; CREATE TABLE log_batches AS real ENGINE = Merge(currentDatabase(), '^real$')": (
        "log_batches",
        "engine Merge(",
    ),
    "RENAME TABLE log_batches TO real; CREATE TABLE log_batches AS real ENGINE = Null": ("log_batches", "engine Null"),
    "RENAME TABLE log_batches TO real; CREATE TABLE log_batches AS real ENGINE = Memory": (
        "log_batches",
        "engine Memory",
    ),
    "RENAME TABLE log_batches TO real; CREATE TABLE log_batches AS real ENGINE = Buffer(currentDatabase(), real, 1, "
    "10, 100, 10, 100, 10, 100)": ("log_batches", "engine Buffer("),
    "RENAME TABLE log_batches TO real; CREATE TABLE log_batches AS real ENGINE = ReplacingMergeTree ORDER BY (LogId, "
    "Sequence)": ("log_batches", "engine ReplacingMergeTree"),
    "ALTER TABLE log_batches MODIFY COLUMN RecordCount Nullable(UInt64)": (
        "log_batches",
        "column RecordCount of log_batches is Nullable(UInt64), and should be UInt64",
    ),
    "ALTER TABLE log_batches MODIFY COLUMN RecordCount Int64": ("log_batches", "RecordCount of log_batches is Int64"),
    "ALTER TABLE log_batches MODIFY COLUMN Checkpoint LowCardinality(String)": ("log_batches", "Checkpoint"),
    "ALTER TABLE log_batches MODIFY COLUMN Frontier FixedString(64)": ("log_batches", "Frontier"),
    "ALTER TABLE log_batches MODIFY COLUMN RootHash String": ("log_batches", "FixedString(32)"),
    "ALTER TABLE audit_logs MODIFY COLUMN Outcome Enum8('' = 0, 'success' = 1)": ("audit_logs", "Outcome"),
    "ALTER TABLE audit_logs MODIFY COLUMN IngestedAt DateTime64(9, 'Asia/Tokyo')": ("audit_logs", "Asia/Tokyo"),
    "ALTER TABLE otel_logs MODIFY COLUMN EventName Nullable(String)": ("otel_logs", "EventName"),
    "ALTER TABLE otel_logs DROP COLUMN ScopeVersion": ("otel_logs", "column ScopeVersion of otel_logs is missing"),
    "ALTER TABLE otel_logs RENAME COLUMN ScopeVersion TO Version": ("otel_logs", "ScopeVersion"),
    "ALTER TABLE otel_logs ADD COLUMN ActorId String": ("otel_logs", "column ActorId of otel_logs was added: String"),
    "ALTER TABLE otel_logs ADD COLUMN Size UInt64 MATERIALIZED length(Body)": ("otel_logs", "Size"),
    "ALTER TABLE audit_logs MODIFY COLUMN `__otel_materialized_k8s.pod.name` MATERIALIZED 'x'": (
        "audit_logs",
        "column __otel_materialized_k8s.pod.name of audit_logs is LowCardinality(String) MATERIALIZED 'x', and should",
    ),
    "ALTER TABLE audit_logs MODIFY COLUMN `__otel_materialized_k8s.pod.name` "
    "ALIAS ResourceAttributes['k8s.node.name']": (
        "audit_logs",
        "ALIAS ResourceAttributes['k8s.node.name'], and should",
    ),
    "ALTER TABLE otel_logs DROP COLUMN Tenant": ("otel_logs", "column Tenant of otel_logs is missing"),
    "ALTER TABLE audit_logs MODIFY COLUMN ActorType REMOVE CODEC; ALTER TABLE audit_logs MODIFY COLUMN ActorType "
    "ALIAS currentUser()": ("audit_logs", "ALIAS currentUser()"),
    "ALTER TABLE audit_logs MODIFY COLUMN ActorType EPHEMERAL 'x'": ("audit_logs", "EPHEMERAL"),
    "ALTER TABLE audit_logs MODIFY COLUMN ActorType DEFAULT 'eve'": ("audit_logs", "DEFAULT 'eve'"),
    "ALTER TABLE audit_logs MODIFY COLUMN ActorType REMOVE DEFAULT": ("audit_logs", "ActorType"),
    "ALTER TABLE otel_logs MODIFY COLUMN Body String TTL toDateTime(IngestedAt) + INTERVAL 1 DAY": (
        "otel_logs",
        "TTL toDateTime(IngestedAt)",
    ),
    "ALTER TABLE log_statements MODIFY TTL SignedAt + INTERVAL 1 DAY": ("log_statements", "not one that Lognotary"),
    "ALTER TABLE otel_logs MODIFY TTL toDateTime(IngestedAt) + INTERVAL 1 DAY DELETE WHERE Body = 'x'": (
        "otel_logs",
        "not one that Lognotary sets",
    ),
    "ALTER TABLE otel_logs DROP INDEX idx_leaf_index": ("otel_logs", "index idx_leaf_index of otel_logs is missing"),
    "ALTER TABLE log_tiles ADD INDEX i Level TYPE set(2) GRANULARITY 1": (
        "log_tiles",
        "index i of log_tiles was added",
    ),
    "ALTER TABLE otel_logs DROP INDEX idx_leaf_index; ALTER TABLE otel_logs ADD INDEX idx_leaf_index LeafIndex + 1 "
    "TYPE minmax GRANULARITY 1": ("otel_logs", "index idx_leaf_index of otel_logs is"),
    "ALTER TABLE otel_logs DROP INDEX idx_leaf_index; ALTER TABLE otel_logs ADD INDEX idx_leaf_index LeafIndex "
    "TYPE minmax GRANULARITY 100": ("otel_logs", "GRANULARITY 100"),
    "ALTER TABLE audit_logs DROP INDEX idx_actor; ALTER TABLE audit_logs ADD INDEX idx_actor ActorId TYPE "
    "bloom_filter(0.5) GRANULARITY 1": ("audit_logs", "bloom_filter(0.5)"),
    "ALTER TABLE log_batches ADD PROJECTION p (SELECT LogId, count() GROUP BY LogId)": (
        "log_batches",
        "has a projection p, and should have none",
    ),
    "ALTER TABLE log_batches ADD CONSTRAINT c ASSUME TreeSize > 10": ("log_batches", "has a constraint c"),
    "ALTER TABLE log_batches ADD CONSTRAINT c CHECK TreeSize > 10": ("log_batches", "has a constraint c"),
    "ALTER TABLE log_tiles ADD COLUMN x UInt8, MODIFY ORDER BY (LogId, Level, TileIndex, Offset, x)": (
        "log_tiles",
        "ORDER BY (LogId, Level, TileIndex, Offset, x)",
    ),
    "ALTER TABLE audit_logs MODIFY SETTING enable_block_number_column = 1": (
        "audit_logs",
        "enable_block_number_column",
    ),
    "ALTER TABLE audit_logs MODIFY SETTING ttl_only_drop_parts = 0": ("audit_logs", "ttl_only_drop_parts = 0"),
    "ALTER TABLE audit_logs MODIFY SETTING alter_column_secondary_index_mode = 'compatibility'": (
        "audit_logs",
        "alter_column_secondary_index_mode",
    ),
    "INSERT INTO audit_logs (LeafIndex) VALUES (1); ALTER TABLE audit_logs MODIFY SETTING enable_block_number_column "
    "= 1, enable_block_offset_column = 1; UPDATE audit_logs SET Body = Body WHERE 1 SETTINGS "
    "enable_lightweight_update = 1; ALTER TABLE audit_logs RESET SETTING enable_block_number_column": (
        "audit_logs",
        "1 row of the table audit_logs was changed by UPDATE",
    ),
}


@pytest.mark.parametrize("statements", _CHANGES)
def test_a_changed_definition_is_named(engine: Engine, statements: str) -> None:
    table, expected = _CHANGES[statements]
    for statement in statements.split("; "):
        engine.execute(statement)
    found = differences(engine)
    assert {name for name, _ in found} == {table}
    assert any(expected in message for _, message in found), found


_SELECT_ONLY = """
<{name}><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>{more}
</{name}>
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseNode]:
    """A server with users of few rights, and one who sees a part of the rows."""
    grants = "<grants><query>GRANT SELECT ON lognotary.*</query></grants>"
    policy = "<databases><lognotary><audit_logs><filter>LeafIndex &gt; 3</filter></audit_logs></lognotary></databases>"
    users = _SELECT_ONLY.format(name="reader", more=grants) + _SELECT_ONLY.format(name="filtered", more=policy)
    try:
        with ClickHouseNode(tmp_path_factory.mktemp("definitions"), users=users) as started:
            with closing(connect(parse_storage_url(f"{started.url}/lognotary"))) as engine:
                migrate(engine)
                engine.execute("INSERT INTO audit_logs (LeafIndex) SELECT number FROM numbers(10)")
            yield started
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")


def _as_user(node: ClickHouseNode, user: str) -> Engine:
    return connect(parse_storage_url(f"{node.url.replace('://', f'://{user}@')}/lognotary"))


def test_select_on_the_tables_is_enough_and_what_may_not_be_read_is_told(node: ClickHouseNode) -> None:
    with closing(_as_user(node, "reader")) as engine:
        stored = read_definitions(engine)
    assert compare_definitions(stored) == ()
    assert stored.creates.keys() == {*EVIDENCE_TABLES, "audit_record_ids"}
    tables = ("parts", "mutations", "masking_policies")
    assert [skipped.grant for skipped in stored.unread] == [system_right(table) for table in tables]
    assert all("GRANT SELECT ON system." in skipped.reason for skipped in stored.unread)


@pytest.mark.parametrize("mutation", ["UPDATE Body = 'other' WHERE Body = 'x'", "DELETE WHERE Body = 'x'"])
def test_a_change_of_rows_that_waits_to_be_made_is_named(engine: Engine, mutation: str) -> None:
    # Users whose profile has apply_mutations_on_fly = 1 already see the rows as they will be.
    engine.execute("INSERT INTO audit_logs (Body) VALUES ('x')")
    engine.execute("SYSTEM STOP MERGES audit_logs")
    try:
        engine.execute(f"ALTER TABLE audit_logs {mutation} SETTINGS mutations_sync = 0")
        [(table, message)] = differences(engine)
    finally:
        engine.execute("SYSTEM START MERGES audit_logs")
    assert (table, message.split(":")[0]) == (
        "audit_logs",
        "1 mutation that changes or deletes rows of the table audit_logs is not done yet",
    )


def test_a_row_policy_of_the_reader_is_named(node: ClickHouseNode) -> None:
    with closing(_as_user(node, "filtered")) as engine:
        assert differences(engine) == [("audit_logs", "a row policy hides rows of the table audit_logs from this user")]


def test_the_index_types_of_an_older_clickhouse_are_no_difference(engine: Engine) -> None:
    for table in ("otel_logs", "audit_logs"):
        for name in re.findall(r"INDEX (\w+)", _create(engine, table)):
            if name != "idx_leaf_index":
                engine.execute(f"ALTER TABLE {table} DROP INDEX {name}")
    for name, column in (("idx_actor", "ActorId"), ("idx_target", "TargetId")):
        engine.execute(f"ALTER TABLE audit_logs ADD INDEX {name} {column} TYPE bloom_filter(0.01) GRANULARITY 1")
    told = " ".join(sentence for table, sentence in differences(engine) if table == "audit_logs")
    assert "idx_actor" not in told
    assert "idx_target" not in told
    assert "idx_trace_id" in told


def _create(engine: Engine, table: str) -> str:
    (row,) = read_rows(engine.query(f"SHOW CREATE TABLE {table}"), (text,))
    return str(row[0])


class TestParsing:
    def test_quotes_and_brackets_hold_together(self) -> None:
        table = parse_create(
            "CREATE TABLE db.`t` (`a,b` Map(String, Array(UInt8)) DEFAULT map('x,)', [1, 2]) COMMENT 'it\\'s, DEFAULT',"
            " c String ALIAS `a,b`['DEFAULT (']) ENGINE = MergeTree('/a (', '{r}') ORDER BY (c, `a,b`) SETTINGS "
            "x = 'y,z', q=1"
        )
        assert (table.kind, table.name, table.engine) == ("TABLE", "t", "MergeTree('/a (', '{r}')")
        assert {name: str(column) for name, column in table.columns.items()} == {
            "a,b": "Map(String, Array(UInt8)) DEFAULT map('x,)', [1, 2])",
            "c": "String ALIAS `a,b`['DEFAULT (']",
        }
        assert table.clauses == {"ORDER BY": "(c, `a,b`)"}
        assert table.settings == {"x": "'y,z'", "q": "1"}

    def test_layout_makes_no_difference(self) -> None:
        one = parse_create("CREATE TABLE t (a UInt8, INDEX i f(a,  1) TYPE minmax) ENGINE = MergeTree ORDER BY (a)")
        other = parse_create(
            "CREATE TABLE t\n(\n    `a` UInt8,\n    INDEX i f(a, 1) TYPE minmax\n)\nENGINE = MergeTree\nORDER BY (a)\n"
        )
        assert one == other

    @pytest.mark.parametrize(
        "text", ["", "DROP TABLE t", "CREATE", "CREATE TABLE", "'", "CREATE TABLE t (", "CREATE TABLE t ()"]
    )
    def test_what_is_no_create_statement_is_some_other_object(self, text: str) -> None:
        assert parse_create(text).columns == {}
