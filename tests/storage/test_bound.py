"""Reads bound to a scope: no statement of storage finds a row that the scope does not permit."""

from __future__ import annotations

import re
from contextvars import copy_context
from importlib.resources import files

import pytest

from storage.bound import (
    TABLES,
    UNLIMITED,
    BoundEngine,
    ReadScope,
    UnboundReadError,
    any_of,
    current_scope,
    of_tenants,
    reading_as,
    reading_whole_logs,
    unlimited,
)
from storage.engine import Engine
from storage.rowbinary import read_one, uint64

HOSTILE = (
    "a'; --",
    'quoted "name"',
    "back\\slash\\",
    "\\' OR 1 = 1 --",
    "{id:String}",
    "%s %(id)s",
    "/* */ # ;",
    "new\nline\ttab\r\b\f",
    "nul\0",
    "näme 😀",
    "') OR ('' = '",
)


@pytest.fixture
def rows(engine: Engine) -> Engine:
    """Ten logs: five each of the tenants a and b, the services s0 to s9; and as many earlier spans."""
    engine.execute(
        "INSERT INTO otel_logs (Timestamp, TraceId, ServiceName, Body, Tenant) "
        "SELECT fromUnixTimestamp64Nano(toInt64(number + 1)), 't', concat('s', toString(number)), 'a word', "
        "number % 2 ? 'a' : 'b' FROM numbers(10)"
    )
    engine.execute("INSERT INTO log_batches (LogId, Tenant) SELECT 'x', number % 2 ? 'a' : 'b' FROM numbers(10)")
    return engine


def number(engine: Engine, select: str, **parameters: object) -> int:
    return int(read_one(engine.query(select, parameters), uint64))


A = ReadScope.of({"otel_logs": of_tenants(frozenset("a"))}, frozenset("a"))

SHAPES = {
    "SELECT count() FROM otel_logs": 5,
    "SELECT count() FROM otel_logs AS other": 5,
    "SELECT count() FROM (SELECT * FROM otel_logs)": 5,
    "WITH 1 AS one SELECT count() FROM otel_logs WHERE one = 1": 5,
    "SELECT count() FROM otel_logs PREWHERE LeafIndex = 0": 5,
    "SELECT count() FROM otel_logs WHERE hasToken(lower(Body), 'word')": 5,
    "SELECT count() FROM otel_logs WHERE TraceId = 't' OR Tenant = 'b'": 5,
    "SELECT count() FROM (SELECT Body FROM otel_logs UNION ALL SELECT Body FROM otel_logs)": 10,
    "SELECT count() FROM otel_logs AS x INNER JOIN otel_logs AS y ON x.ServiceName = y.ServiceName": 5,
    "SELECT count() FROM otel_logs WHERE ServiceName IN (SELECT ServiceName FROM otel_logs WHERE Tenant = 'b')": 0,
    "SELECT assumeNotNull((SELECT count() FROM otel_logs))": 5,
    "SELECT toUInt64(max(toUnixTimestamp64Nano(Timestamp))) FROM otel_logs": 10,
    "SELECT uniqExact(Tenant) FROM otel_logs": 1,
    "SELECT count() FROM (SELECT 1 FROM otel_logs LIMIT 7)": 5,
    "SELECT sum(n) FROM (SELECT count() AS n FROM otel_logs GROUP BY Tenant)": 5,
    "SELECT count() FROM (SELECT 1 FROM otel_logs ARRAY JOIN [1, 2] AS n)": 10,
    "SELECT count() FROM log_batches": 0,
    "SELECT count() FROM audit_logs": 0,
}


def test_a_condition_holds_wherever_a_statement_reads_a_table(rows: Engine) -> None:
    bound = BoundEngine(rows)
    with reading_as(A):
        assert {select: number(bound, select) for select in SHAPES} == SHAPES
        pieces = b"".join(bound.query_in_pieces("SELECT ServiceName FROM otel_logs ORDER BY ServiceName"))
        assert re.findall(rb"s\d", pieces) == [b"s1", b"s3", b"s5", b"s7", b"s9"]
        limits = {"max_rows_to_read": 1000}
        assert int(read_one(bound.query("SELECT count() FROM otel_logs", {}, settings=limits), uint64)) == 5
    with unlimited():
        assert number(bound, "SELECT count() FROM otel_logs") == 10


