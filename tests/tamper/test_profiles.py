"""Users whose settings profiles or row policies bend what they read: verification sees through them, or says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from lognotary.v1 import evidence_pb2 as pb
from server.log.journal import Journal
from storage.clickhouse import connect
from storage.errors import StorageError
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.tamper.routes import by_command, by_storage
from tests.tamper.stated import Stated, write_stated
from tests.tamper.store import AUDIT, OPERATIONAL, Tables, row
from tests.tamper.test_matrix import copy

DATABASE = "bent"
SHADED = "shaded"  # another database, whose tables have row policies
LEAF = 50

_FILTERS = f"{{'{DATABASE}.audit_logs': 'LeafIndex != 50', '{DATABASE}.otel_logs': 'LeafIndex != 50'}}"
_NO_LAST = f"{{'{DATABASE}.log_batches': 'Sequence < 8', '{DATABASE}.log_tiles': 'Sequence < 8'}}"
_STALE = {"use_query_cache": "1", "query_cache_min_query_runs": "0", "query_cache_min_query_duration": "0"}

BENT: dict[str, dict[str, str]] = {
    "limit": {"limit": "1"},
    "offset": {"offset": "1"},
    "limit and offset": {"limit": "5", "offset": "2"},
    "rows to read": {"max_rows_to_read": "10", "read_overflow_mode": "break"},
    "bytes to read": {"max_bytes_to_read": "1000", "read_overflow_mode": "break"},
    "rows to read on a leaf": {"max_rows_to_read_leaf": "10", "read_overflow_mode_leaf": "break"},
    "any of the groups": {"max_rows_to_group_by": "1", "group_by_overflow_mode": "any"},
    "some of the groups": {"max_rows_to_group_by": "1", "group_by_overflow_mode": "break"},
    "rows of the result": {"max_result_rows": "1", "result_overflow_mode": "break"},
    "bytes of the result": {"max_result_bytes": "1", "result_overflow_mode": "break"},
    "rows to sort": {"max_rows_to_sort": "1", "sort_overflow_mode": "break"},
    "distinct rows": {"max_rows_in_distinct": "1", "distinct_overflow_mode": "break"},
    "rows in sets": {"max_rows_in_set": "1", "set_overflow_mode": "break"},
    "rows in joins": {"max_rows_in_join": "1", "join_overflow_mode": "break"},
    "time": {"max_execution_time": "0.001", "timeout_overflow_mode": "break"},
    "time on a leaf": {"max_execution_time_leaf": "0.001", "timeout_overflow_mode_leaf": "break"},
    "filters of records": {"additional_table_filters": _FILTERS},
    "filters of batches": {"additional_table_filters": _NO_LAST},
    "filter of results": {"additional_result_filter": "rowNumberInAllBlocks() < 1"},
    "deleted rows": {"apply_deleted_mask": "0"},
    "rows before their patches": {"apply_patch_parts": "0"},
    "mutations on the fly": {"apply_mutations_on_fly": "1"},
    "nulls for nothing": {"aggregate_functions_null_for_empty": "1"},
    "nothing for nothing": {"empty_result_for_aggregation_by_empty_set": "1"},
    "nulls in groups": {"group_by_use_nulls": "1"},
    "nulls in sets": {"transform_null_in": "1"},
    "nulls kept": {"cast_keep_nullable": "1"},
    "cached answers": _STALE,
    "cached answers of all": {**_STALE, "query_cache_share_between_users": "1", "query_cache_ttl": "3600"},
    "assumptions": {"optimize_using_constraints": "1", "convert_query_to_cnf": "1", "optimize_substitute_columns": "1"},
    "final": {"final": "1"},
    "no indexes": {"use_skip_indexes": "0"},
    "ignored indexes": {"ignore_data_skipping_indices": "idx_leaf_index"},
    "forced keys": {"force_primary_key": "1"},
    "forced dates": {"force_index_by_date": "1"},
    "partitions": {"max_partitions_to_read": "1"},
    "columns": {"max_columns_to_read": "2"},
    "aliases": {"prefer_column_name_to_alias": "1"},
    "extremes": {"extremes": "1"},
    "quoted names": {"show_create_query_identifier_quoting_rule": "always"},
    "other quotes": {"show_create_query_identifier_quoting_style": "DoubleQuotes"},
    "identifiers of tables": {"show_table_uuid_in_table_create_query_if_not_nil": "1"},
    "types in native answers": {"output_format_native_encode_types_in_binary_format": "1"},
    "a table for nothing": {"implicit_table_at_top_level": "log_batches"},
    "another time zone": {"session_timezone": "Asia/Tokyo"},
    "types in answers": {"output_format_binary_encode_types_in_binary_format": "1"},
    "one row at a time": {"max_block_size": "1"},
    "the old analyzer": {"enable_analyzer": "0"},
    "another dialect": {"dialect": "kusto"},
    "no positions": {"enable_positional_arguments": "0"},
    "little memory": {"max_memory_usage": "100000"},
    "readonly": {"readonly": "1"},
    "readonly but for settings": {"readonly": "2"},
    "readonly and limit": {"readonly": "1", "limit": "1"},
}
CONSTANT: dict[str, dict[str, str]] = {
    f"constant {name}": BENT[name]
    for name in (
        *("limit", "offset", "any of the groups", "rows to read", "rows of the result", "filters of records"),
        *("deleted rows", "rows before their patches", "cached answers", "no indexes", "final", "time"),
    )
}
HIDDEN: dict[str, dict[str, str]] = {
    "records": {"audit_logs": f"LeafIndex != {LEAF}"},
    "the last records": {"audit_logs": "LeafIndex < 97", "log_batches": "Sequence < 8", "log_tiles": "Sequence < 8"},
    "batches": {"log_batches": "Sequence != 3"},
    "hashes": {"log_tiles": "Sequence != 3"},
    "statements": {"log_statements": "Number != 2"},
    "a log": dict.fromkeys(("audit_logs", "log_batches", "log_tiles", "log_statements"), f"LogId != '{AUDIT.log_id}'"),
    "all": dict.fromkeys(("audit_logs", "otel_logs", "log_batches", "log_tiles", "log_statements"), "0"),
}
_PROFILES = {**BENT, **CONSTANT}


def _user(name: str) -> str:
    return name.replace(" ", "_")


def _profiles() -> str:
    texts = []
    for name, settings in _PROFILES.items():
        constant = "".join(f"<{setting}><const/></{setting}>" for setting in settings) if name in CONSTANT else ""
        values = "".join(f"<{setting}>{escape(value)}</{setting}>" for setting, value in settings.items())
        constraints = f"<constraints>{constant}</constraints>" if constant else ""
        texts.append(f"<{_user(name)}><profile>default</profile>{values}{constraints}</{_user(name)}>")
    return "".join(texts)


def _users() -> str:
    def user(name: str, profile: str, policies: str = "") -> str:
        return (
            f"<{name}><password></password><networks><ip>::/0</ip></networks><profile>{profile}</profile>"
            f"<quota>default</quota>{policies}</{name}>"
        )

    texts = [user(_user(name), _user(name)) for name in _PROFILES]
    for name, tables in HIDDEN.items():
        filters = "".join(f"<{table}><filter>{escape(sql)}</filter></{table}>" for table, sql in tables.items())
        texts.append(user(_user(name), "default", f"<databases><{SHADED}>{filters}</{SHADED}></databases>"))
    return "".join(texts)


@dataclass(frozen=True)
class Subject:
    """A store on a node with many users.

    Attributes:
        node: the node.
        database: the store's database.
        stated: the store, as its owner sees it.
    """

    node: ClickHouseNode
    database: str
    stated: Stated

    def url(self, name: str) -> str:
        """Return the storage URL of a user."""
        return f"{self.node.url}/{self.database}".replace("http://", f"http://{_user(name)}@")

    def verify(self, name: str) -> list[pb.Finding] | str:
        """Verify as a user; return the findings, or the error's message."""
        try:
            with closing(connect(parse_storage_url(self.url(name)), clients=1)) as engine:
                tables = Tables(engine, self.stated.tables.journal)
                return by_storage(Stated(tables, self.stated.signers, batches=self.stated.batches))
        except StorageError as error:
            # ClickHouse 26.7 may die, a moment later, of a client that leaves a query which a limit of time cut off.
            if any(setting.startswith("max_execution_time") for setting in _PROFILES.get(name, ())):
                self.node.kill()
                self.node.start()
            return str(error)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseNode]:
    """A node with the users."""
    try:
        with ClickHouseNode(tmp_path_factory.mktemp("node"), users=_users(), profiles=_profiles()) as started:
            yield started
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")


