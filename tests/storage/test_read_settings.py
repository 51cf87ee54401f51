"""No settings profile bends what is read; one that cannot be overruled is refused with its name."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.known_settings import known_settings
from harness.lacking import lacking
from server.notary.origin import Stream
from storage.answer_limits import AnsweringEngine, QueryLimits
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import LimitExceededError, SettingRefusedError, StorageError
from storage.read_settings import FULL_SCAN, PINNED, settings_clause
from storage.records import AuditFilter, of_audit_events, of_trace, select_rows
from storage.rowbinary import read_one, read_rows, text, uint64
from storage.stored_records import read_records
from storage.url import parse_storage_url

_T = "bent.t"
_MANY = "SELECT number FROM numbers(20000)"
_LATEST = (26, 9)  # the first version that knows all of the settings below
_NO_ROWS = f"FROM {_T} WHERE x > 1000"

# A setting or several -> a query that shows what they do.
_BENDS: dict[str, tuple[Mapping[str, str | int], str]] = {
    "limit": ({"limit": 1}, f"SELECT x FROM {_T}"),
    "offset": ({"offset": 3}, f"SELECT x FROM {_T}"),
    "result_filter": ({"additional_result_filter": "x > 3"}, f"SELECT x FROM {_T}"),
    "table_filter": ({"additional_table_filters": f"{{'{_T}': 'x > 3'}}"}, f"SELECT count() FROM {_T}"),
    "deleted": ({"apply_deleted_mask": 0}, f"SELECT count() FROM {_T}"),
    "sum_of_none": ({"aggregate_functions_null_for_empty": 1}, f"SELECT sum(x) {_NO_ROWS}"),
    "nothing_of_none": ({"empty_result_for_aggregation_by_empty_set": 1}, f"SELECT count() {_NO_ROWS}"),
    "column_for_alias": ({"prefer_column_name_to_alias": 1}, f"SELECT 7 AS x FROM {_T} WHERE x = 7"),
    "nulls_of_join": ({"join_use_nulls": 1}, f"SELECT b.x FROM {_T} AS a LEFT JOIN {_T} AS b ON a.x = b.x + 5"),
    "time_zone": ({"session_timezone": "Asia/Tokyo"}, "SELECT toString(toDateTime(0))"),
    "filter": ({"filter": "x > 3"}, f"SELECT x FROM {_T}"),
    "select": ({"select": "x + 1"}, f"SELECT x FROM {_T}"),
    "order": ({"order": "x DESC"}, f"SELECT x FROM {_T}"),
    "sort": ({"sort": "-x"}, f"SELECT x FROM {_T}"),
    "page": ({"page": 2, "limit": 3}, f"SELECT x FROM {_T}"),
    "distinct": ({"count_distinct_implementation": "uniq"}, "SELECT count(DISTINCT number) FROM numbers(1000000)"),
    "assumed": (
        {"optimize_using_constraints": 1, "convert_query_to_cnf": 1},
        "SELECT count() FROM bent.assumed WHERE x < 3",
    ),
}
# Limits that would cut an answer are errors.
_LIMITS: dict[str, tuple[Mapping[str, str | int], str]] = {
    "result": ({"max_result_rows": 2, "max_block_size": 100, "result_overflow_mode": "break"}, _MANY),
    "reading": ({"max_rows_to_read": 10, "read_overflow_mode": "break"}, "SELECT number FROM numbers(1000000)"),
    "groups": (
        {"max_rows_to_group_by": 2, "max_block_size": 100, "group_by_overflow_mode": "any"},
        f"{_MANY} GROUP BY number",
    ),
    "sorting": (
        {"max_rows_to_sort": 2, "max_block_size": 100, "sort_overflow_mode": "break"},
        f"{_MANY} ORDER BY cityHash64(number)",
    ),
    "different": (
        {"max_rows_in_distinct": 2, "max_block_size": 1, "distinct_overflow_mode": "break"},
        "SELECT DISTINCT number FROM numbers(100)",
    ),
    "set": (
        {"max_rows_in_set": 2, "max_block_size": 1, "set_overflow_mode": "break"},
        f"SELECT count() FROM {_T} WHERE x IN (SELECT number FROM numbers(100))",
    ),
}
_READONLY: dict[str, tuple[Mapping[str, str | int], str]] = {
    "reader": ({"readonly": 2}, ""),
    "strict_reader": ({"readonly": 1}, ""),
}


def _profile(name: str, settings: Mapping[str, str | int], constraints: str = "") -> str:
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in settings.items())
    return f"<{name}>{inside.replace('x > 3', 'x &gt; 3')}<constraints>{constraints}</constraints></{name}>"


def _user(name: str) -> str:
    networks = "<networks><ip>::/0</ip></networks>"
    return f"<{name}><password></password>{networks}<profile>{name}</profile><quota>default</quota></{name}>"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseNode]:
    """A server with a user for each profile."""
    try:
        known = known_settings(tmp_path_factory.mktemp("settings"))
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    profiles = {
        name: {setting: value for setting, value in settings.items() if setting in known}
        for name, (settings, _) in (_BENDS | _LIMITS | _READONLY).items()
    }
    texts = [_profile(name, settings) for name, settings in profiles.items()]
    texts += [
        _profile("constant", {"limit": 1}, "<limit><const/></limit>"),
        _profile("constant_as_pinned", {"limit": 0}, "<limit><const/></limit>"),
        _profile("changing", {"max_threads": 1}),
        _profile("bounded", {}, "<max_memory_usage><max>1000000000</max></max_memory_usage>"),
    ]
    names = [*profiles, "constant", "constant_as_pinned", "changing", "bounded"]
    try:
        node = ClickHouseNode(
            tmp_path_factory.mktemp("bent"),
            users="".join(map(_user, names)),
            profiles="".join(texts),
        )
        node.start()
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    with closing(_Killing(node)):
        node.query("CREATE DATABASE bent")
        node.query(f"CREATE TABLE {_T} (x UInt64) ENGINE = MergeTree ORDER BY x")
        node.query(f"INSERT INTO {_T} SELECT number FROM numbers(10)")
        node.query(f"DELETE FROM {_T} WHERE x = 9")
        # The constraint does not hold: ASSUME is not checked.
        node.query(
            "CREATE TABLE bent.assumed (x UInt64, CONSTRAINT c ASSUME x > 10) ENGINE = MergeTree ORDER BY tuple()"
        )
        node.query("INSERT INTO bent.assumed SELECT number FROM numbers(10)")
        yield node


class _Killing:
    def __init__(self, node: ClickHouseNode) -> None:
        self._node = node

    def close(self) -> None:
        self._node.kill()


def _url(node: ClickHouseNode, user: str, path: str = "") -> str:
    return urlunsplit(urlsplit(node.url)._replace(netloc=f"{user}@127.0.0.1:{node.http_port}", path=path))


def _version(node: ClickHouseNode) -> tuple[int, ...]:
    return tuple(map(int, node.query("SELECT version()").split(".")[:2]))


def _opened(node: ClickHouseNode, user: str) -> Engine:
    return connect(parse_storage_url(_url(node, user, "/bent")), clients=1)


@pytest.mark.parametrize("name", _BENDS)
def test_a_profile_bends_no_answer(node: ClickHouseNode, name: str) -> None:
    settings, query = _BENDS[name]
    is_known = settings.keys() <= set(node.query("SELECT name FROM system.settings").split())
    assert is_known or _version(node) < _LATEST
    bent_by_profile = ClickHouseServer(_url(node, name)).query(query) != node.query(query)
    assert bent_by_profile or not is_known
    with closing(_opened(node, "default")) as expected, closing(_opened(node, name)) as bent:
        assert bent.query(query) == expected.query(query)
        assert b"".join(bent.query_in_pieces(query)) == b"".join(expected.query_in_pieces(query))


@pytest.mark.parametrize("name", _LIMITS)
def test_a_limit_of_a_profile_never_shortens_an_answer(node: ClickHouseNode, name: str) -> None:
    _, query = _LIMITS[name]
    assert ClickHouseServer(_url(node, name)).query(query) != node.query(query)
    with pytest.raises(StorageError, match=r"(?i)limit|maximum"), closing(_opened(node, name)) as bent:
        bent.query(query)
    with pytest.raises(StorageError, match=r"(?i)limit|maximum"), closing(_opened(node, name)) as bent:
        list(bent.query_in_pieces(query))


def test_a_profile_that_changes_later_bends_no_answer(node: ClickHouseNode) -> None:
    raw = ClickHouseServer(_url(node, "changing"))
    with closing(_opened(node, "changing")) as engine:
        answer = engine.query(f"SELECT x FROM {_T}")
        usual = raw.query(f"SELECT x FROM {_T}")
        profiles = node.profiles
        node.profiles = profiles.replace("<changing><max_threads>1</max_threads>", "<changing><limit>1</limit>")
        try:
            node.restart()  # reads users anew
            assert raw.query(f"SELECT x FROM {_T}") != usual
            assert engine.query(f"SELECT x FROM {_T}") == answer
        finally:
            node.profiles = profiles


def test_a_user_who_may_change_settings_and_nothing_else_can_read(node: ClickHouseNode) -> None:
    with closing(_opened(node, "reader")) as engine:
        assert read_one(engine.query(f"SELECT count() FROM {_T}"), uint64) == 9
        with pytest.raises(StorageError, match="readonly"):
            engine.execute(f"TRUNCATE TABLE {_T}")


@pytest.mark.parametrize(("user", "setting"), [("strict_reader", r"\w+"), ("constant", "limit")])
def test_a_setting_that_may_not_be_sent_is_refused_by_name(node: ClickHouseNode, user: str, setting: str) -> None:
    with pytest.raises(SettingRefusedError, match=rf"ALTER USER .* (Cannot modify|Setting) '?{setting}\b") as refusal:
        _opened(node, user)
    assert not refusal.value.retryable


def test_a_constant_setting_with_the_right_value_is_accepted(node: ClickHouseNode) -> None:
    with closing(_opened(node, "constant_as_pinned")) as engine:
        assert read_one(engine.query(f"SELECT count() FROM {_T}"), uint64) == 9


def test_a_user_who_may_not_send_one_limit_of_answers_sends_the_others(node: ClickHouseNode) -> None:
    limits = QueryLimits(rows=1000)
    with closing(_opened(node, "bounded")) as opened:
        engine = AnsweringEngine(opened, lambda: limits.settings(30))
        assert read_one(engine.query(f"SELECT count() FROM {_T}"), uint64) == 9
        assert not engine.may_send("max_memory_usage")
        assert engine.may_send("max_rows_to_read")
        with pytest.raises(LimitExceededError, match="max_rows_to_read"):
            engine.query("SELECT count() FROM numbers(100000) WHERE number % 2")


@pytest.mark.parametrize("name", PINNED)
def test_every_statement_has_the_setting(module_engine: Engine, name: str) -> None:
    rows = module_engine.query(f"SELECT value FROM system.settings WHERE name = '{name}'")
    values = [value for (value,) in read_rows(rows, (text,))]
    assert values in ([], [str(PINNED[name])])


def test_every_setting_that_wraps_a_statement_is_sent(module_engine: Engine) -> None:
    """New versions get such settings: ``filter``, ``select``, ``order`` and ``sort`` came after ``limit``."""
    rows = module_engine.query(
        "SELECT name FROM system.settings WHERE description ILIKE '%wrapping subquery%' OR description ILIKE "
        "'%wraps the query as a subquery%' OR description ILIKE '%paginated results%'"
    )
    assert {name for (name,) in read_rows(rows, (text,))} <= PINNED.keys()


def test_settings_are_written_as_sql_reads_them(engine: Engine) -> None:
    value = "it's \\ 1"
    clause = settings_clause({"log_comment": value, "additional_table_filters": "{}", "max_threads": 1})
    rows = engine.query(f"SELECT getSetting('log_comment') SETTINGS {clause}")
    assert list(read_rows(rows, (text,))) == [(value,)]


def test_a_query_has_settings_of_its_own(engine: Engine) -> None:
    query = "SELECT toUInt64(getSetting('use_skip_indexes'))"
    assert engine.query(query) == struct.pack("<Q", 1)
    assert engine.query(query, settings=FULL_SCAN) == struct.pack("<Q", 0)
    assert b"".join(engine.query_in_pieces(query, settings=FULL_SCAN)).endswith(b"UInt64" + struct.pack("<Q", 0))
    assert engine.query(query) == struct.pack("<Q", 1)


def test_an_answer_with_settings_comes_in_pieces(engine: Engine) -> None:
    pieces = engine.query_in_pieces(
        "SELECT number, throwIf(number = 1000000) FROM numbers(1000001)", settings={"max_threads": 1}
    )
    assert next(pieces)
    with pytest.raises(StorageError):
        list(pieces)


@pytest.mark.parametrize("change", ["Body = Body, ActorId = ActorId", "TargetId = TargetId", "LeafIndex = LeafIndex"])
@pytest.mark.parametrize("limit", [10, 1001])
def test_lookups_miss_no_record_that_has_an_update_that_is_not_merged(engine: Engine, change: str, limit: int) -> None:
    engine.execute(
        "ALTER TABLE audit_logs MODIFY SETTING enable_block_number_column = 1, enable_block_offset_column = 1"
    )
    for start in (0, 2000):
        engine.execute(
            "INSERT INTO audit_logs (Timestamp, TraceId, Body, ActorId, TargetId, IngestedAt, LogId, LeafIndex) SELECT "
            "fromUnixTimestamp64Nano(1750000000000000000 + number), hex(number % 500), 'text', 'actor', "
            f"toString(number), '2025-06-15 00:00:00', 'log', number FROM numbers({start}, 2000)"
        )

    def found() -> list[list[int]]:
        lookups = (
            select_rows(engine, of_trace(Stream.AUDIT, "07"), limit),
            select_rows(engine, of_audit_events(AuditFilter({"ActorId": "actor", "TraceId": "07"})), limit),
            select_rows(engine, of_audit_events(AuditFilter({"TargetId": "507"})), limit),
            read_records(engine, Stream.AUDIT, "log", 500, 510),
        )
        return [[record.leaf_index for record in records] for records in lookups]

    before = found()
    assert [len(leaves) for leaves in before] == [8, 8, 1, 10]
    for where in ("LeafIndex = 507", "TraceId = '07'"):
        engine.execute(f"UPDATE audit_logs SET {change} WHERE {where} SETTINGS enable_lightweight_update = 1")
        assert found() == before