def test_earlier_spans_that_are_read_through_a_function_are_bound_too(rows: Engine) -> None:
    rows.execute("CREATE TABLE otel_traces_before AS otel_traces")
    rows.execute("INSERT INTO otel_traces_before (TraceId, ServiceName) VALUES ('t', 'a'), ('t', 'b'), ('u', 'a')")
    select = (
        "SELECT count() FROM merge(currentDatabase(), '^otel_traces(_before)?$') AS otel_traces_before "
        "WHERE _table = 'otel_traces_before' AND TraceId = {trace:String}"
    )
    with reading_as(ReadScope.of({"otel_traces_before": "ServiceName = 'a'"})):
        assert number(BoundEngine(rows), select, trace="t") == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_names_in_conditions_are_only_names(rows: Engine, name: str) -> None:
    tenants = ReadScope.of({"otel_logs": of_tenants(frozenset({name}))})
    bound = BoundEngine(rows)
    with reading_as(tenants):
        assert number(bound, "SELECT count() FROM otel_logs WHERE TraceId = {id:String}", id="t") == 0
    with unlimited():
        literal = name.encode().hex()
        bound.execute(f"INSERT INTO otel_logs (TraceId, Tenant) SELECT 't', unhex('{literal}')")
    with reading_as(tenants):
        assert number(bound, "SELECT count() FROM otel_logs WHERE TraceId = {id:String}", id="t") == 1
        assert number(bound, "SELECT count() FROM otel_logs") == 1


class _Nothing:
    """An engine that must not be reached."""


@pytest.mark.parametrize(
    "select",
    [
        "SELECT count() FROM merge(currentDatabase(), 'otel_logs')",
        "SELECT count() FROM merge(currentDatabase(), 'otel_logs') AS other",
        "SELECT count() FROM remote('localhost', currentDatabase(), otel_logs)",
        "SELECT count() FROM mergeTreeIndex(currentDatabase(), otel_logs)",
        "SELECT count() FROM other_table",
        "SELECT count() FROM other.otel_logs",
        "SELECT 1 FROM otel_logs AS x ANY LEFT JOIN url('http://x') AS y USING Body",
        "SELECT count() FROM (SELECT 1 FROM otel_logs SETTINGS additional_table_filters = {})",
        "select count() from\nmerge(currentDatabase(), 'otel_logs')",
    ],
)
def test_a_statement_to_which_conditions_do_not_apply_is_refused(select: str) -> None:
    bound = BoundEngine(_Nothing())  # type: ignore[arg-type]
    with reading_as(A), pytest.raises(UnboundReadError):
        bound.query(select)
    with reading_as(A), pytest.raises(UnboundReadError):
        bound.query_in_pieces(select)


def test_without_a_scope_nothing_is_read_or_changed() -> None:
    bound = BoundEngine(_Nothing())  # type: ignore[arg-type]
    with pytest.raises(UnboundReadError, match="nobody"):
        bound.query("SELECT 1")
    with pytest.raises(UnboundReadError, match="nobody"):
        bound.query_in_pieces("SELECT 1")
    with pytest.raises(UnboundReadError, match="nobody"):
        bound.execute("DROP TABLE otel_logs")
    with pytest.raises(UnboundReadError, match="nobody"):
        bound.insert("otel_logs", [], b"", "")


def test_who_may_not_read_everything_changes_nothing() -> None:
    bound = BoundEngine(_Nothing())  # type: ignore[arg-type]
    with reading_as(A), pytest.raises(UnboundReadError, match="change storage"):
        bound.execute("ALTER TABLE otel_logs DELETE WHERE 1")
    with reading_as(A), pytest.raises(UnboundReadError, match="change storage"):
        bound.insert("otel_logs", [], b"", "")


def test_every_table_of_the_migrations_can_be_limited() -> None:
    made: set[str] = set()
    for file in files("storage").joinpath("migrations").iterdir():
        made |= set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", file.read_text(encoding="utf-8")))
    assert made - set(TABLES) == set()
    nothing = ReadScope.of({})
    assert nothing.filters == dict.fromkeys(TABLES, "0")


def test_a_scope_ends_with_its_block_and_is_that_of_its_context() -> None:
    with reading_as(A):
        elsewhere = copy_context()
        with unlimited():
            assert current_scope() is UNLIMITED
        assert current_scope() is A
    with pytest.raises(UnboundReadError):
        current_scope()
    assert elsewhere.run(current_scope) is A


def test_whole_logs_are_those_of_the_same_tenants() -> None:
    own = of_tenants(frozenset("a"))
    scope = ReadScope.of({"otel_logs": "ServiceName = 'x'", "log_batches": own}, frozenset("a"))
    with reading_as(scope), reading_whole_logs():
        whole = current_scope().filters
    assert {whole[table] for table in ("audit_logs", "otel_logs", "otel_traces", "log_batches")} == {own}
    assert whole["disclosures"] == "0"


def test_scopes_with_different_conditions_have_different_keys() -> None:
    scopes = [UNLIMITED, A, A.of_logs(), A.of_whole_logs(), ReadScope.of({"otel_logs": of_tenants(frozenset("b"))})]
    assert len({scope.key for scope in scopes}) == len(scopes)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [([], "0"), (["0"], "0"), (["0", "x"], "x"), (["x", "1"], "1"), (["y", "x", "x"], "(x) OR (y)")],
)
def test_rows_meet_one_of_some_conditions(conditions: list[str], expected: str) -> None:
    assert any_of(conditions) == expected
