"""The names and values of queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.origin import LogName, Stream
from server.query.errors import QueryError
from server.query.fields import SHORT_NAMES
from server.query.printer import print_query
from server.query.resolve import read_query
from server.query.tree import Node
from storage.condition_algebra import all_of, any_of, is_pinpoint
from storage.condition_sql import compile_condition
from storage.conditions import (
    ALWAYS,
    NEVER,
    AnyAttribute,
    Attribute,
    Column,
    Condition,
    End,
    Exists,
    HasWords,
    HasWordsLike,
    Holds,
    IntegerWithin,
    IsOneOf,
    Negated,
    NumberWithin,
    Resembles,
    SeverityWithin,
    TextWithin,
    TimeWithin,
)
from tests.query.trees import any_text, fragments, matches, trees

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
DAY = 86_400 * 10**9
NOV_28 = 1_795_824_000 * 10**9
KEY = "http.status_code"


def equal(column: str, *texts: str) -> IsOneOf:
    return IsOneOf(Column(column), texts)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("", ALWAYS),
        ("Paid", HasWords(Column("Body"), "Paid")),
        ('body:"order paid"', HasWords(Column("Body"), "order paid")),
        ("auth-*", HasWordsLike(Column("Body"), ("auth-", ""))),
        ("body:*", Exists(Column("Body"))),
        ("actor:alice", equal("ActorId", "alice")),
        ("ActorId:alice", equal("ActorId", "alice")),
        ("actorid:alice", equal("ActorId", "alice")),
        ("actor:(alice OR bob OR alice)", equal("ActorId", "alice", "bob")),
        ("action:user.*", Resembles(Column("Action"), ("user.", ""), False)),
        ("-actor:*", Negated(Exists(Column("ActorId")))),
        ("NOT -actor:*", Exists(Column("ActorId"))),
        ("target:u1", equal("TargetId", "u1")),
        ("source:::1", equal("SourceId", "::1")),
        ("outcome:FAILURE", equal("Outcome", "failure")),
        ("category:auth", equal("Category", "auth")),
        ("signature:FAILED", Holds(Column("OtlpDetails"), '"producer":{"result":"failed"')),
        ("service:shop", equal("ServiceName", "shop")),
        ("service:[a TO m}", TextWithin(Column("ServiceName"), End("a"), End("m", False))),
        ("event:checkout", equal("EventName", "checkout")),
        ("session:s host:h rule:r record:x", None),
        ("span:00F067AA0BA902B7", equal("SpanId", "00f067aa0ba902b7")),
        (f"trace:{TRACE.upper()}", equal("TraceId", TRACE)),
        (f"trace:0x{TRACE}", equal("TraceId", TRACE)),
        (f"trace:00-{TRACE}-00f067aa0ba902b7-01", equal("TraceId", TRACE)),
        ("trace:1-4bf92f35-77b34da6a3ce929d0e0e4736", equal("TraceId", TRACE)),
        ("trace:4bf92f35-77b3-4da6-a3ce-929d0e0e4736", equal("TraceId", TRACE)),
        ("trace:4BF9*", Resembles(Column("TraceId"), ("4bf9", ""), False)),
        ("severity:warn", SeverityWithin(13, 16)),
        ("severity:Warning", SeverityWithin(13, 16)),
        ("severity:error2", SeverityWithin(18, 18)),
        ("severity:17", SeverityWithin(17, 17)),
        ("severity:>=error", SeverityWithin(17, 24)),
        ("severity:>error", SeverityWithin(21, 24)),
        ("severity:<info", SeverityWithin(1, 8)),
        ("severity:[debug TO warn]", SeverityWithin(5, 16)),
        ("severity:<trace", NEVER),
        ("severity:*", SeverityWithin(1, 24)),
        ("SeverityText:Oops", equal("SeverityText", "Oops")),
        ("SeverityNumber:>=17", IntegerWithin(Column("SeverityNumber"), 17, None)),
        ("log:shop/audit/node-1", equal("LogId", LogName("shop", Stream.AUDIT, "node-1").log_id)),
        (
            "log:0123456789abcdef leaf:7",
            all_of([equal("LogId", "0123456789abcdef"), IntegerWithin(Column("LeafIndex"), 7, 7)]),
        ),
        (
            "log:0123456789abcdef#7",
            all_of([equal("LogId", "0123456789abcdef"), IntegerWithin(Column("LeafIndex"), 7, 7)]),
        ),
        ("leaf:{5 TO 9}", IntegerWithin(Column("LeafIndex"), 6, 8)),
        ("leaf:<0", NEVER),
        ("timestamp:2026-11-28", TimeWithin(Column("Timestamp"), NOV_28, NOV_28 + DAY)),
        ("timestamp:2026-11-28T01:00+01:00", TimeWithin(Column("Timestamp"), NOV_28, NOV_28 + 60 * 10**9)),
        ("timestamp:>2026-11-28", TimeWithin(Column("Timestamp"), NOV_28 + DAY, None)),
        ("received:[2026-11-28 TO 2026-11-29}", TimeWithin(Column("IngestedAt"), NOV_28, NOV_28 + DAY)),
        (f"LogAttributes.{KEY}:50", Holds(Attribute("LogAttributes", KEY), "50")),
        (f'LogAttributes.{KEY}:"500"', IsOneOf(Attribute("LogAttributes", KEY), ("500",))),
        (f"ResourceAttributes.{KEY}:*", Exists(Attribute("ResourceAttributes", KEY))),
        ("ScopeAttributes.k:v*", Resembles(Attribute("ScopeAttributes", "k"), ("v", ""), True)),
        (f"{KEY}:>=500", NumberWithin(AnyAttribute(KEY), End("500"), None)),
        (f"{KEY}:[500 TO 5x]", TextWithin(AnyAttribute(KEY), End("500"), End("5x"))),
        (f'{KEY}:"500"', IsOneOf(AnyAttribute(KEY), ("500",))),
        *(
            (f"trace:{form}", equal("TraceId", TRACE))
            for form in (
                TRACE.upper(),
                f"0x{TRACE}",
                "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
                "1-4bf92f35-77b34da6a3ce929d0e0e4736",
                f"00-{TRACE}-00f067aa0ba902b7-01",
                f'"{{{TRACE}}}"',
                f"{TRACE}-e457b5a2e4d86bd1-1",
            )
        ),
        ("a OR *", ALWAYS),
        ("a AND -*", NEVER),
    ],
)
def test_a_query_means_this_for_audit_records(query: str, condition: Condition | None) -> None:
    found = read_query(query).condition(Stream.AUDIT)
    if condition is not None:
        assert found == condition


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("status:error", equal("StatusCode", "Error")),
        ("StatusCode:OK", equal("StatusCode", "Ok")),
        ('kind:"SERVER"', equal("SpanKind", "Server")),
        ("kind:prod*", Resembles(Column("SpanKind"), ("prod", ""), True)),
        ("duration:17", IntegerWithin(Column("Duration"), 17, 17)),
        ("duration:>1s", IntegerWithin(Column("Duration"), 10**9 + 1, None)),
        ("duration:[1.5MS TO 2m}", IntegerWithin(Column("Duration"), 1_500_000, 120 * 10**9 - 1)),
        ("Duration:<=3\u00b5s", IntegerWithin(Column("Duration"), None, 3000)),
    ],
)
def test_a_query_means_this_for_spans(query: str, condition: Condition) -> None:
    assert read_query(query).condition(Stream.SPANS) == condition


@pytest.mark.parametrize("name", ["actor", "action", "outcome", "SourceHost"])
def test_a_field_that_a_stream_does_not_have_matches_none_of_its_records(name: str) -> None:
    query = read_query(f"{name}:success OR paid")
    assert query.condition(Stream.OPERATIONAL) == HasWords(Column("Body"), "paid")
    assert read_query(f"-{name}:success").condition(Stream.OPERATIONAL) == ALWAYS


@pytest.mark.parametrize("stream", Stream)
@pytest.mark.parametrize("name", SHORT_NAMES)
def test_every_short_name_can_be_asked_for(stream: Stream, name: str) -> None:
    value = {"trace": TRACE, "severity": "warn", "timestamp": "2026-11-28", "received": "2026-11-28", "leaf": "1"}
    value |= {"duration": "1", "kind": "server", "status": "error"}
    value |= {"outcome": "success", "category": "auth", "evidence": "verified", "signature": "none"}
    condition = read_query(f"{name}:{value.get(name, 'x')}").condition(stream)
    assert compile_condition(stream, condition).text


@pytest.mark.parametrize(
    ("query", "column", "reason"),
    [
        ("a actr:x", 3, "did you mean 'actor'?"),
        ("servicename:x servce:y", 15, "did you mean 'service'?"),
        ("http://x", 1, "text with a colon needs quotes"),
        ("outcome:succes", 9, "did you mean 'success'?"),
        ("signature:valid", 11, "is not verified, failed, untrusted or none"),
        ("signature:f*", 11, "write one of verified, failed, untrusted, none"),
        ("status:erorr", 8, "is not Unset, Ok or Error; did you mean 'Error'?"),
        ("kind:SPAN_KIND_SERVER", 6, "is not Unspecified, Internal, Server, Client, Producer or Consumer"),
        ("duration:>2x", 11, "(ns, us, ms, s, m or h)"),
        ("duration:1.5", 10, "or a whole number of nanoseconds"),
        ("stream:audit", 1, "streams are not a field: name them beside the query"),
        ("level:error", 1, "there is no field 'level'; did you mean 'severity'?"),
        ("msg:x", 1, "did you mean 'body'?"),
        ("severity:erorr", 10, "did you mean 'error'?"),
        ("severity:25", 10, "is not a severity"),
        ("severity:[warn TO x]", 19, "is not a severity"),
        ("severity:w*", 10, "has no '*' in it"),
        ("trace:xyz", 7, "is not a trace ID"),
        ("trace:*xyz", 7, "its first hexadecimal digits"),
        ("timestamp:soon", 11, "is not a time"),
        ("timestamp:2026-02-30", 11, "is not a time"),
        ("timestamp:[2026-11-28 TO 3000-01-01]", 26, "is not between 1970 and 2262"),
        ("timestamp:*", 11, "write a time"),
        ("leaf:x", 6, "is not a whole number"),
        ("leaf:*", 6, "every record has this number"),
        ("body:[a TO b]", 6, "there is no range of them"),
        ("log:a/b/c/d", 5, "is not <deployment>/<stream>/<writer>"),
        ("log:x*", 5, "one log"),
        ("evidence:ok", 10, "is not verified, signed, unsigned or tampered"),
        ("paid OR evidence:verified", 9, "must apply to the whole query"),
        ("-(paid evidence:verified)", 8, "must apply to the whole query"),
    ],
)
def test_an_error_points_at_the_value_that_no_record_can_have(query: str, column: int, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        read_query(query)
    assert reason in str(caught.value)
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("query", "states", "rest"),
    [
        ("evidence:verified", {"verified"}, ALWAYS),
        ("Evidence:VERIFIED actor:a", {"verified"}, equal("ActorId", "a")),
        ("actor:a -evidence:verified", {"signed", "unsigned", "tampered"}, equal("ActorId", "a")),
        ("evidence:(unsigned OR tampered)", {"unsigned", "tampered"}, ALWAYS),
        (
            "(actor:a OR actor:b) (evidence:signed OR evidence:verified)",
            {"signed", "verified"},
            equal("ActorId", "a", "b"),
        ),
        ("evidence:verified evidence:signed", set(), ALWAYS),
        ("evidence:*", {"verified", "signed", "unsigned", "tampered"}, ALWAYS),
        ("actor:a", None, equal("ActorId", "a")),
    ],
)
def test_evidence_is_told_apart_from_what_storage_decides(query: str, states: set[str] | None, rest: Condition) -> None:
    found = read_query(query)
    assert found.evidence == states
    assert found.condition(Stream.AUDIT) == rest


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"trace:{TRACE}", True),
        (f"trace:{TRACE} paid", True),
        (f"trace:{TRACE} OR record:x", True),
        ("log:0123456789abcdef#7", True),
        ("log:0123456789abcdef", False),
        (f"trace:{TRACE} OR paid", False),
        (f"-trace:{TRACE}", False),
        ("trace:4b*", False),
        ('record:""', False),
        ("paid", False),
        ("", False),
    ],
)
def test_a_query_about_a_few_rows_that_an_index_finds_is_known(query: str, *, expected: bool) -> None:
    assert is_pinpoint(read_query(query).condition(Stream.AUDIT)) == expected


names = st.one_of(
    st.sampled_from([*SHORT_NAMES, "LogAttributes.a", "a.b", "OtlpDetails", "Flags"]), fragments, any_text
)


@given(trees(matches(names)))
def test_any_tree_is_a_condition_or_an_error_about_a_place_in_the_query(tree: Node) -> None:
    text = print_query(tree)
    wrong, query = None, None
    try:
        query = read_query(text)
    except QueryError as error:
        wrong = error
    if query is None:
        assert wrong is not None
        assert 0 <= wrong.start <= len(text)
        return
    for stream in Stream:
        sql = compile_condition(stream, query.condition(stream))
        assert set(sql.parameters) == {f"q{number}" for number in range(len(sql.parameters))}


def test_equal_conditions_are_one() -> None:
    one, other = equal("Action", "a"), equal("Action", "b")
    assert any_of([one, other, one]) == equal("Action", "a", "b")
    assert any_of([]) == NEVER
    assert all_of([one, NEVER]) == NEVER
    assert all_of([ALWAYS, one]) == one
