"""Users of few rights: what each role needs, what a missing right leads to, and that who only reads changes nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from harness.clickhouse_http import ClickHouseServer, QueryError
from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.clickhouse_users import role_rights, url_of_user, user
from harness.known_settings import known_settings
from harness.lacking import lacking
from server.notary.canonical import CANONICAL_VERSION
from server.notary.origin import Stream
from storage.audit_ids import IdRow, IdState, insert_ids, read_ids, set_ids_retention
from storage.clickhouse import connect, connect_to_read
from storage.clock import check_clock
from storage.definitions import read_definitions
from storage.disclosures import (
    DisclosedValue,
    erase_disclosures,
    insert_disclosures,
    matching_commitments,
    set_disclosure_days,
)
from storage.disk_encryption import encryption_of_disks
from storage.engine import Engine
from storage.errors import AccessDeniedError, NoDataError, NotAppliedError, SettingRefusedError, StorageConfigError
from storage.held_disclosures import holds_on_values
from storage.hold_scope import HoldScope
from storage.holds import add_hold
from storage.migrate import migrate
from storage.policies import note_policy, read_recorded_policies
from storage.read_settings import FULL_SCAN, PINNED
from storage.records import of_trace, select_rows
from storage.removal import removal_paused, wait_for_removal
from storage.retention import apply_retention, check_cold_volume, read_retention_days, set_retention
from storage.retention_beside import TABLES_BESIDE
from storage.retention_policy import Policy, RetentionRule
from storage.roles import Role, grants, quoted
from storage.rowbinary import read_one, uint64
from storage.schema import RECORD_TABLES
from storage.stored_records import scan_records
from storage.tenant_usage import read_table_sizes
from storage.url import EmbeddedUrl, parse_storage_url
from storage.writers import WriterName, claim, release, renew

_DATABASE = "lognotary"
_EVIDENCE = ("log_batches", "log_tiles", "log_statements")
_TABLES = (*RECORD_TABLES.values(), *_EVIDENCE)
_ODD_NAME = 'o\'dd`\\user "x"\n\u202e'

# A profile of a user who may send no settings, with those that answers need, and profiles with one of them wrong.
_NEEDED: dict[str, str] = {name: str(value) for name, value in {**PINNED, **FULL_SCAN}.items()}
_WRONG = {
    "limited": {"limit": "1"},
    "shifted": {"offset": "1"},
    "filtered": {"additional_result_filter": "0"},
    "projected": {"optimize_use_projections": "1"},
    "indexed": {"use_skip_indexes": "1"},
    "cached": {"use_query_cache": "1", "query_cache_nondeterministic_function_handling": "save"},
}


def _single_rights() -> Iterator[tuple[str, list[str]]]:
    """Yield each right of a server, and the rights without it."""
    rights = role_rights(Role.SERVER, "{database}")
    for number, right in enumerate(rights):
        names, _, where = right.partition(" ON ")
        for name in re.split(r", (?![^(]*\))", names):
            others = [other for other in re.split(r", (?![^(]*\))", names) if other != name]
            rest = [f"{', '.join(others)} ON {where}"] if others else []
            yield f"{name} ON {where}".replace("`{database}`.", ""), [*rights[:number], *rest, *rights[number + 1 :]]


_SINGLE_RIGHTS = dict(_single_rights())


def _profile(name: str, settings: Mapping[str, str]) -> str:
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in settings.items())
    return f"<{name}><readonly>1</readonly>{inside}</{name}>"


def _rights_of_an_upgrade(database: str) -> list[str]:
    """Return the rights that docs/storage.md names for the first start after an upgrade."""
    page = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")
    rights = re.findall(r"^GRANT (.* ON lognotary\.otel_traces\w*) TO lognotary$", page, re.MULTILINE)
    assert len(rights) == 2
    return [right.replace(" lognotary.", f" {database}.") for right in rights]


def _users() -> str:
    users = [
        user("server", role_rights(Role.SERVER, "server")),
        user("behind", role_rights(Role.SERVER, "behind")),
        user("upgrading", [*role_rights(Role.SERVER, "upgrading"), *_rights_of_an_upgrade("upgrading")]),
        user("auditor", role_rights(Role.AUDITOR, _DATABASE)),
        user("reader", role_rights(Role.READER, _DATABASE)),
        user("half", ["SELECT ON lognotary.log_batches", "SELECT(LogId) ON lognotary.log_statements"]),
        user("read_only", profile="read_only"),
        *(user(name, profile=name) for name in ("strict", "prepared", "changing", "constant", *_WRONG)),
    ]
    for number, rights in enumerate(_SINGLE_RIGHTS.values()):
        users.append(user(f"lacking{number}", [right.replace("{database}", f"lacking{number}") for right in rights]))
    return "".join(users)


@pytest.fixture(scope="module")
def needed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings that answers need, without those of later versions."""
    try:
        known = known_settings(tmp_path_factory.mktemp("settings"))
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")
    return {name: value for name, value in _NEEDED.items() if name in known}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, needed: dict[str, str]) -> Iterator[ClickHouseNode]:
    """A server with users, and a migrated database."""
    profiles = ["<read_only><readonly>2</readonly></read_only>", _profile("strict", {})]
    profiles += [_profile("prepared", needed), _profile("changing", needed)]
    profiles += ["<constant><limit>1</limit><constraints><limit><const/></limit></constraints></constant>"]
    profiles += [_profile(name, {**needed, **settings}) for name, settings in _WRONG.items()]
    started = ClickHouseNode(tmp_path_factory.mktemp("access"), users=_users(), profiles="".join(profiles))
    try:
        with started:
            with closing(connect(parse_storage_url(f"{started.url}/{_DATABASE}"), clients=1)) as engine:
                migrate(engine)
                engine.execute("INSERT INTO log_batches (LogId) SELECT toString(number) FROM numbers(10)")
            yield started
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")


