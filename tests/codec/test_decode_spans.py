"""The reference codec for spans: which column holds what."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from server.codec.decode_spans import decode_spans
from server.codec.limits import RowLimits
from server.codec.records import Event, Link, SpanColumns
from server.errors.ingest import MalformedRequestError

from .otlp_messages import MAX_TIME, attributes, decoded_spans, integer, string
from .wire import delimited


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
        scope_repeated=[()],
        resource_repeated=[()],
        redactions=[b""],
    )


def test_an_empty_span_has_the_names_of_zero_and_no_details() -> None:
    columns = decoded_spans(Span())

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
    columns = decoded_spans(Span(start_time_unix_nano=start, end_time_unix_nano=end))

    assert (columns.timestamp, columns.duration, columns.otlp_details) == ([timestamp], [duration], [details])


def test_what_has_no_name_or_is_no_valid_id_is_stored_as_empty_and_noted() -> None:
    columns = decoded_spans(
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

    assert decoded_spans(span).otlp_details == [
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

    assert decoded_spans(later) == decoded_spans(span)


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
            decoded_spans(Span(**lists))


def test_the_order_of_repeated_keys_values_is_in_the_details_of_span_events_and_links() -> None:
    twice = attributes([("k", string("b")), ("k", string("a"))])
    columns = decoded_spans(
        Span(
            attributes=twice,
            events=[Span.Event(), Span.Event(attributes=twice, dropped_attributes_count=1)],
            links=[Span.Link(attributes=twice, flags=1)],
        )
    )

    assert columns.span_attributes == [((b"k", b"a"), (b"k", b"b"))]
    assert columns.otlp_details == [
        b'{"span_order":{"k":[1,0]},'
        b'"events":{"1":{"attributes_order":{"k":[1,0]},"dropped":1}},'
        b'"links":{"0":{"attributes_order":{"k":[1,0]},"flags":1}}}'
    ]
