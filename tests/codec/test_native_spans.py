"""The compiled codec makes what the reference codec makes: of every traces request, and of bytes that are none."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from harness.lacking import lacking
from server.codec.choose import why_not_native
from server.codec.limits import RowLimits
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError
from server.notary.origin import Stream

from .strategies import requests, trace_requests
from .wire import TRACES_PLACES, delimited, field, group, mutated, overlong, varint, wire_messages

if why_not_native():
    lacking(f"the compiled codec is not installed: {why_not_native()}")

from tests.codec.parity import NOW, Parity
from tests.effort import effort

PARITY = Parity(Signal.TRACES)
REFERENCE, NATIVE = PARITY.reference, PARITY.native
outcome, assert_same = PARITY.outcome, PARITY.assert_same

MOST = 1 << 16  # attributes, events or links in one list


def span(content: bytes) -> bytes:
    return delimited(1, delimited(2, delimited(2, content)))


def attribute(number: int, key: bytes, value: bytes) -> bytes:
    return delimited(number, delimited(1, key) + delimited(2, value))


def text_value(text: bytes) -> bytes:
    return delimited(1, text)


def nested(depth: int, number: int = 9) -> bytes:
    """An attribute, event or link with arrays within arrays, ``depth`` messages below the attribute's value."""
    value = field(3, 0, b"\x01")
    for _ in range(depth):
        value = delimited(5, delimited(1, value))
    attributes = {9: 9, 11: 3, 13: 4}[number]
    content = attribute(attributes, b"k", value)
    return span(content if number == 9 else delimited(number, content))


NAME = delimited(5, b"GET")
EVENT = delimited(11, field(1, 1, b"8" * 8) + delimited(2, b"retry") + attribute(3, b"k", text_value(b"v")))
LINK = delimited(13, delimited(1, b"t" * 16) + delimited(2, b"s" * 8) + attribute(4, b"k", text_value(b"v")))
STATUS = delimited(15, delimited(2, b"timeout") + field(3, 0, b"\x02"))
# ScopeSpans under the name and number that they had: instrumentation_library_spans.
LIBRARY_SPANS = delimited(
    1000, delimited(1, delimited(1, b"lib") + delimited(2, b"1.0")) + delimited(2, NAME + EVENT) + delimited(3, b"url")
)


@settings(deadline=None)
@given(trace_requests())
def test_requests_become_the_same_rows(request: ExportTraceServiceRequest) -> None:
    assert isinstance(assert_same(request.SerializeToString()), list)


@settings(max_examples=effort(300), deadline=None)
@given(mutated(trace_requests(max_spans=3).map(ExportTraceServiceRequest.SerializeToString)))
def test_mutated_requests_become_the_same_rows_or_the_same_error(request: bytes) -> None:
    assert_same(request)


@settings(max_examples=effort(500), deadline=None)
@given(wire_messages(TRACES_PLACES))
def test_any_fields_become_the_same_rows_or_the_same_error(request: bytes) -> None:
    assert_same(request)


@settings(max_examples=effort(200), deadline=None)
@given(st.one_of(st.binary(max_size=40), requests(max_records=2).map(lambda request: request.SerializeToString())))
def test_any_bytes_and_log_records_become_the_same_rows_or_the_same_error(request: bytes) -> None:
    assert_same(request)


