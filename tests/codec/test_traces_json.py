"""OTLP/JSON of traces: the same rules as for logs, and what spans have of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from server.codec.otlp_json import request_from_json
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError
from tests.codec.strategies import trace_requests

# As the example in OTLP's own documentation, with an event, a link and a status.
EXAMPLE = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
            "scopeSpans": [
                {
                    "scope": {"name": "my.library", "version": "1.0.0"},
                    "spans": [
                        {
                            "traceId": "5B8EFFF798038103D269B633813FC60C",
                            "spanId": "EEE19B7EC3C1B174",
                            "parentSpanId": "EEE19B7EC3C1B173",
                            "name": "I'm a server span",
                            "startTimeUnixNano": "1544712660000000000",
                            "endTimeUnixNano": "1544712661000000000",
                            "kind": 2,
                            "attributes": [{"key": "my.span.attr", "value": {"stringValue": "some value"}}],
                            "events": [{"name": "retry", "timeUnixNano": "1544712660500000000"}],
                            "links": [{"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175"}],
                            "status": {"code": "STATUS_CODE_ERROR", "message": "out of stock"},
                        }
                    ],
                }
            ],
        }
    ]
}


def convert(document: object) -> ExportTraceServiceRequest:
    converted = request_from_json(json.dumps(document).encode(), Signal.TRACES)
    return ExportTraceServiceRequest.FromString(converted)


def test_the_example_of_the_specification_is_read_completely() -> None:
    (span,) = convert(EXAMPLE).resource_spans[0].scope_spans[0].spans
    assert span == Span(
        trace_id=bytes.fromhex("5B8EFFF798038103D269B633813FC60C"),
        span_id=bytes.fromhex("EEE19B7EC3C1B174"),
        parent_span_id=bytes.fromhex("EEE19B7EC3C1B173"),
        name="I'm a server span",
        start_time_unix_nano=1544712660000000000,
        end_time_unix_nano=1544712661000000000,
        kind=Span.SPAN_KIND_SERVER,
        attributes=span.attributes,
        events=[Span.Event(name="retry", time_unix_nano=1544712660500000000)],
        links=[
            Span.Link(
                trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60d"), span_id=bytes.fromhex("eee19b7ec3c1b175")
            )
        ],
        status=Status(code=Status.STATUS_CODE_ERROR, message="out of stock"),
    )


def with_hex_ids(message: Any) -> Any:
    """Return protobuf's own JSON with ids as OTLP writes them."""
    if isinstance(message, list):
        return [with_hex_ids(each) for each in message]
    if not isinstance(message, dict):
        return message
    ids = ("traceId", "spanId", "parentSpanId")
    return {
        name: json_format_bytes(value).hex() if name in ids and isinstance(value, str) else with_hex_ids(value)
        for name, value in message.items()
    }


def json_format_bytes(text: str) -> bytes:
    return json_format.Parse(json.dumps({"spanId": text}), Span()).span_id


@given(trace_requests(max_spans=3))
def test_a_request_written_as_json_is_read_as_protobuf_itself_reads_it(request: ExportTraceServiceRequest) -> None:
    written = json_format.MessageToJson(request, use_integers_for_enums=True)
    expected = json_format.Parse(written, ExportTraceServiceRequest())  # JSON has one NaN, protobuf has many
    made = convert(with_hex_ids(json.loads(written)))
    # Compared as bytes, for NaN is not equal to itself.
    assert made.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)


@pytest.mark.parametrize("name", ["instrumentationLibrarySpans", "instrumentation_library_spans"])
def test_names_of_before_otlp_0_15_mean_what_they_are_called_today(name: str) -> None:
    request = convert(
        {"resourceSpans": [{name: [{"instrumentationLibrary": {"name": "lib"}, "spans": [{"name": "a"}]}]}]}
    )
    (scope_spans,) = request.resource_spans[0].scope_spans
    assert (scope_spans.scope.name, scope_spans.spans[0].name) == ("lib", "a")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"resourceLogs": [{"scopeLogs": []}]}, "'resourceLogs' holds no spans: .*; log records belong to /v1/logs"),
        ({"traces": [{"name": "a"}]}, r"unknown name 'traces' would be kept: send spans as resourceSpans\[\]"),
        ({"resourceSpans": [{"spans": [{"name": "a"}]}]}, r"resourceSpans\[0\]: nothing of the unknown name 'spans'"),
        (
            {"resourceSpans": [{"scopeSpans": [{"spans": [{"message": "a"}]}]}]},
            r"spans\[0\]: nothing of the unknown name 'message' would be kept: a span has ids, a name",
        ),
        (
            {"resourceSpans": [{"scopeSpans": [{"spans": [{"parentSpanId": "/+8="}]}]}]},
            r"spans\[0\].parentSpanId: not hexadecimal",
        ),
    ],
)
def test_what_would_not_be_kept_is_refused_and_named(document: object, message: str) -> None:
    with pytest.raises(MalformedRequestError, match=message):
        convert(document)
