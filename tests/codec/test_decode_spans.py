"""The reference codec for spans: which column holds what, and that a row is the whole span."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import EntityRef, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from server.codec.decode_spans import SPAN_KINDS, STATUS_CODES, decode_spans
from server.codec.limits import RowLimits
from server.codec.records import Event, Link, SpanColumns
from server.errors.ingest import MalformedRequestError
from tests.effort import effort

from .otlp_messages import attributes, integer, string
from .rebuilding import key_values
from .restoring import Members, normalised
from .strategies import spans, trace_requests
from .wire import delimited

slowly = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=effort(150)
)

COLUMNS = tuple(SpanColumns.__dataclass_fields__)
DETAILS = [
    "start",
    "end",
    "kind",
    "status",
    "trace_id",
    "span_id",
    "parent_span_id",
    "span",
    "events",
    "links",
    "scope",
    "scope_dropped",
    "resource",
    "resource_dropped",
    "entity_refs",
]
OF_EVENTS = ["time", "attributes", "dropped"]
OF_LINKS = ["trace_id", "span_id", "attributes", "dropped", "flags"]
MAX_TIME = 2**63 - 1


# A row back to the span, written from the description of the columns alone.


def rebuilt(columns: SpanColumns, row: int) -> ResourceSpans:
    """Return the span of a row, alone in its resource and scope."""
    parsed = json.loads(columns.otlp_details[row] or b"{}", object_pairs_hook=Members)
    details = dict(parsed)
    assert len(details) == len(parsed)

    start = int(details.get("start", columns.timestamp[row]))
    end = details.get("end", start + columns.duration[row])
    kind = details.get("kind") or SPAN_KINDS.index(columns.span_kind[row])
    status = details.get("status") or STATUS_CODES.index(columns.status_code[row])
    of_events, of_links = dict(details.get("events", ())), dict(details.get("links", ()))
    span = Span(
        trace_id=an_id(details, "trace_id", columns.trace_id[row]),
        span_id=an_id(details, "span_id", columns.span_id[row]),
        parent_span_id=an_id(details, "parent_span_id", columns.parent_span_id[row]),
        trace_state=columns.trace_state[row].decode(),
        flags=columns.flags[row],
        name=columns.span_name[row].decode(),
        kind=Span.SpanKind.ValueType(int(kind)),
        start_time_unix_nano=start,
        end_time_unix_nano=int(end),
        attributes=key_values(columns.span_attributes[row], details.get("span")),
        dropped_attributes_count=columns.dropped_attributes_count[row],
        events=[an_event(each, dict(of_events.get(str(n), ()))) for n, each in enumerate(columns.events[row])],
        dropped_events_count=columns.dropped_events_count[row],
        links=[a_link(each, dict(of_links.get(str(n), ()))) for n, each in enumerate(columns.links[row])],
        dropped_links_count=columns.dropped_links_count[row],
        status=Status(message=columns.status_message[row].decode(), code=Status.StatusCode.ValueType(int(status))),
    )
    scope = InstrumentationScope(
        name=columns.scope_name[row].decode(),
        version=columns.scope_version[row].decode(),
        attributes=key_values(columns.scope_attributes[row], details.get("scope")),
        dropped_attributes_count=details.get("scope_dropped", 0),
    )
    resource = Resource(
        attributes=key_values(columns.resource_attributes[row], details.get("resource")),
        dropped_attributes_count=details.get("resource_dropped", 0),
        entity_refs=[EntityRef(**dict(entity)) for entity in details.get("entity_refs", [])],
    )
    schema_url = columns.resource_schema_url[row].decode()
    return one_span(resource, schema_url, scope, columns.scope_schema_url[row].decode(), span)


def an_id(details: dict[str, str], name: str, stored: bytes) -> bytes:
    return bytes.fromhex(details.get(name, stored.decode()))


def an_event(event: Event, details: dict[str, object]) -> Span.Event:
    return Span.Event(
        time_unix_nano=int(str(details.get("time", event.timestamp))),
        name=event.name.decode(),
        attributes=key_values(event.attributes, details.get("attributes")),  # type: ignore[arg-type]
        dropped_attributes_count=details.get("dropped", 0),  # type: ignore[arg-type]
    )


def a_link(link: Link, details: dict[str, object]) -> Span.Link:
    return Span.Link(
        trace_id=an_id(details, "trace_id", link.trace_id),  # type: ignore[arg-type]
        span_id=an_id(details, "span_id", link.span_id),  # type: ignore[arg-type]
        trace_state=link.trace_state.decode(),
        attributes=key_values(link.attributes, details.get("attributes")),  # type: ignore[arg-type]
        dropped_attributes_count=details.get("dropped", 0),  # type: ignore[arg-type]
        flags=details.get("flags", 0),  # type: ignore[arg-type]
    )


def one_span(
    resource: Resource, resource_schema_url: str, scope: InstrumentationScope, scope_schema_url: str, span: Span
) -> ResourceSpans:
    scope_spans = ScopeSpans(scope=scope, schema_url=scope_schema_url, spans=[span])
    return ResourceSpans(resource=resource, schema_url=resource_schema_url, scope_spans=[scope_spans])


def flattened(request: ExportTraceServiceRequest) -> list[ResourceSpans]:
    """Return each span of a request, alone in its resource and scope."""
    return [
        one_span(resource_spans.resource, resource_spans.schema_url, scope_spans.scope, scope_spans.schema_url, span)
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def comparable(sent: ResourceSpans) -> bytes:
    """Return a span's bytes without what is documented as not kept."""
    sent = ResourceSpans.FromString(sent.SerializeToString())
    scope_spans = sent.scope_spans[0]
    span = scope_spans.spans[0]
    span.status.SetInParent()  # an empty status left out is the same as one sent
    for owner in (sent.resource, scope_spans.scope, span, *span.events, *span.links):
        kept = [KeyValue(key=a.key, value=normalised(a.value)) for a in owner.attributes]
        del owner.attributes[:]
        owner.attributes.extend(sorted(kept, key=KeyValue.SerializeToString))
    return sent.SerializeToString(deterministic=True)