ACCEPTED = {
    "nothing": b"",
    "repeated keys in another order than the stored one": span(
        b"".join(attribute(9, b"k", text_value(text)) for text in (b"c", b"a", b"b"))
        + delimited(11, b"".join(attribute(3, b"k", text_value(text)) for text in (b"b", b"a")))
        + delimited(13, b"".join(attribute(4, b"k", text_value(text)) for text in (b"b", b"a")))
    ),
    "an empty span": span(b""),
    "empty events and links, and an empty status": span(
        delimited(11, b"") * 3 + delimited(13, b"") * 2 + delimited(15, b"")
    ),
    "an attribute nested as deeply as protobuf permits": nested(47),
    "an event's attribute nested as deeply": nested(47, 11),
    "a link's attribute nested as deeply": nested(47, 13),
    "unknown fields": span(
        field(100, 0, b"\x01") + delimited(101, b"\xff") + group(102, field(1, 5, b"1234")) + EVENT + LINK + STATUS
    ),
    "unknown fields in events, links and the status": span(
        delimited(11, delimited(9, b"\xff") + field(2, 0, b"\x01"))
        + delimited(13, group(9, b"") + field(1, 0, b"\x01"))
        + delimited(15, delimited(1, b"\xff") + field(2, 0, b"\x01"))
    ),
    "overlong varints": span(
        field(6, 0, overlong(3, 10)) + field(10, 0, overlong(7, 9)) + delimited(15, field(3, 0, overlong(1, 10)))
    ),
    "a varint with bits beyond 64": span(field(6, 0, b"\x83" + b"\x80" * 8 + b"\x7e")),
    "numbers beyond 32 bits": span(
        b"".join(field(number, 0, varint(2**35 + 1)) for number in (6, 10, 12, 14))
        + delimited(15, field(3, 0, varint(2**35 + 1)))
    ),
    "numbers below 0": span(field(6, 0, varint(2**64 - 1)) + delimited(15, field(3, 0, varint(2**64 - 1)))),
    "a status in two parts": span(
        delimited(15, delimited(2, b"first") + field(3, 0, b"\x02")) + NAME + delimited(15, delimited(2, b"second"))
    ),
    "fields sent twice": span(
        NAME + delimited(5, b"") + delimited(1, b"t" * 16) + delimited(1, b"x") + field(16, 5, b"\xff" * 4) * 2
    ),
    "fields in reverse order": span(
        field(16, 5, b"1234") + STATUS + LINK + EVENT + attribute(9, b"k", b"") + field(8, 1, b"\0" * 8) + NAME
    ),
    "an event's attribute in parts": span(
        delimited(
            11,
            delimited(
                3, delimited(2, delimited(5, b"")) + delimited(1, b"k") + delimited(2, delimited(5, delimited(1, b"")))
            ),
        )
    ),
    "a resource behind its spans, in two parts": delimited(
        1,
        delimited(2, delimited(2, NAME))
        + delimited(1, attribute(1, b"service.name", text_value(b"late")))
        + delimited(1, field(2, 0, b"\x07")),
    ),
    "a scope behind some of its spans": span(NAME + EVENT)
    + delimited(
        1,
        delimited(2, delimited(2, EVENT) + delimited(1, delimited(1, b"s")) + delimited(2, LINK))
        + delimited(2, delimited(2, NAME) + delimited(3, b"late") + delimited(2, STATUS)),
    ),
    "references into a string table": span(
        delimited(9, field(3, 0, b"\x05") + delimited(2, field(8, 0, b"\x05")))
        + delimited(11, delimited(3, field(3, 0, b"\x05") + delimited(2, field(8, 0, b"\x05"))))
    ),
    "a resource without spans beside an unknown number": delimited(1, delimited(1, b"") + field(9, 0, b"\x01")),
    "the old name of scope_spans": delimited(1, delimited(1, b"") + LIBRARY_SPANS + LIBRARY_SPANS),
    "the old name of scope_spans, beside others": span(NAME) + delimited(1, LIBRARY_SPANS) + span(NAME),
}
REFUSED = {
    "a cut tag": b"\x8a",
    "a length beyond the end": b"\x0a\x05\x00",
    "a fixed64 that is cut": span(field(7, 1, b"1234567")),
    "a fixed32 that is cut": span(field(16, 5, b"123")),
    "an event that is cut": span(b"\x5a\x09" + b"\x09" + b"8" * 7),
    "a link whose flags are cut": span(delimited(13, field(6, 5, b"123"))),
    "a varint of 11 bytes in a status": span(delimited(15, field(3, 0, overlong(1, 11)))),
    "a tag of 6 bytes in an event": span(delimited(11, overlong(1 << 3 | 1, 6) + b"8" * 8)),
    "field number 0 in a link": span(delimited(13, field(0, 0, b"\x00"))),
    "wire type 6": span(field(17, 6, b"")),
    "a group that does not end": span(delimited(11, field(15, 3, b""))),
    "an attribute nested too deeply": nested(48),
    "an event's attribute nested too deeply": nested(48, 11),
    "a link's attribute nested too deeply": nested(48, 13),
    "groups nested too deeply in an event": span(delimited(11, field(15, 3, b"") * 97 + field(15, 4, b"") * 97)),
    "a name that is not UTF-8": span(delimited(5, b"\xff")),
    "a trace state that is not UTF-8": span(delimited(3, b"\xed\xa0\x80")),
    "a status message that is not UTF-8": span(delimited(15, delimited(2, b"\xff"))),
    "an event's name that is not UTF-8": span(delimited(11, delimited(2, b"\xc0\x80"))),
    "a key of an event that is not UTF-8": span(delimited(11, attribute(3, b"\xff", b""))),
    "a link's trace state that is not UTF-8": span(delimited(13, delimited(3, b"\xe2\x80"))),
    "a value of a link that is not UTF-8": span(delimited(13, attribute(4, b"k", text_value(b"\xff")))),
    "a name that is not UTF-8 and replaced": span(delimited(5, b"\xff") + NAME),
    "a scope that is broken behind its spans": delimited(1, delimited(2, delimited(2, NAME) + delimited(1, b"\x0a"))),
    "a text under the old name that is not UTF-8": delimited(1, delimited(1000, delimited(2, delimited(5, b"\xff")))),
    "what is wrong in an event, and what is wrong before it in the resource": delimited(
        1, delimited(2, delimited(2, delimited(11, delimited(2, b"\xff")))) + delimited(1, b"\x0a")
    ),
}

