"""Conditions as SQL: both engines find exactly the rows that plain Python finds, by the indexes that there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.notary.origin import Stream
from server.query.errors import QueryError
from server.query.printer import print_query
from server.query.resolve import read_query
from server.query.tree import Node
from storage.condition_sql import compile_condition
from storage.condition_values import holds
from storage.conditions import ALWAYS, NEVER, Attribute, Column, Condition, Exists, HasWords, Holds, IsOneOf, TimeWithin
from storage.engine import Engine
from storage.rowbinary import read_rows, text, uint64
from storage.schema import RECORD_TABLES
from tests.effort import effort
from tests.storage.condition_rows import QUERIES, START, TRACE, made_rows


def literal(value: Any, name: str) -> str:
    if isinstance(value, bytes):
        return f"unhex('{value.hex()}')"
    if isinstance(value, list):
        pairs = ", ".join(f"(unhex('{key.hex()}'), unhex('{text.hex()}'))" for key, text in value)
        # A cast from pairs, so that a key may be there twice.
        return f"CAST([{pairs}], 'Map(LowCardinality(String), String)')"
    return f"fromUnixTimestamp64Nano(toInt64({value}))" if name.endswith(("Timestamp", "IngestedAt")) else str(value)


class Stored:
    """Rows in both tables, as they were made."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.rows = {stream: made_rows(stream) for stream in Stream}
        for stream, made in self.rows.items():
            selects = [", ".join(literal(value, name) for name, value in row.items()) for row in made]
            all_rows = " UNION ALL ".join(f"SELECT {select}" for select in selects)
            engine.execute(f"INSERT INTO {RECORD_TABLES[stream]} ({', '.join(made[0])}) {all_rows}")
            engine.execute(f"OPTIMIZE TABLE {RECORD_TABLES[stream]} FINAL")

    def check(self, stream: Stream, condition: Condition) -> None:
        expected = [row["LeafIndex"] for row in self.rows[stream] if holds(condition, row)]
        assert found(self.engine, stream, condition) == expected


@pytest.fixture(scope="module")
def stored(module_engine: Engine) -> Iterator[Stored]:
    yield Stored(module_engine)
    for table in RECORD_TABLES.values():
        module_engine.execute(f"TRUNCATE TABLE {table}")


def found(engine: Engine, stream: Stream, condition: Condition) -> list[int]:
    sql = compile_condition(stream, condition)
    select = f"SELECT LeafIndex FROM {RECORD_TABLES[stream]} WHERE {sql.text} ORDER BY LeafIndex"
    return [leaf for (leaf,) in read_rows(engine.query(select, sql.parameters), (uint64,))]


@settings(max_examples=effort(1500), suppress_health_check=list(HealthCheck), deadline=None)
@given(tree=QUERIES, stream=st.sampled_from(Stream))
def test_storage_finds_the_rows_that_a_query_means(stored: Stored, tree: Node, stream: Stream) -> None:
    try:
        condition = read_query(print_query(tree)).condition(stream)
    except QueryError:
        return
    stored.check(stream, condition)


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            "-*",
            "a",
            '"a b"',
            "pay",
            "Pay*",
            "*ai*",
            "o*17",
            "order-*",
            "-pay",
            "%",
            "_",
            "\\\\",
            "'",
            '"\\""',
            "ü",
            "Ü",
        ),
        *("severity:>=error", "severity:warn", "-severity:*", f"trace:{TRACE}", f"trace:{TRACE[:4]}*", "-trace:*"),
        *(
            "timestamp:2026-11-28",
            "timestamp:>=2026-11-29",
            "timestamp:<1970-01-01T00:00:00.000000001",
            "received:2026-11-29",
        ),
        *("leaf:[3 TO 7}", "LogAttributes.k:5", 'LogAttributes.k:"5"', 'LogAttributes.k:""', "LogAttributes.k:>=5"),
        *(
            "LogAttributes.k:*",
            "-a.b:*",
            'a.b:"5"',
            'a.b:""',
            "a.b:<10",
            "a.b:[a TO b]",
            "a.b:*5*",
            'LogAttributes.%s:"5"',
        ),
        *(
            "service:a",
            "service:(a OR ab OR pay)",
            "service:a*",
            "service:[a TO b}",
            "outcome:failure",
            "body:*",
            "-body:*",
        ),
    ],
)
@pytest.mark.parametrize("stream", Stream)
def test_each_form_finds_the_rows_that_it_means(stored: Stored, query: str, stream: Stream) -> None:
    condition = read_query(query).condition(stream)
    stored.check(stream, condition)