def _to_read(node: ClickHouseNode, name: str, database: str = _DATABASE) -> Engine:
    return connect_to_read(parse_storage_url(url_of_user(node.url, name, database)), clients=1)


def _databases(node: ClickHouseNode) -> set[str]:
    return set(node.query("SELECT name FROM system.databases").split("\n"))


def _serve_as(node: ClickHouseNode, user_and_database: str) -> None:
    url = parse_storage_url(url_of_user(node.url, user_and_database, user_and_database))
    with closing(connect(url, clients=1)) as engine:
        _serve(engine, node, user_and_database)


def _serve(engine: Engine, node: ClickHouseNode, database: str) -> None:
    """Do what a server does with storage."""
    migrate(engine)
    for table in _TABLES:
        engine.execute(f"INSERT INTO {table} (LogId) SETTINGS async_insert = 0 VALUES ('log')")
        assert read_one(engine.query(f"SELECT count() FROM {table} WHERE LogId = 'log'"), uint64) == 1
    name = WriterName("shop", "node-1", "host:/data")
    renew(engine, name, claim(engine, name))
    release(engine, name)
    for days in (3, None, 5):
        set_retention(engine, dict.fromkeys(Stream, Policy(days)))
        assert set(read_retention_days(engine).values()) == {days}
        set_ids_retention(engine, days)
        set_disclosure_days(engine, days)
    for rules in ((RetentionRule(2, service="a"),), ()):
        apply_retention(engine, {stream: Policy(5, rules) for stream in Stream})
    tables = (*RECORD_TABLES.values(), *TABLES_BESIDE)
    with removal_paused(engine, tables):
        add_hold(engine, "hold", HoldScope(trace="ab"), "a reason", "eve", "::1")
        wait_for_removal(engine, tables)
    note_policy(engine, "audit", Policy(5))
    assert read_recorded_policies(engine) == {"audit": Policy(5)}
    with pytest.raises(StorageConfigError, match="has no volume 'cold'"):
        check_cold_volume(engine, "audit_logs", "cold")
    claim_of_id = IdRow(
        uuid4(), uuid4(), IdState.CLAIMED, bytes(32), "shop/audit/node-1", uuid4(), time.time_ns() // 10**6
    )
    insert_ids(engine, [claim_of_id])
    assert read_ids(engine, [claim_of_id.record_id]) == [claim_of_id]
    value = DisclosedValue(1_800_000_000 * 10**9, bytes(32), b"value", "card")
    insert_disclosures(engine, [value])
    assert matching_commitments(engine, value="value") == [value.commitment]
    assert holds_on_values(engine, [value.commitment]) == []
    erase_disclosures(engine, [value.commitment])
    assert matching_commitments(engine, value="value") == []
    check_clock(engine)
    assert encryption_of_disks(engine) == "none"
    assert set(read_table_sizes(engine)) == set(Stream)
    node.query("INSERT INTO otel_traces (Timestamp, TraceId) VALUES (now(), 'trace')", database=database)
    assert len(select_rows(engine, of_trace(Stream.SPANS, "trace"), 10)) == 1
    assert node.query("SELECT count() FROM otel_traces_trace_id_ts", database=database) == "1"
    if unread := read_definitions(engine).unread:
        raise AccessDeniedError("; ".join(map(str, unread)))
    migrate(engine)