@given(trace_requests())
@slowly
def test_a_row_is_the_whole_span(request: ExportTraceServiceRequest) -> None:
    columns = decode_spans(request.SerializeToString())

    rows = [comparable(rebuilt(columns, row)) for row in range(len(columns))]

    assert rows == [comparable(sent) for sent in flattened(request)]


@given(trace_requests())
@slowly
def test_every_column_has_a_value_that_its_type_can_hold_for_every_span(request: ExportTraceServiceRequest) -> None:
    columns = decode_spans(request.SerializeToString())

    assert {len(getattr(columns, name)) for name in COLUMNS} == {len(flattened(request))}
    events = [event for each in columns.events for event in each]
    links = [link for each in columns.links for link in each]
    assert all(0 <= time <= MAX_TIME for time in (*columns.timestamp, *(event.timestamp for event in events)))
    assert all(0 <= value < 2**64 for value in columns.duration)
    for name in ("flags", "dropped_attributes_count", "dropped_events_count", "dropped_links_count"):
        assert all(0 <= value < 2**32 for value in getattr(columns, name))
    assert all(re.fullmatch(rb"([0-9a-f]{32})?", value) for value in columns.trace_id)
    assert all(re.fullmatch(rb"([0-9a-f]{32})?", link.trace_id) for link in links)
    for ids in (columns.span_id, columns.parent_span_id, [link.span_id for link in links]):
        assert all(re.fullmatch(rb"([0-9a-f]{16})?", value) for value in ids)
    lists = (*columns.span_attributes, *(each.attributes for each in (*events, *links)))
    assert all(value == tuple(sorted(value)) for value in lists)
    for details in map(json.loads, filter(None, columns.otlp_details)):
        assert list(details) == sorted(details, key=DETAILS.index)
        for name, members in (("events", OF_EVENTS), ("links", OF_LINKS)):
            numbers = list(map(int, details.get(name, {})))
            assert numbers == sorted(numbers)
            for lost in details.get(name, {}).values():
                assert lost
                assert list(lost) == sorted(lost, key=members.index)


@given(spans, st.randoms(use_true_random=False))
@slowly
def test_the_order_of_attributes_does_not_change_the_row(span: Span, shuffler: random.Random) -> None:
    shuffled = Span.FromString(span.SerializeToString())
    for owner in (shuffled, *shuffled.events, *shuffled.links):
        sent = list(owner.attributes)
        shuffler.shuffle(sent)
        del owner.attributes[:]
        owner.attributes.extend(sent)

    assert decoded(span) == decoded(shuffled)


