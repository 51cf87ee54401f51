"""Each row lists the commitments that the server has made in it, and no others."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from harness.lacking import lacking
from server.codec.audit.built_in import built_in_rules
from server.codec.audit.parse import parse_rules
from server.codec.choose import why_not_native
from server.codec.commitments import LISTED_SIZE
from server.codec.limits import RowLimits
from server.codec.redaction_rules import Mode, Redaction
from server.codec.rows import Rows
from server.codec.signals import Signal
from server.notary.canonical import canonical_columns
from storage.native import WordColumn

from .otlp_messages import array, attributes, kvlist, raw, string

if why_not_native(Redaction(Mode.DISCLOSE)):
    lacking(f"the compiled codec is not installed: {why_not_native(Redaction(Mode.DISCLOSE))}")

from tests.codec.parity import Parity

DISCLOSE = Redaction(Mode.DISCLOSE)
RULES = (
    *parse_rules([{"name": "list", "match": [{"body": {"records": "*"}}], "split": "body:records"}]),
    *built_in_rules(),
)
LOGS = Parity(Signal.LOGS, RULES, redaction=DISCLOSE)
SPANS = Parity(Signal.TRACES, redaction=DISCLOSE)
COPIED = f"[redacted:key.password:sha256:{'0a' * 32}]"


def request(
    *records: LogRecord, resource: dict[str, str] | None = None, scope: dict[str, str] | None = None
) -> ExportLogsServiceRequest:
    made = ExportLogsServiceRequest()
    of_resource = made.resource_logs.add(resource=Resource(attributes=attributes(_strings(resource))))
    of_resource.scope_logs.add(scope=InstrumentationScope(attributes=attributes(_strings(scope))), log_records=records)
    return made


def _strings(texts: dict[str, str] | None) -> list[tuple[str, AnyValue]]:
    return [(key, string(text)) for key, text in (texts or {}).items()]


def record(body: AnyValue | str, texts: dict[str, str] | None = None) -> LogRecord:
    value = string(body) if isinstance(body, str) else body
    return LogRecord(body=value, attributes=attributes(_strings(texts)))


def event(actor: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"audit.action": "read", "audit.actor.id": actor, "audit.outcome": "success", **(more or {})}


def _base64(text: str) -> AnyValue:
    return string(b64encode(text.encode()).decode())


def listed(parity: Parity, message: ExportLogsServiceRequest | ExportTraceServiceRequest) -> list[list[str]]:
    """Return the values whose commitments each row lists, in order: audit records, then others, then spans."""
    rows = parity.assert_same(message.SerializeToString())
    assert isinstance(rows, list)
    values = {each.commitment: each.value.decode() for each in rows[0].disclosures}
    assert len(values) == len(rows[0].disclosures)
    return [[values[digits] for digits in details.get("commitments", [])] for details in _details(rows)]


def _details(rows: list[Rows]) -> list[dict[str, Any]]:
    found = []
    for each in rows:
        names = [column.name for column in canonical_columns(each.stream)]
        column = each.columns[names.index("OtlpDetails")]
        assert isinstance(column, WordColumn)
        numbers = memoryview(column.indexes).cast("I")
        found += [json.loads(column.dictionary[number] or b"{}") for number in numbers]
    return found


def actors(parity: Parity, message: ExportLogsServiceRequest) -> dict[bytes, set[bytes]]:
    rows = parity.assert_same(message.SerializeToString())
    assert isinstance(rows, list)
    return {each.value: set(each.actors) for each in rows[0].disclosures}


def test_a_record_lists_its_own_commitments_and_those_that_it_shares_in_the_order_in_which_they_were_made() -> None:
    one, two = record("password=b1 pwd=b2", {"z.pwd": "a1", "a.pwd": "a2"}), record("nothing")
    shared = {"resource": {"password": "r1"}, "scope": {"password": "s1"}}
    assert listed(LOGS, request(one, two, **shared)) == [["r1", "s1", "b1", "b2", "a1", "a2"], ["r1", "s1"]]
    assert listed(LOGS, request(record("x"), record("password=b3"))) == [[], ["b3"]]


def test_a_mark_of_the_sender_is_not_listed_whatever_else_the_server_replaces() -> None:
    assert listed(LOGS, request(record(f"password={COPIED} {COPIED}", {"pwd": COPIED}))) == [[]]
    assert listed(LOGS, request(record(f"{COPIED} password=b1", {"pwd": COPIED}))) == [["b1"]]


@pytest.mark.parametrize("padding", ["", " ", "  "])
def test_commitments_in_bytes_are_listed_as_any_others(padding: str) -> None:
    value = raw(f"{padding}password=b1 ".encode())
    nested = kvlist(("k", array(value, value)))
    message = request(LogRecord(body=value, attributes=attributes([("blob", value), ("nested", nested)])))
    assert listed(LOGS, message) == [["b1"] * 4]


def test_spans_list_their_commitments() -> None:
    message = ExportTraceServiceRequest()
    secret = attributes([("password", string("p1"))])
    of_resource = message.resource_spans.add(resource=Resource(attributes=attributes([("password", string("r1"))])))
    span = Span(status=Status(message="password=m1"), attributes=attributes([("password", string("a1"))]))
    span.events.add(attributes=secret)
    span.links.add(attributes=secret)
    of_resource.scope_spans.add(spans=[span, Span(name="none")])
    assert listed(SPANS, message) == [["r1", "a1", "p1", "p1", "m1"], ["r1"]]


def test_events_list_what_they_have_and_what_they_share_and_their_values_have_their_actors_only() -> None:
    events = [
        event("alice", {"pwd": "a1"}),
        event("bob", {"pwd": "b1", "note": COPIED}),
        event("carol", {"pwd": ["c1", "c2"]}),
    ]
    message = request(record(json.dumps(events), {"pwd": "shared"}), resource={"password": "r1"})
    assert listed(LOGS, message) == [
        ["r1", "a1", "shared"],
        ["r1", "b1", "shared"],
        ["r1", '["c1", "c2"]', "shared"],
        ["r1", "a1", "b1", '["c1", "c2"]', "shared"],  # the list itself
    ]
    assert actors(LOGS, message) == {
        b"r1": set(),
        b"a1": {b"alice"},
        b"b1": {b"bob"},
        b'["c1", "c2"]': {b"carol"},
        b"shared": {b"alice", b"bob", b"carol"},
    }


@pytest.mark.parametrize("padding", ["", " ", "  "])
def test_events_list_what_they_have_in_nested_bytes(padding: str) -> None:
    def parts(actor: str) -> AnyValue:
        members = [(key, string(text)) for key, text in event(actor).items()]
        blob = raw(f"{padding}password={actor}-1 password={actor}-2 {'x' * len(actor)}".encode())
        return kvlist(*members, ("blob", blob))

    message = request(record(kvlist(("records", array(parts("alice"), parts("mallory"))))))
    alices, mallorys = ["alice-1", "alice-2"], ["mallory-1", "mallory-2"]
    assert listed(LOGS, message) == [alices, mallorys, alices + mallorys]


_TEXTS = st.sampled_from(
    ["", "x", "password=p1 ", "token=t1,", COPIED, ":sha256:", "0a" * 60, "A" * 95, "=", "==", "/+"]
)
_SCALARS = st.lists(_TEXTS, max_size=5).map("".join)
_VALUES = st.one_of(_SCALARS.map(string), _SCALARS.map(lambda text: raw(text.encode())), _SCALARS.map(_base64))
_EVENTS = st.dictionaries(st.sampled_from(["password", "note", "blob"]), _VALUES, max_size=3)


@settings(deadline=None)
@given(st.lists(_EVENTS, max_size=4), _EVENTS, st.booleans())
def test_both_codecs_list_the_same(events: list[dict[str, AnyValue]], shared: dict[str, AnyValue], named: bool) -> None:
    parts = [
        kvlist(*((key, string(text)) for key, text in event(f"a{number}").items()), *more.items())
        for number, more in enumerate(events)
    ]
    body = kvlist(("records", array(*parts))) if named else array(*parts)
    message = request(LogRecord(body=body, attributes=attributes(shared.items())))
    # An event lists at most what the list itself has, which is the last row.
    *of_events, of_list = listed(LOGS, message)
    assert all(set(of_event) <= set(of_list) for of_event in of_events)


def test_what_events_repeat_of_the_list_counts_for_the_limit() -> None:
    events = record(json.dumps([event("alice"), event("bob")]), {"pwd": "shared"})
    message = request(events, resource={"password": "r1"}).SerializeToString()
    mark = "[redacted:key.password]:sha256:" + "0" * 64
    of_each = len("password") + len("pwd") + 2 * len(mark) + len('{"time":"unset"}{"key.password":2}') + 2 * LISTED_SIZE
    for limit, refused in ((2 * of_each, False), (2 * of_each - 1, True)):
        made = Parity(Signal.LOGS, RULES, RowLimits(9, limit), DISCLOSE).assert_same(message)
        assert isinstance(made, tuple) == refused