@pytest.mark.parametrize("stream", Stream)
def test_a_key_that_is_repeated_has_its_first_value(stored: Stored, stream: Stream) -> None:
    own = "SpanAttributes" if stream is Stream.SPANS else "LogAttributes"

    def repeated(row: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
        keys = [key for key, _ in row[own]]
        for number, (key, value) in enumerate(row[own]):
            if key and keys.index(key) < number and value:
                yield key, value

    later = {pair for row in stored.rows[stream] for pair in repeated(row)}
    assert later
    for key, value in later:
        attribute = Attribute(own, key.decode())
        stored.check(stream, IsOneOf(attribute, (value.decode(),)))
        stored.check(stream, Holds(attribute, value.decode()))


@pytest.mark.parametrize("or_received", [True, False])
def test_the_time_of_receipt_stands_for_a_time_that_is_missing_if_wanted(stored: Stored, *, or_received: bool) -> None:
    stored.check(Stream.AUDIT, TimeWithin(Column("Timestamp"), START, START + 2, or_received))


@pytest.mark.parametrize(
    "condition",
    [
        IsOneOf(Column("Nowhere"), ("x",)),
        IsOneOf(Column("Body) OR (1"), ("x",)),
        IsOneOf(Column("LogAttributes"), ("x",)),
        IsOneOf(Attribute("Body", "k"), ("x",)),
        IsOneOf(Attribute("LogAttributes", ""), ("x",)),
        Exists(Column("LeafIndex")),
        HasWords(Column("Timestamp"), "x"),
        IsOneOf(Column("ActorId"), ("x",)),
    ],
    ids=str,
)
def test_a_column_that_the_table_does_not_have_never_becomes_sql(condition: Condition) -> None:
    with pytest.raises(ValueError, match=r"there is no column|the key of an attribute is empty"):
        compile_condition(Stream.OPERATIONAL, condition)


def test_no_text_of_a_condition_is_in_the_sql() -> None:
    for query in (
        "zzz",
        '"zzz zzz"',
        "zzz*",
        "actor:zzz",
        "LogAttributes.zzz:zzz",
        "zzz.zzz:>=5",
        "service:[zzz TO *]",
    ):
        assert "zzz" not in compile_condition(Stream.AUDIT, read_query(query).condition(Stream.AUDIT)).text
    assert compile_condition(Stream.AUDIT, ALWAYS).text == "1"
    assert compile_condition(Stream.AUDIT, NEVER).text == "0"


_EVERYWHERE = (
    (f"trace:{TRACE}", ["idx_trace_id"]),
    (f"trace:{TRACE} OR trace:{TRACE[::-1]}", ["idx_trace_id"]),
    ('ResourceAttributes.k8s.pod.name:"pod-17"', ["idx_resource_values"]),
    ("log:0123456789abcdef#17", ["idx_leaf_index"]),
    ("leaf:[17 TO 18]", ["idx_leaf_index"]),
    ("timestamp:2026-11-28", ["idx_timestamp"]),
    ("service:shop timestamp:>=2026-11-28", ["idx_timestamp"]),
)
_OF_RECORDS = (
    ("order", ["idx_body_words"]),
    ('"order 17"', ["idx_body_words"]),
    ("order-*", ["idx_body_words"]),
    ('LogAttributes.order.id:"o-17"', ["idx_log_values"]),
    ('LogAttributes.order.id:("o-17" OR "o-18")', ["idx_log_values"]),
    ("order 17 severity:>=warn", ["idx_body_words"]),
    ("order OR refund", ["idx_body_words"]),
    ('http.method:"POST"', ["idx_log_values", "idx_resource_values"]),
)
_OF_SPANS = (
    ('SpanAttributes.order.id:"o-17"', ["idx_span_values"]),
    ('http.method:"POST"', ["idx_span_values", "idx_resource_values"]),
    ("duration:>1000000000", ["idx_duration"]),
)
_OF_AUDIT = (
    ("actor:alice", ["idx_actor"]),
    ("actor:(alice OR bob)", ["idx_actor"]),
    ("target:u1", ["idx_target"]),
    ("record:x", ["idx_audit_record"]),
    ("source:10.0.0.1", ["idx_source"]),
    ("action:login", ["idx_action"]),
    ("actor:alice action:login", ["idx_actor", "idx_action"]),
    ("actor:alice OR target:u1", ["idx_actor", "idx_target"]),
)


@pytest.mark.parametrize(
    ("stream", "query", "indexes"),
    [
        *((stream, query, indexes) for stream in Stream for query, indexes in _EVERYWHERE),
        *((stream, *each) for stream in (Stream.AUDIT, Stream.OPERATIONAL) for each in _OF_RECORDS),
        *((Stream.AUDIT, *each) for each in _OF_AUDIT),
        *((Stream.SPANS, *each) for each in _OF_SPANS),
    ],
)
def test_an_index_serves_each_form(stored: Stored, stream: Stream, query: str, indexes: list[str]) -> None:
    sql = compile_condition(stream, read_query(query).condition(stream))
    explain = f"EXPLAIN indexes = 1 SELECT count() FROM {RECORD_TABLES[stream]} WHERE {sql.text}"
    plan = read_rows(stored.engine.query(explain, sql.parameters), (text,))
    lines = " ".join(line.strip() for (line,) in plan)
    for index in indexes:
        assert index in lines, lines