def test_the_rights_of_a_server_are_enough(node: ClickHouseNode) -> None:
    _serve_as(node, "server")


@pytest.mark.parametrize("right", [right for right in _SINGLE_RIGHTS if "masking_policies" not in right])
def test_a_server_needs_each_of_its_rights(node: ClickHouseNode, right: str) -> None:
    database = f"lacking{list(_SINGLE_RIGHTS).index(right)}"
    names, _, where = right.partition(" ON ")
    with pytest.raises(AccessDeniedError) as refusal:
        _serve_as(node, database)
    assert names.partition("(")[0] in str(refusal.value)
    assert where.partition(".")[0] in str(refusal.value)
    assert f"--role server --user {database} --database {database}" in str(refusal.value)
    assert not refusal.value.retryable


def test_a_server_of_before_needs_the_rights_on_the_page_to_put_its_spans_aside(node: ClickHouseNode) -> None:
    for name in ("behind", "upgrading"):
        node.query(f"CREATE DATABASE {name}")
        node.query(
            "CREATE TABLE otel_traces (Timestamp DateTime64(9), TraceId String) ENGINE = MergeTree "
            "PARTITION BY toDate(Timestamp) ORDER BY Timestamp",
            database=name,
        )
        node.query("INSERT INTO otel_traces VALUES (now64(9), 'old')", database=name)
    with pytest.raises(AccessDeniedError, match=r"GRANT .*DROP TABLE.* ON behind\.otel_traces TO `behind`"):
        _serve_as(node, "behind")
    assert node.query("SELECT TraceId FROM otel_traces", database="behind") == "old"
    _serve_as(node, "upgrading")
    assert node.query("SELECT TraceId FROM otel_traces_before", database="upgrading") == "old"


def test_the_rights_of_an_auditor_are_enough_to_read_and_allow_no_change(node: ClickHouseNode) -> None:
    with closing(_to_read(node, "auditor")) as engine:
        for table in _TABLES:
            engine.query(f"SELECT * FROM {table}")
        assert read_definitions(engine).unread == ()
        for statement in (
            "INSERT INTO log_batches (LogId) VALUES ('x')",
            "ALTER TABLE log_batches DELETE WHERE 1",
            "TRUNCATE TABLE log_tiles",
            "CREATE TABLE other (x Int8) ENGINE = MergeTree ORDER BY x",
            "CREATE DATABASE other",
            "SELECT * FROM log_writers",
        ):
            with pytest.raises(AccessDeniedError, match=r"GRANT .* TO `auditor`"):
                engine.execute(statement)


