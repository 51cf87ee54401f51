"""Requests that are refused, as OTLP asks: for good, and nothing of them is stored."""

from __future__ import annotations

import gzip
import json

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, Parse
from google.rpc import status_pb2
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, refusal_of, request_of, send
from harness.zstd import zstd
from tests.codec.wire import delimited
from tests.system.conftest import MAX_REQUEST_BYTES
from tests.system.sending import JSON, PROTOBUF, bodies_of, export, is_unknown, new_trace_id, post

# Whose bytes could pass for a log record: their names stand where a record has nothing.
SPAN = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="", start_time_unix_nano=1, end_time_unix_nano=2)
METRICS = ResourceMetrics(
    scope_metrics=[
        ScopeMetrics(metrics=[Metric(name="requests", unit="1", sum=Sum(data_points=[NumberDataPoint(as_int=1)]))])
    ]
)


@pytest.mark.parametrize("way", ["json", "protobuf", "grpc"])
def test_a_request_of_which_a_part_would_not_be_kept_is_refused_whole_and_the_field_is_named(
    shared_server: LognotaryServer, way: str
) -> None:
    trace_id = new_trace_id()
    good = request_of([log_record("good", trace_id=trace_id)]).SerializeToString()
    lost = delimited(1, delimited(1, b"") + delimited(4, good))
    name = "'records'" if way == "json" else "field 4"
    says = f"resourceLogs[1]: nothing of the unknown {'name ' if way == 'json' else ''}{name} would be kept"
    if way == "grpc":
        with pytest.raises(grpc.RpcError) as caught:
            export(shared_server, good + lost)
        refusal = refusal_of(caught.value)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert says in refusal.details
        assert refusal.retry is None
    else:
        record = {"body": {"stringValue": "good"}, "traceId": trace_id}
        parts = [{"scopeLogs": [{"logRecords": [record]}]}, {"resource": {}, "records": [record]}]
        body = json.dumps({"resourceLogs": parts}).encode() if way == "json" else good + lost
        answer = post(shared_server, body, JSON if way == "json" else PROTOBUF)
        assert answer.status_code == 400
        assert says.encode() in answer.content
    assert is_unknown(shared_server, trace_id)


def test_spans_and_metrics_that_are_sent_to_the_path_of_logs_are_refused(shared_server: LognotaryServer) -> None:
    for name, request in (
        (
            "resourceSpans",
            ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[SPAN])])]),
        ),
        ("resourceMetrics", ExportMetricsServiceRequest(resource_metrics=[METRICS])),
    ):
        answer = post(shared_server, json.dumps(MessageToDict(request)).encode(), JSON)
        assert (answer.status_code, name in answer.json()["message"]) == (400, True)
        answer = post(shared_server, request.SerializeToString(), PROTOBUF)
        assert answer.status_code == 400
        assert b"a span or a metric" in answer.content


def test_malformed_bytes_are_refused_for_good_and_nothing_of_them_is_stored(
    shared_server: LognotaryServer,
) -> None:
    trace_id = new_trace_id()
    whole = request_of([log_record("a", trace_id=trace_id), log_record("b", trace_id=trace_id)])
    # The first records are whole, the last breaks off.
    malformed = whole.SerializeToString() + whole.SerializeToString()[:-5]
    with pytest.raises(grpc.RpcError) as caught:
        export(shared_server, malformed)
    refusal = refusal_of(caught.value)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details
    assert refusal.retry is None

    for body, headers, encoding in (
        (malformed, PROTOBUF, ""),
        (gzip.compress(malformed), PROTOBUF, "gzip"),
        (b'{"resourceLogs": [', JSON, ""),
        (whole.SerializeToString(), PROTOBUF, "gzip"),
    ):
        answer = post(shared_server, body, headers, encoding)
        assert answer.status_code == 400
        assert "retry-after" not in answer.headers
        status = status_pb2.Status()
        if headers is JSON:
            Parse(answer.text, status)
        else:
            status.ParseFromString(answer.content)
        assert status.message
    assert is_unknown(shared_server, trace_id)


def test_requests_over_the_limit_are_refused_for_good_and_nothing_of_them_is_stored(
    shared_server: LognotaryServer,
) -> None:
    trace_id = new_trace_id()
    body = request_of([log_record("x" * (MAX_REQUEST_BYTES + 1), trace_id=trace_id)]).SerializeToString()
    for compression in (None, grpc.Compression.Gzip):
        with pytest.raises(grpc.RpcError) as caught:
            export(shared_server, body, compression)
        refusal = refusal_of(caught.value)
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refusal.retry is None
    for content, encoding in (
        (body, ""),
        (gzip.compress(body), "gzip"),
        (zstd.compress(body), "zstd"),
    ):
        answer = post(shared_server, content, PROTOBUF, encoding)
        assert answer.status_code == 413
        assert str(MAX_REQUEST_BYTES) in status_pb2.Status.FromString(answer.content).message
    assert is_unknown(shared_server, trace_id)
    # It goes on after that.
    send(shared_server.otlp_grpc, log_record("fits", trace_id=trace_id))
    assert bodies_of(shared_server, trace_id) == ["fits"]
