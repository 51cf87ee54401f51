"""Altered tables are findings, and what cannot be read of them is an error of storage, never another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from server.notary.counted import counted
from server.notary.findings import FindingKind, finding_id
from server.notary.origin import Stream
from server.verification.definition_check import check_definitions
from storage.clickhouse import connect
from storage.definitions import EVIDENCE_TABLES, read_definitions
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError, UnreadableTableError
from storage.evidence import last_batch, read_fragments
from storage.inventory import read_extents
from storage.migrate import load_migrations, migrate, steps
from storage.stored_records import read_records
from storage.url import parse_storage_url


def never(seconds: float) -> None:
    raise AssertionError(f"waits {seconds} s")


def test_an_untouched_store_has_no_finding_and_takes_no_time(engine: Engine) -> None:
    assert list(check_definitions(engine, wait=never)) == []


def test_each_difference_is_a_finding_that_names_table_and_column_and_says_what_should_be(engine: Engine) -> None:
    engine.execute("ALTER TABLE log_batches MODIFY COLUMN RecordCount Nullable(UInt64)")
    engine.execute("ALTER TABLE audit_logs ADD COLUMN Actor String")
    found = list(check_definitions(engine, wait=never))
    assert [finding.kind for finding in found] == 2 * [FindingKind.TABLE_ALTERED]
    assert [finding.message for finding in found] == [
        "the column Actor of audit_logs was added: String",
        "the column RecordCount of log_batches is Nullable(UInt64), and should be UInt64",
    ]


def test_a_table_that_stays_away_is_a_finding(engine: Engine) -> None:
    engine.execute("DROP TABLE log_tiles SYNC")
    waits: list[float] = []
    found = list(check_definitions(engine, wait=waits.append))
    assert [finding.message for finding in found] == ["the table log_tiles is not there"]
    assert len(waits) > 2


def test_a_server_that_creates_its_tables_meanwhile_is_no_finding(engine: Engine) -> None:
    for table in EVIDENCE_TABLES:
        engine.execute(f"DROP TABLE {table} SYNC")
    left = [step for migration in load_migrations() for step in steps(migration, engine.info.version)]

    def create_some(_: float) -> None:
        for step in left[:10]:
            step(engine)
        del left[:10]

    assert list(check_definitions(engine, wait=create_some)) == []


def test_servers_that_start_meanwhile_are_no_finding(engine: Engine) -> None:
    engine.execute("TRUNCATE TABLE lognotary_migrations")
    starting = threading.Thread(target=migrate, args=(engine,))
    starting.start()
    try:
        while starting.is_alive():
            assert list(check_definitions(engine)) == []  # no column is gone even for a moment
    finally:
        starting.join()


def test_a_table_that_an_earlier_version_left_is_one_finding_that_says_what_to_do(engine: Engine) -> None:
    for table in EVIDENCE_TABLES:
        engine.execute(f"DROP TABLE {table} SYNC")
    for migration in load_migrations():
        if migration.number <= 6:
            for statement in migration.statements(engine.info.version):
                engine.execute(statement)
    waits: list[float] = []
    found = list(check_definitions(engine, wait=waits.append))
    what = "a server of this version brings it up to date at its first start; if one has run, it was altered"
    assert [finding.message for finding in found] == [
        f"the table {table} is as an earlier version left it ({counted(number, 'difference')}): {what}"
        for table, number in (
            ("otel_logs", 22),
            ("audit_logs", 29),
            ("otel_traces", 23),
            ("log_batches", 1),
            ("log_tiles", 1),
            ("log_statements", 1),
        )
    ]
    assert len(waits) > 2


def test_who_acknowledges_a_table_of_an_earlier_version_acknowledges_no_other_such_table(engine: Engine) -> None:
    for table in EVIDENCE_TABLES:
        engine.execute(f"DROP TABLE {table} SYNC")
    migrations = load_migrations()
    number = [migration.name for migration in migrations].index("second_layout")
    for migration in migrations[:number]:
        for statement in migration.statements(engine.info.version):
            engine.execute(statement)
    known: dict[str, str] = {}
    for statement in migrations[number].statements(engine.info.version):
        for table in ("otel_logs", "audit_logs"):
            create = read_definitions(engine).creates[table]
            columns_and_indexes = create.partition("ENGINE")[0]
            for finding in check_definitions(engine, wait=lambda _: None):
                if table in finding.message:
                    assert known.setdefault(finding_id(finding), columns_and_indexes) == columns_and_indexes
        engine.execute(statement)
    assert len(known) == 10


_READS: dict[str, Callable[[Engine], object]] = {
    "ALTER TABLE log_batches MODIFY COLUMN TreeSize Nullable(UInt64)": lambda engine: read_extents(engine),
    "ALTER TABLE log_batches MODIFY COLUMN RecordCount Nullable(UInt64)": lambda engine: read_extents(engine),
    "ALTER TABLE log_batches MODIFY COLUMN RecordCount Int64": lambda engine: last_batch(engine, "x"),
    "ALTER TABLE log_batches MODIFY COLUMN Checkpoint Nullable(String)": lambda engine: last_batch(engine, "x"),
    "ALTER TABLE log_batches MODIFY COLUMN RootHash String": lambda engine: last_batch(engine, "x"),
    "ALTER TABLE log_batches MODIFY COLUMN MaxTimestamp DateTime": lambda engine: last_batch(engine, "x"),
    "ALTER TABLE log_tiles MODIFY COLUMN Hashes Nullable(String)": lambda engine: read_fragments(engine, "x", 0, 9),
    "ALTER TABLE log_tiles MODIFY COLUMN Hashes FixedString(32)": lambda engine: read_fragments(engine, "x", 0, 9),
    "ALTER TABLE audit_logs MODIFY COLUMN BatchId String": lambda engine: list(
        read_records(engine, Stream.AUDIT, "x", 0, 9)
    ),
}


@pytest.mark.parametrize("statement", _READS)
def test_columns_of_other_types_are_not_read_as_if_they_were_right(engine: Engine, statement: str) -> None:
    engine.execute(statement)
    with pytest.raises(UnreadableTableError, match="lognotary verify") as error:
        _READS[statement](engine)
    assert not error.value.retryable


@pytest.mark.parametrize(
    "statement", ["DROP TABLE log_batches SYNC", "ALTER TABLE log_batches DROP COLUMN RecordCount"]
)
def test_what_is_missing_is_an_error_of_storage(engine: Engine, statement: str) -> None:
    engine.execute(statement)
    with pytest.raises(StorageError, match=r"log_batches|RecordCount"):
        read_extents(engine)


@pytest.fixture
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A user with SELECT on the tables only."""
    user = (
        "<reader><password></password><networks><ip>::/0</ip></networks><profile>default</profile>"
        "<quota>default</quota><grants><query>GRANT SELECT ON lognotary.*</query></grants></reader>"
    )
    try:
        with ClickHouseNode(tmp_path_factory.mktemp("reader"), users=user) as node:
            with closing(connect(parse_storage_url(f"{node.url}/lognotary"))) as engine:
                migrate(engine)
            with closing(connect(parse_storage_url(f"{node.url.replace('://', '://reader@')}/lognotary"))) as engine:
                yield engine
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")


def test_what_may_not_be_read_is_told(reader: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert list(check_definitions(reader, wait=never)) == []
    assert "updates that are not merged into the rows yet: the user 'reader' of ClickHouse lacks" in caplog.text
    with pytest.raises(NotAppliedError, match=r"GRANT DROP TABLE ON lognotary\.log_tiles TO `reader`"):
        reader.execute("DROP TABLE log_tiles")