def test_the_rights_of_a_reader_are_enough_for_records_and_spans(node: ClickHouseNode) -> None:
    raw = ClickHouseServer(url_of_user(node.url, "reader", ""))
    for table in ("otel_logs", "audit_logs", "otel_traces", "otel_traces_trace_id_ts"):
        assert raw.query(f"SELECT count() FROM {_DATABASE}.{table}") == "0"
    for table in _EVIDENCE:
        with pytest.raises(QueryError, match="ACCESS_DENIED"):
            raw.query(f"SELECT count() FROM {_DATABASE}.{table}")


@pytest.mark.parametrize("role", Role)
def test_grants_are_quoted_for_any_name(node: ClickHouseNode, role: Role) -> None:
    described = node.query(f"DESCRIBE (SELECT 1 AS {quoted(_ODD_NAME)}) FORMAT JSONCompactEachRow")
    assert json.loads(described)[0] == _ODD_NAME
    for statement in grants(role, _ODD_NAME, _ODD_NAME):
        assert statement.isprintable()
        with pytest.raises(QueryError, match="UNKNOWN_ROLE") as refusal:  # parsed, and the name is only missing
            node.query(statement)
        assert "UNEXPECTED" not in str(refusal.value)


@pytest.mark.parametrize("name", ["read_only", "prepared", "auditor", "default"])
def test_who_may_only_read_gets_the_answers_that_others_get(node: ClickHouseNode, name: str) -> None:
    with closing(_to_read(node, name)) as engine:
        assert read_one(engine.query("SELECT count() FROM log_batches"), uint64) == 10
        assert read_one(engine.query("SELECT count() FROM log_batches", settings=FULL_SCAN), uint64) == 10
        select = "SELECT CAST(LogId AS String) AS Log FROM log_batches ORDER BY Log"
        pieces = engine.query_in_pieces(select, settings=FULL_SCAN)
        assert b"".join(pieces).endswith(b"String" + b"".join(b"\1%d" % number for number in range(10)))
        if name != "default":
            with pytest.raises(NotAppliedError):
                engine.execute("TRUNCATE TABLE log_batches")


@pytest.mark.parametrize("name", ["prepared", "auditor"])
def test_records_are_scanned_by_users_who_may_and_may_not_send_the_size_of_blocks(
    node: ClickHouseNode, name: str
) -> None:
    with closing(_to_read(node, name)) as engine:
        for stream in Stream:
            assert b"".join(scan_records(engine, stream, "none", 0, 10, CANONICAL_VERSION)) == b""


def test_a_user_who_may_send_no_settings_is_told_which_differ_and_what_to_do(node: ClickHouseNode) -> None:
    with pytest.raises(SettingRefusedError) as refusal:
        _to_read(node, "strict")
    message = str(refusal.value)
    assert "the user 'strict'" in message
    assert "optimize_use_projections is 'true' and must be 0" in message
    assert "use_skip_indexes is 'true' and must be 0" in message
    assert "limit is" not in message.partition("ALTER USER")[0]
    assert "ALTER USER `strict` SETTINGS readonly = 2" in message
    assert not refusal.value.retryable
    statement = message.rpartition("; or ")[2]
    assert "optimize_use_projections = 0" in statement
    assert node.query(f"SELECT formatQuery($${statement}$$) != ''") == "1"  # it can be run as it is


@pytest.mark.parametrize("name", _WRONG)
def test_a_profile_that_bends_answers_is_refused_by_name_if_no_settings_may_be_sent(
    node: ClickHouseNode, name: str
) -> None:
    with pytest.raises(SettingRefusedError) as refusal:
        _to_read(node, name)
    assert next(iter(_WRONG[name])) in str(refusal.value) or "filter or cut answers" in str(refusal.value)


def test_a_setting_with_a_constraint_is_refused_by_name(node: ClickHouseNode) -> None:
    with pytest.raises(SettingRefusedError, match=r"no constraint on the setting\. .*\blimit\b") as refusal:
        _to_read(node, "constant")
    assert "readonly = 1" not in str(refusal.value)