SPANS = "send spans as resourceSpans[].scopeSpans[].spans[]"
ONE = "a span has ids, a name, times and what else OTLP's Span has"
IN_FIRST = "resourceSpans[0].scopeSpans[0].spans[0]"
OTHER_TYPE = "has another type than in a span, as in a log or a metric: send spans only"
UNREAD = {
    "an unknown number in place of spans": (
        delimited(2, b"x"),
        f"the request: nothing of the unknown field 2 would be kept: {SPANS}",
    ),
    "spans that lie directly in a resource": (
        span(NAME) + delimited(1, delimited(1, b"") + field(5, 0, b"\x01") + delimited(4, NAME)),
        f"resourceSpans[1]: nothing of the unknown field 4 would be kept: {SPANS}",
    ),
    "another number in place of spans": (
        delimited(1, delimited(2, delimited(2, NAME)) + delimited(2, delimited(1, b"") + delimited(4, NAME))),
        f"resourceSpans[0].scopeSpans[1]: nothing of the unknown field 4 would be kept: {SPANS}",
    ),
    "a span of unknown fields": (
        delimited(1, delimited(2, delimited(2, NAME) + delimited(2, field(70, 5, b"1234")))),
        f"resourceSpans[0].scopeSpans[0].spans[1]: nothing of the unknown field 70 would be kept: {ONE}",
    ),
    "a log record": (
        span(field(1, 1, b"8" * 8) + delimited(5, text_value(b"x"))),
        f"{IN_FIRST}: field 1 {OTHER_TYPE}",
    ),
    "a metric": (
        span(delimited(1, b"requests") + delimited(3, b"ms") + delimited(7, field(2, 0, b"\x02"))),
        f"{IN_FIRST}: field 7 {OTHER_TYPE}",
    ),
    "a known field as a group": (span(NAME + group(11, b"")), f"{IN_FIRST}: field 11 {OTHER_TYPE}"),
    "spans under both names": (
        span(NAME) + delimited(1, delimited(2, delimited(2, NAME)) + LIBRARY_SPANS),
        "resourceSpans[1]: field 1000 is the old instrumentation_library_spans: send scope_spans only, not both",
    ),
}