def _subject(node: ClickHouseNode, database: str, directory: Path) -> Iterator[Subject]:
    with (
        closing(connect(parse_storage_url(f"{node.url}/{database}"))) as engine,
        closing(Journal(directory / "journal", 1 << 20)) as journal,
    ):
        migrate(engine)
        yield Subject(node, database, write_stated(Tables(engine, journal)))


@pytest.fixture(scope="module")
def written_subject(node: ClickHouseNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A store whose tables have no row policies."""
    yield from _subject(node, DATABASE, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def shaded(node: ClickHouseNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A store whose tables have row policies."""
    yield from _subject(node, SHADED, tmp_path_factory.mktemp("shaded"))


@pytest.fixture
def subject(written_subject: Subject) -> Iterator[Subject]:
    """The store, untouched; restored after the test."""
    written_subject.stated.restore()
    try:
        yield written_subject
    finally:
        written_subject.stated.restore()


_PATCHES = "MODIFY SETTING enable_block_number_column = 1, enable_block_offset_column = 1"
TAMPERINGS: dict[str, tuple[str, ...]] = {
    "a changed record": (f"ALTER TABLE audit_logs UPDATE Body = 'other' WHERE {row(AUDIT, LEAF)}",),
    "a record beyond what is assumed": (
        "ALTER TABLE audit_logs ADD CONSTRAINT few ASSUME LeafIndex < 40",
        "ALTER TABLE audit_logs ADD CONSTRAINT small ASSUME length(Body) < 3",
        f"ALTER TABLE audit_logs UPDATE Body = 'other' WHERE {row(AUDIT, LEAF)}",
    ),
    "a masked record": (f"DELETE FROM audit_logs WHERE {row(AUDIT, LEAF)}",),
    "a patched record": (
        f"ALTER TABLE audit_logs {_PATCHES}",
        "OPTIMIZE TABLE audit_logs FINAL",
        f"UPDATE audit_logs SET Body = 'other' WHERE {row(AUDIT, LEAF)} SETTINGS enable_lightweight_update = 1",
    ),
    "records of no batch": (
        copy("audit_logs", f"LogId = '{AUDIT.log_id}' AND LeafIndex IN (4, {LEAF})", BatchId="generateUUIDv4()"),
    ),
    "a copied record": (copy("audit_logs", row(AUDIT, LEAF)),),
    "a batch less": (f"ALTER TABLE log_batches DELETE WHERE LogId = '{OPERATIONAL.log_id}' AND Sequence = 3",),
}


def _stands_in_the_way(name: str, message: str) -> bool:
    """Return whether a message names one of a profile's settings."""
    return any(setting in message for setting in _PROFILES[name])


def _pairs() -> list[tuple[str, str]]:
    """Return each profile with some of the kinds of tampering, so that each kind meets many profiles."""
    return [
        (name, tampering)
        for number, name in enumerate(_PROFILES)
        for place, tampering in enumerate(TAMPERINGS)
        if (number + place) % 3 == 0
    ]


@pytest.mark.parametrize("name", _PROFILES)
def test_a_profile_makes_no_finding_of_an_untouched_store(subject: Subject, name: str) -> None:
    found = subject.verify(name)
    assert found == [] or (isinstance(found, str) and _stands_in_the_way(name, found)), found


@pytest.mark.parametrize(("name", "tampering"), _pairs())
def test_a_profile_hides_no_tampering(subject: Subject, name: str, tampering: str) -> None:
    subject.verify(name)  # so that there are cached answers, if the profile has them
    subject.stated.touch("audit_logs")
    subject.stated.tamper(*TAMPERINGS[tampering])
    owner, found = subject.verify("default"), subject.verify(name)
    assert isinstance(owner, list), owner
    assert owner, "the store is tampered with"
    if isinstance(found, str):
        assert _stands_in_the_way(name, found), found
    else:
        assert [finding.message for finding in found] == [finding.message for finding in owner]


@pytest.mark.parametrize("name", ["constant limit", "constant filters of records", "constant deleted rows"])
def test_the_command_says_which_setting_stands_in_the_way(subject: Subject, name: str, tmp_path: Path) -> None:
    subject.stated.tamper(*TAMPERINGS["a masked record"])
    status, found, message = by_command(subject.url(name), subject.stated, tmp_path)
    if status == 2:
        assert _stands_in_the_way(name, message), message
        assert "Traceback" not in message
    else:
        assert (status, len(found)) == (1, 1)


@pytest.mark.parametrize("name", ["readonly", "readonly but for settings"])
def test_the_command_verifies_as_a_user_who_may_only_read(subject: Subject, name: str, tmp_path: Path) -> None:
    status, found, message = by_command(subject.url(name), subject.stated, tmp_path)
    assert (status, found) == (0, []) or (status == 2 and "readonly" in message), message
    subject.stated.tamper(*TAMPERINGS["a changed record"])
    status, found, message = by_command(subject.url(name), subject.stated, tmp_path)
    assert (status, len(found)) == (1, 1) or (status == 2 and "readonly" in message), message


@pytest.mark.parametrize("name", HIDDEN)
def test_a_row_policy_that_hides_rows_from_the_verifier_is_named(shaded: Subject, name: str, tmp_path: Path) -> None:
    found = shaded.verify(name)
    assert found, "hidden rows are not verified"
    if isinstance(found, str):
        assert "policy" in found
    status, _, message = by_command(shaded.url(name), shaded.stated, tmp_path)
    assert status == 1 or (status == 2 and "policy" in message), message