def test_a_profile_that_changes_while_no_settings_may_be_sent_is_noticed_before_the_answer_is_used(
    node: ClickHouseNode, needed: dict[str, str]
) -> None:
    with closing(_to_read(node, "changing")) as engine:
        engine.query("SELECT LogId FROM log_batches")
        profiles = node.profiles
        node.profiles = profiles.replace(_profile("changing", needed), _profile("changing", {**needed, "limit": "1"}))
        assert node.profiles != profiles
        try:
            node.restart()  # reads users anew
            with pytest.raises(SettingRefusedError, match="limit"):
                engine.query("SELECT LogId FROM log_batches")
            with pytest.raises(SettingRefusedError, match="limit"):
                list(engine.query_in_pieces("SELECT LogId FROM log_batches"))
        finally:
            node.profiles = profiles
            node.restart()


def test_a_right_that_a_reader_lacks_is_named_with_the_statement_that_grants_it(node: ClickHouseNode) -> None:
    with pytest.raises(AccessDeniedError) as refusal:
        _to_read(node, "half")
    assert "GRANT SELECT ON lognotary.otel_logs TO `half`" in str(refusal.value)
    assert "lognotary grants --role auditor --user half --database lognotary" in str(refusal.value)
    assert "DB::Exception" not in str(refusal.value)


@pytest.mark.parametrize("name", ["default", "read_only", "prepared", "auditor"])
def test_a_mistyped_database_has_no_data_and_is_not_created(node: ClickHouseNode, name: str) -> None:
    before = _databases(node)
    with pytest.raises(NoDataError, match=r"there is no Lognotary data in http://\S+/typo.* does not exist"):
        _to_read(node, name, "typo")
    assert _databases(node) == before


def test_a_database_without_tables_of_lognotary_has_no_data(node: ClickHouseNode) -> None:
    node.query("CREATE DATABASE IF NOT EXISTS empty")
    with pytest.raises(NoDataError, match=r"there is no Lognotary data in http://.*/empty: .* none of the tables"):
        _to_read(node, "default", "empty")
    assert node.query("SHOW TABLES FROM empty") == ""


def test_a_user_who_may_only_read_is_refused_as_a_server_with_what_to_do(node: ClickHouseNode) -> None:
    url = parse_storage_url(url_of_user(node.url, "read_only", "another"))
    with pytest.raises(AccessDeniedError, match="ALTER USER `read_only` SETTINGS readonly = 0") as refusal:
        connect(url)
    assert not refusal.value.retryable
    assert "another" not in _databases(node)


class TestEmbeddedDirectories:
    def test_a_directory_that_does_not_exist_has_no_data_and_is_not_created(self, tmp_path: Path) -> None:
        with pytest.raises(NoDataError, match=f"there is no Lognotary data in chdb://{tmp_path}/typo: .* not exist"):
            connect_to_read(EmbeddedUrl(tmp_path / "typo"))
        assert list(tmp_path.iterdir()) == []

    def test_a_directory_of_something_else_has_no_data_and_stays_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("text")
        with pytest.raises(NoDataError, match="there is no Lognotary data in"):
            connect_to_read(EmbeddedUrl(tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_the_directory_beneath_is_proposed(self, tmp_path: Path) -> None:
        with closing(connect(EmbeddedUrl(tmp_path / "chdb"), clients=1)) as engine:
            migrate(engine)
        with pytest.raises(NoDataError, match=rf"did you mean chdb://{tmp_path}/chdb\?"):
            connect_to_read(EmbeddedUrl(tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == ["chdb"]
        with closing(connect_to_read(EmbeddedUrl(tmp_path / "chdb"), clients=1)) as engine:
            assert read_one(engine.query("SELECT count() FROM log_batches"), uint64) == 0

    def test_storage_without_tables_has_no_data(self, tmp_path: Path) -> None:
        connect(EmbeddedUrl(tmp_path / "chdb"), clients=1).close()
        with pytest.raises(NoDataError, match="none of the tables"):
            connect_to_read(EmbeddedUrl(tmp_path / "chdb"))