@pytest.mark.parametrize("request_", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_is_accepted_becomes_the_same_rows(request_: bytes) -> None:
    assert isinstance(assert_same(request_), list)


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_refused_with_the_same_error(request_: bytes) -> None:
    assert isinstance(assert_same(request_), tuple)


@pytest.mark.parametrize(("request_", "says"), UNREAD.values(), ids=UNREAD.keys())
def test_what_would_not_be_kept_is_refused_with_all_of_its_request_and_the_field_is_named(
    request_: bytes, says: str
) -> None:
    assert assert_same(request_) == (MalformedRequestError, says)
    if says.startswith("resourceSpans"):
        assert assert_same(request_ + span(NAME)) == (MalformedRequestError, says)


@pytest.mark.parametrize("request_", [request_ for request_, _ in UNREAD.values()], ids=UNREAD.keys())
@pytest.mark.parametrize("bad", ["too many events", "broken", "broken under the old name"])
def test_of_two_things_that_are_wrong_both_codecs_tell_the_same(request_: bytes, bad: str) -> None:
    other = {
        "too many events": span(delimited(11, b"") * (MOST + 1)),
        "broken": span(b"\x0a"),
        "broken under the old name": delimited(1, delimited(1000, delimited(2, b"\x0a"))),
    }[bad]
    for both in (other + request_, request_ + other):
        assert isinstance(assert_same(both), tuple)


def test_spans_under_the_old_name_are_stored_as_under_the_present_one() -> None:
    resource = delimited(1, attribute(1, b"service.name", text_value(b"old")))
    present = varint(2 << 3 | 2) + LIBRARY_SPANS[2:]  # the same under another number
    rows = assert_same(delimited(1, resource + LIBRARY_SPANS + LIBRARY_SPANS))
    assert rows == assert_same(delimited(1, resource + present + present))
    assert isinstance(rows, list)
    assert [(part.stream, part.count) for part in rows] == [(Stream.SPANS, 2)]


def test_a_request_may_end_at_any_byte() -> None:
    whole = span(NAME + EVENT + LINK + STATUS + attribute(9, b"k", text_value(b"v")) + field(7, 1, b"8" * 8))
    for size in range(len(whole) + 1):
        assert_same(whole[:size])


@pytest.mark.parametrize("place", ["span", "resource", "scope", "events", "links", "an event", "a link"])
def test_a_list_that_is_too_long_is_refused_with_the_same_error(place: str) -> None:
    number, around = {
        "span": (9, span),
        "resource": (1, lambda many: delimited(1, delimited(1, many) + delimited(2, delimited(2, b"")))),
        "scope": (3, lambda many: delimited(1, delimited(2, delimited(1, many) + delimited(2, b"")))),
        "events": (11, span),
        "links": (13, span),
        "an event": (3, lambda many: span(EVENT + delimited(11, many))),
        "a link": (4, lambda many: span(delimited(13, many) + LINK)),
    }[place]
    assert isinstance(assert_same(around(delimited(number, b"") * MOST)), list)
    refused = assert_same(around(delimited(number, b"") * (MOST + 1)))
    assert refused[0] is MalformedRequestError
    assert "65536 attributes, events or links" in str(refused[1])


def test_too_many_spans_are_refused_with_the_same_error() -> None:
    refused = assert_same(delimited(1, delimited(2, delimited(2, b"") * 1_000_001)))
    assert refused[0] is MalformedRequestError
    assert "1000000 spans" in str(refused[1])


@pytest.mark.parametrize("others", [1, 2])
@pytest.mark.parametrize("behind", [b"", delimited(1, delimited(1, b"late")), delimited(3, b"url"), b"\x0a"])
def test_of_too_many_spans_and_too_many_events_both_codecs_tell_the_same(others: int, behind: bytes) -> None:
    parity = Parity(Signal.TRACES, limits=RowLimits(records=2))
    spans = delimited(2, delimited(11, b"") * ((1 << 16) + 1)) + delimited(2, b"") * others
    for scope in (spans + behind, delimited(2, b"") + behind + spans):
        assert isinstance(parity.assert_same(delimited(1, delimited(2, scope))), tuple)


def test_a_resource_that_is_repeated_too_often_is_refused_with_the_same_error() -> None:
    resource = delimited(1, delimited(1, delimited(1, b"k" * 3000)))
    refused = assert_same(delimited(1, resource + delimited(2, delimited(2, b"") * (268_435_456 // 3000 + 1))))
    assert refused[0] is MalformedRequestError


def test_spans_of_many_layouts_become_the_same_rows() -> None:
    # More layouts than are remembered, of spans, events and links, and values of each type under each key.
    chance = random.Random(5)
    values = [AnyValue(string_value="x"), AnyValue(int_value=1), AnyValue(bool_value=True), AnyValue()]

    def attributes(number: int) -> list[KeyValue]:
        keys = [f"k{(number * 7 + place) % 13}" for place in range(number % 23)]
        return [KeyValue(key=key, value=chance.choice(values)) for key in keys]

    request = ExportTraceServiceRequest()
    scopes = [request.resource_spans.add().scope_spans.add() for _ in range(3)]
    for number in range(400):
        scopes[number % 3].spans.append(
            Span(
                name=f"name {number % 300}",  # more than fit into indexes of a byte
                kind=number % 8,  # type: ignore[arg-type] # the stubs want the enumeration's own type
                attributes=attributes(number),
                events=[
                    Span.Event(name=f"event {n}", attributes=attributes(number + n), dropped_attributes_count=n % 2)
                    for n in range(number % 4)
                ],
                links=[Span.Link(attributes=attributes(number * n), flags=n) for n in range(number % 3)],
            )
        )
    rows = assert_same(request.SerializeToString())
    assert isinstance(rows, list)
    assert [part.count for part in rows] == [400]


def test_one_codec_encodes_both_signals_in_several_threads_at_the_same_time() -> None:
    sent = [span(NAME + attribute(9, b"k%d" % n, text_value(b"v")) + EVENT * n) * (1 + n) for n in range(40)]
    logs = [delimited(1, delimited(2, delimited(2, delimited(3, b"INFO")))) * (1 + n) for n in range(40)]
    expected = [REFERENCE.encode_spans(request, NOW) for request in sent]
    records = [REFERENCE.encode(request, NOW) for request in logs]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            made = threads.map(lambda request: NATIVE.encode_spans(request, NOW), sent)
            also = threads.map(lambda request: NATIVE.encode(request, NOW), logs)
            assert list(made) == expected
            assert list(also) == records


def test_a_refused_request_leaves_nothing_in_the_next() -> None:
    good = span(NAME + EVENT + LINK + STATUS)
    expected = NATIVE.encode_spans(good, NOW)
    for bad in REFUSED.values():
        assert isinstance(outcome(NATIVE, good + bad), tuple)
        assert NATIVE.encode_spans(good, NOW) == expected
