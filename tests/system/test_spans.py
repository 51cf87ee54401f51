"""Spans from the sender to the evidence: received, signed, shown, verified, proved, tampered with."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from harness.lognotary_server import LognotaryServer, kinds, run_lognotary
from lognotary.v1.correlation_pb2 import GetTraceRequest, GetTraceResponse
from lognotary.v1.evidence_pb2 import VERIFIED
from storage.clickhouse import connect
from storage.url import parse_storage_url

NOW = 1_790_000_000 * 10**9


def request_of(trace_id: str, count: int = 3) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope_spans = resource_spans.scope_spans.add()
    for number in range(count):
        scope_spans.spans.add(
            trace_id=bytes.fromhex(trace_id),
            span_id=(number + 1).to_bytes(8, "big"),
            parent_span_id=number.to_bytes(8, "big") if number else b"",
            name=f"step {number}",
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=NOW + number,
            end_time_unix_nano=NOW + 1000,
            events=[Span.Event(name="retry", time_unix_nano=NOW + 5)],
            status=Status(code=Status.STATUS_CODE_ERROR, message="out of stock"),
        )
    return request


def trace(server: LognotaryServer, trace_id: str) -> GetTraceResponse:
    with server.correlation() as api:
        found: GetTraceResponse = api.GetTrace(GetTraceRequest(trace_id=trace_id))
        return found


def send(server: LognotaryServer, request: ExportTraceServiceRequest) -> None:
    with grpc.insecure_channel(server.otlp_grpc) as channel:
        assert TraceServiceStub(channel).Export(request).SerializeToString() == b""


def test_spans_of_an_sdk_are_shown_with_verified_evidence(shared_server: LognotaryServer) -> None:
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=shared_server.otlp_grpc, insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("shop", "1.0")
    with (
        tracer.start_as_current_span("order", attributes={"items": 2}) as order,
        tracer.start_as_current_span("charge") as charge,
    ):
        charge.add_event("declined", {"reason": "limit"})
    provider.shutdown()
    found = trace(shared_server, f"{order.get_span_context().trace_id:032x}")
    assert found.span_count == 2
    first, second = (entry.span for entry in found.entries)
    assert (first.name, dict(first.attributes), first.scope_name) == ("order", {"items": "2"}, "shop")
    assert (second.name, second.parent_span_id) == ("charge", first.span_id)
    assert [(event.name, dict(event.attributes)) for event in second.events] == [("declined", {"reason": "limit"})]
    assert {first.evidence.state, second.evidence.state} == {VERIFIED}
    assert first.evidence.origin.split("/")[1] == "spans"


@pytest.mark.parametrize("as_json", [False, True], ids=["protobuf", "json"])
def test_spans_over_http_are_kept(shared_server: LognotaryServer, as_json: bool) -> None:
    trace_id = uuid.uuid4().hex
    if as_json:
        span = {"traceId": trace_id, "spanId": "ab" * 8, "name": "step 0", "startTimeUnixNano": str(NOW)}
        body, kind = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode(), "json"
    else:
        body, kind = request_of(trace_id, 1).SerializeToString(), "x-protobuf"
    headers = {"Content-Type": f"application/{kind}"}
    response = httpx.post(f"{shared_server.otlp_http}/v1/traces", content=body, headers=headers, timeout=60)
    assert response.status_code == 200, response.text
    (entry,) = trace(shared_server, trace_id).entries
    assert (entry.span.name, entry.span.evidence.state) == ("step 0", VERIFIED)


def test_metrics_are_refused_with_a_sentence(shared_server: LognotaryServer) -> None:
    with grpc.insecure_channel(shared_server.otlp_grpc) as channel, pytest.raises(grpc.RpcError) as refused:
        MetricsServiceStub(channel).Export(ExportMetricsServiceRequest())
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "Lognotary takes logs and traces only: set OTEL_METRICS_EXPORTER to none" in (refused.value.details() or "")


def test_a_span_is_proved_by_a_bundle_and_a_changed_one_is_found(lognotary: LognotaryServer, tmp_path: Path) -> None:
    trace_id = uuid.uuid4().hex
    with lognotary as server:
        send(server, request_of(trace_id))
        shown = server.cli("trace", trace_id)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert "0 audit events, 0 logs, 3 spans" in shown.stdout
        assert "3 entries verified" in shown.stdout
        findings, summary = server.verify()
        assert findings == []
        assert summary.records == 3
        span = trace(server, trace_id).entries[1].span
        bundle = tmp_path / "bundle"
        proved = server.cli("prove", f"{span.evidence.origin}#{span.evidence.leaf_index}", "--output", str(bundle))
        assert proved.returncode == 0, proved.stdout + proved.stderr
        checked = run_lognotary("check", str(bundle), "--public-key", str(server.public_key))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert json.loads((bundle / "record.json").read_text())["Events.Name"] == ["retry"]
        assert server.stop() == 0
    engine = connect(parse_storage_url(lognotary.storage_url), clients=1)
    engine.execute(
        "ALTER TABLE otel_traces UPDATE StatusCode = 'Ok' WHERE SpanName = 'step 1' SETTINGS mutations_sync = 2"
    )
    engine.close()
    with lognotary as server:
        findings, _ = server.verify()
        assert kinds(findings) == {"RECORD_CHANGED"}
        assert "step 1" in findings[0].record
        shown = server.cli("trace", trace_id)
        assert shown.returncode == 1
        assert "of 3 entries: 1 tampered with, 2 verified" in shown.stdout


def test_spans_of_a_killed_server_are_all_there_after_its_next_start(lognotary: LognotaryServer) -> None:
    trace_ids = [uuid.uuid4().hex for _ in range(5)]
    lognotary.start()
    for trace_id in trace_ids:
        send(lognotary, request_of(trace_id))
    lognotary.kill()
    with lognotary as server:
        assert [trace(server, trace_id).span_count for trace_id in trace_ids] == [3] * 5
        findings, summary = server.verify()
        assert findings == []
        assert summary.records == 15