def decoded(*sent: Span) -> SpanColumns:
    """Return the columns of spans of one resource and scope."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(spans=sent)
    return decode_spans(request.SerializeToString())


def test_an_ordinary_span_fills_the_columns_and_needs_no_details() -> None:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(
        resource=Resource(attributes=attributes([("service.name", string("shop")), ("host", string("é"))])),
        schema_url="https://example.org/resource",
    )
    resource_spans.scope_spans.add(
        scope=InstrumentationScope(name="lib", version="1.2", attributes=attributes([("kind", string("test"))])),
        schema_url="https://example.org/scope",
        spans=[
            Span(
                trace_id=bytes(range(16)),
                span_id=b"\xab" * 8,
                parent_span_id=b"\xcd" * 8,
                trace_state="vendor=1",
                flags=0x101,
                name="POST /orders",
                kind=Span.SPAN_KIND_SERVER,
                start_time_unix_nano=1_790_000_000_000_000_001,
                end_time_unix_nano=1_790_000_000_250_000_001,
                attributes=attributes([("user", string("bo")), ("cart", string("7"))]),
                dropped_attributes_count=1,
                events=[Span.Event(time_unix_nano=5, name="retry", attributes=attributes([("n", string("1"))]))],
                dropped_events_count=2,
                links=[Span.Link(trace_id=b"\x01" * 16, span_id=b"\x02" * 8, trace_state="a=b")],
                dropped_links_count=3,
                status=Status(message="out of stock", code=Status.STATUS_CODE_ERROR),
            )
        ],
    )

    assert decode_spans(request.SerializeToString()) == SpanColumns(
        service_name=[b"shop"],
        resource_schema_url=[b"https://example.org/resource"],
        resource_attributes=[((b"host", "é".encode()), (b"service.name", b"shop"))],
        scope_schema_url=[b"https://example.org/scope"],
        scope_name=[b"lib"],
        scope_version=[b"1.2"],
        scope_attributes=[((b"kind", b"test"),)],
        timestamp=[1_790_000_000_000_000_001],
        trace_id=[b"000102030405060708090a0b0c0d0e0f"],
        span_id=[b"abababababababab"],
        parent_span_id=[b"cdcdcdcdcdcdcdcd"],
        trace_state=[b"vendor=1"],
        span_name=[b"POST /orders"],
        span_kind=[b"Server"],
        span_attributes=[((b"cart", b"7"), (b"user", b"bo"))],
        duration=[250_000_000],
        status_code=[b"Error"],
        status_message=[b"out of stock"],
        events=[(Event(5, b"retry", ((b"n", b"1"),)),)],
        links=[(Link(b"01" * 16, b"02" * 8, b"a=b", ()),)],
        flags=[0x101],
        dropped_attributes_count=[1],
        dropped_events_count=[2],
        dropped_links_count=[3],
        otlp_details=[b""],
    )


def test_an_empty_span_has_the_names_of_zero_and_no_details() -> None:
    columns = decoded(Span())

    assert (columns.timestamp, columns.duration) == ([0], [0])
    assert (columns.span_kind, columns.status_code) == ([b"Unspecified"], [b"Unset"])
    assert columns.otlp_details == [b""]


@pytest.mark.parametrize(
    ("start", "end", "timestamp", "duration", "details"),
    [
        (5, 7, 5, 2, b""),
        (5, 5, 5, 0, b""),
        (5, 0, 5, 0, b'{"end":"0"}'),
        (7, 5, 7, 0, b'{"end":"5"}'),
        (0, 2**64 - 1, 0, 2**64 - 1, b""),
        (MAX_TIME, 2**64 - 1, MAX_TIME, 2**63, b""),
        (2**63, 2**63 + 2, MAX_TIME, 2, b'{"start":"9223372036854775808"}'),
        (2**64 - 1, 1, MAX_TIME, 0, b'{"start":"18446744073709551615","end":"1"}'),
    ],
)
def test_a_start_that_is_too_late_and_an_end_before_the_start_are_replaced_and_noted(
    start: int, end: int, timestamp: int, duration: int, details: bytes
) -> None:
    columns = decoded(Span(start_time_unix_nano=start, end_time_unix_nano=end))

    assert (columns.timestamp, columns.duration, columns.otlp_details) == ([timestamp], [duration], [details])


def test_what_has_no_name_or_is_no_valid_id_is_stored_as_empty_and_noted() -> None:
    columns = decoded(
        Span(
            trace_id=b"\xab" * 15,
            span_id=bytes(8),
            parent_span_id=b"\xcd" * 9,
            kind=Span.SpanKind.ValueType(6),
            status=Status(code=Status.StatusCode.ValueType(-1)),
        )
    )

    assert (columns.trace_id, columns.span_id, columns.parent_span_id) == ([b""], [b""], [b""])
    assert (columns.span_kind, columns.status_code) == ([b""], [b""])
    ids = b'"trace_id":"%b","span_id":"%b","parent_span_id":"%b"' % (b"ab" * 15, b"0" * 16, b"cd" * 9)
    assert columns.otlp_details == [b'{"kind":"6","status":"-1",' + ids + b"}"]


def test_what_the_columns_lose_of_events_and_links_is_noted_under_their_numbers() -> None:
    span = Span(
        attributes=attributes([("http.status", integer(200)), ("user", string("bo"))]),
        events=[
            Span.Event(name="kept whole"),
            Span.Event(time_unix_nano=2**63, attributes=attributes([("n", integer(1))]), dropped_attributes_count=4),
        ],
        links=[
            Span.Link(trace_id=b"\x01", span_id=b"\x02", flags=256, dropped_attributes_count=1),
            Span.Link(attributes=attributes([("n", integer(1))])),
        ],
    )

    assert decoded(span).otlp_details == [
        b'{"span":{"http.status":"int"},'
        b'"events":{"1":{"time":"9223372036854775808","attributes":{"n":"int"},"dropped":4}},'
        b'"links":{"0":{"trace_id":"01","span_id":"02","dropped":1,"flags":256},"1":{"attributes":{"n":"int"}}}}'
    ]


def test_a_request_without_spans_has_no_rows() -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add(schema_url="u").scope_spans.add(schema_url="v")

    assert decode_spans(b"") == decode_spans(request.SerializeToString()) == SpanColumns()


def test_fields_of_a_later_otlp_version_are_ignored() -> None:
    span = Span(name="x")
    later = Span.FromString(span.SerializeToString() + b"\xfa\x3e\x01?")  # number 1007, one byte

    assert decoded(later) == decoded(span)


def test_spans_under_the_number_of_instrumentation_library_spans_are_read() -> None:
    scope_spans = ScopeSpans(spans=[Span(name="old")]).SerializeToString()
    old = b"\xc2\x3e" + bytes([len(scope_spans)]) + scope_spans  # number 1000

    assert decode_spans(delimited(1, old)).span_name == [b"old"]
    with pytest.raises(MalformedRequestError, match="instrumentation_library_spans: send scope_spans only, not both"):
        decode_spans(delimited(1, old + delimited(2, scope_spans)))


def a_log() -> bytes:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1, severity_text="INFO")
    return request.SerializeToString()


def a_metric() -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    metric.sum.data_points.add(as_int=1)
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("request_bytes", "reason"),
    [
        (b'{"resourceSpans":[]}', r"not an OTLP traces request \(.* bytes\): invalid or truncated protobuf"),
        (delimited(1, delimited(3, b"\xff")), "UTF-8"),
        (a_log(), r"resourceSpans\[0\].scopeSpans\[0\].spans\[0\]: field 1 has another type"),
        (a_metric(), r"resourceSpans\[0\].scopeSpans\[0\].spans\[0\]: field 7 has another type"),
        (
            delimited(1, delimited(2, delimited(2, b"\xfa\x3e\x01?"))),
            "unknown field 1007 would be kept: a span has ids",
        ),
        (delimited(9, b"abc"), r"unknown field 9 would be kept: send spans as resourceSpans\[\]"),
    ],
    ids=["json", "not UTF-8", "log records", "metrics", "nothing known in a span", "nothing known at all"],
)
def test_bytes_that_are_no_traces_request_are_refused_with_the_reason(request_bytes: bytes, reason: str) -> None:
    with pytest.raises(MalformedRequestError, match=reason):
        decode_spans(request_bytes)


def test_too_many_spans_and_too_long_lists_are_refused() -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(spans=[Span()] * 3)
    assert len(decode_spans(request.SerializeToString(), RowLimits(records=3))) == 3
    with pytest.raises(MalformedRequestError, match=r"more than 2 spans, .*: send smaller requests"):
        decode_spans(request.SerializeToString(), RowLimits(records=2))
    for lists in ({"events": [Span.Event()] * 65_537}, {"links": [Span.Link()] * 65_537}):
        with pytest.raises(MalformedRequestError, match="more than 65536 attributes, events or links in one list"):
            decoded(Span(**lists))  # type: ignore[arg-type]
