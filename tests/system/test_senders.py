"""Requests of all kinds of senders are stored."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import Parse
from opentelemetry._logs import LogRecord as ApiLogRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, request_of, send
from harness.zstd import zstd
from lognotary.v1.correlation_pb2 import GetTraceResponse, SearchAuditEventsResponse
from lognotary.v1.evidence_pb2 import VERIFIED
from server.codec.otlp_json import request_from_json
from tests.codec.wire import delimited
from tests.system.sending import JSON, PROTOBUF, bodies_of, export, new_trace_id, post, trace_of

EXPORTERS: dict[str, Callable[[LognotaryServer], LogRecordExporter]] = {
    "gRPC": lambda server: GrpcExporter(endpoint=f"http://{server.otlp_grpc}", insecure=True),
    "gRPC with gzip": lambda server: GrpcExporter(
        endpoint=f"http://{server.otlp_grpc}", insecure=True, compression=grpc.Compression.Gzip
    ),
    "HTTP": lambda server: HttpExporter(endpoint=f"{server.otlp_http}/v1/logs", compression=Compression.NoCompression),
    "HTTP with gzip": lambda server: HttpExporter(endpoint=f"{server.otlp_http}/v1/logs", compression=Compression.Gzip),
}


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_what_the_python_sdk_logs_is_shown_and_verified(shared_server: LognotaryServer, exporter: str) -> None:
    trace_id = new_trace_id()
    context = set_span_in_context(
        NonRecordingSpan(SpanContext(int(trace_id, 16), 0xA1B2C3D4E5F60718, is_remote=False, trace_flags=TraceFlags(1)))
    )
    provider = LoggerProvider(Resource.create({"service.name": "checkout"}), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(EXPORTERS[exporter](shared_server)))
    logger = provider.get_logger("shop.checkout", "1.2.3")
    start = time.time_ns()
    logger.emit(
        ApiLogRecord(
            timestamp=start,
            context=context,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            body="card is refused ✘",
            attributes={"attempt": 3, "ratio": 0.5, "retry": True, "tags": ["a", "b"]},
        )
    )
    logger.emit(
        ApiLogRecord(
            timestamp=start + 1,
            context=context,
            body="refund",
            attributes={
                "audit.actor.id": "alice",
                "audit.action": "refund",
                "audit.target.id": trace_id,
                "audit.outcome": "success",
            },
        )
    )
    assert provider.force_flush()
    provider.shutdown()

    shown = shared_server.cli("trace", trace_id)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "✔ 2 records verified" in shown.stdout
    assert "card is refused ✘" in shown.stdout
    assert "alice refund" in shown.stdout

    as_json = shared_server.cli("trace", trace_id, "--json")
    trace = Parse(as_json.stdout, GetTraceResponse())
    log, event = trace.entries[0].log, trace.entries[1].audit_event
    assert log.body == "card is refused ✘"
    assert log.trace_id == trace_id
    assert log.span_id == "a1b2c3d4e5f60718"
    assert log.flags & 1 == 1
    assert (log.severity_number, log.severity_text) == (13, "WARN")
    assert log.timestamp.ToNanoseconds() == start
    assert (log.service_name, log.scope_name, log.scope_version) == ("checkout", "shop.checkout", "1.2.3")
    assert dict(log.log_attributes) == {
        "attempt": "3",
        "ratio": "0.5",
        "retry": "true",
        "tags": '["a","b"]',
    }
    assert (event.audit.actor_id, event.audit.action, event.audit.outcome) == ("alice", "refund", "success")

    shown = shared_server.cli("audit", "--target", trace_id)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "✔ 1 event verified" in shown.stdout
    as_json = shared_server.cli("audit", "--target", trace_id, "--json")
    assert list(Parse(as_json.stdout, SearchAuditEventsResponse()).events) == [event]


def test_one_request_may_have_records_of_both_streams(shared_server: LognotaryServer) -> None:
    trace_id = new_trace_id()
    send(
        shared_server.otlp_grpc,
        log_record("before", trace_id=trace_id, timestamp=10**18),
        log_record("event", trace_id=trace_id, timestamp=10**18 + 1, audit_actor_id="bob"),
        log_record("after", trace_id=trace_id, timestamp=10**18 + 2),
    )
    entries = trace_of(shared_server, trace_id).entries
    assert [entry.WhichOneof("entry") for entry in entries] == ["log", "audit_event", "log"]
    records = [getattr(entry, entry.WhichOneof("entry")) for entry in entries]
    assert [record.body for record in records] == ["before", "event", "after"]
    assert [record.evidence.origin.split("/")[1] for record in records] == [
        "operational",
        "audit",
        "operational",
    ]
    assert {record.evidence.state for record in records} == {VERIFIED}


def test_otlp_json_is_understood(shared_server: LognotaryServer) -> None:
    trace_id = new_trace_id()
    document = {
        "resourceLogs": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "by-hand"}}]},
                "scopeLogs": [
                    {
                        "scope": {"name": "curl"},
                        "logRecords": [
                            {
                                "timeUnixNano": "1767225600000000001",
                                "severityNumber": 9,
                                "body": {"stringValue": "by hand"},
                                "traceId": trace_id.upper(),
                                "spanId": "EEE19B7EC3C1B174",
                                "attributes": [{"key": "n", "value": {"intValue": "9007199254740993"}}],
                            }
                        ],
                    }
                ],
            }
        ]
    }
    answer = post(shared_server, json.dumps(document).encode(), JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    (entry,) = trace_of(shared_server, trace_id).entries
    assert entry.log.timestamp.ToNanoseconds() == 1767225600000000001
    assert entry.log.span_id == "eee19b7ec3c1b174"
    assert entry.log.log_attributes["n"] == "9007199254740993"
    assert entry.log.evidence.state == VERIFIED


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
def test_compressed_requests_are_understood_over_http(shared_server: LognotaryServer, encoding: str) -> None:
    trace_id = new_trace_id()
    body = request_of([log_record(f"line {n}", trace_id=trace_id) for n in range(100)]).SerializeToString()
    compressed = {"": body, "gzip": gzip.compress(body), "zstd": zstd.compress(body)}[encoding]
    answer = post(shared_server, compressed, PROTOBUF, encoding)
    assert (answer.status_code, answer.content) == (200, b"")
    assert bodies_of(shared_server, trace_id) == sorted(f"line {n}" for n in range(100))


LEGACY_LOGS: dict[str, Any] = {
    "instrumentationLibrary": {"name": "legacy-audit", "version": "0.9"},
    "logs": [
        {
            "timeUnixNano": "1767225600000000001",
            "body": {"stringValue": "signed in"},
            "name": "sign-in",
            "attributes": [
                {"key": "audit.actor.id", "value": {"stringValue": "dora"}},
                {"key": "audit.action", "value": {"stringValue": "login"}},
                {"key": "audit.outcome", "value": {"stringValue": "failure"}},
            ],
        }
    ],
}


def legacy_request(trace_id: str, encoding: str) -> bytes:
    """One record under the names, or the number, of before OTLP 0.15."""
    [record] = LEGACY_LOGS["logs"]
    logs = {**LEGACY_LOGS, "logs": [{**record, "traceId": trace_id}]}
    if encoding == "json":
        return json.dumps({"resourceLogs": [{"instrumentationLibraryLogs": [logs]}]}).encode()
    today = {"scope": LEGACY_LOGS["instrumentationLibrary"], "logRecords": [{**record, "traceId": trace_id}]}
    message = ExportLogsServiceRequest.FromString(
        request_from_json(json.dumps({"resourceLogs": [{"scopeLogs": [today]}]}).encode())
    )
    content = message.resource_logs[0].scope_logs[0].SerializeToString()
    return delimited(1, delimited(1000, content))


@pytest.mark.parametrize("way", ["json", "protobuf", "grpc"])
def test_records_under_the_names_of_before_otlp_0_15_are_stored(shared_server: LognotaryServer, way: str) -> None:
    trace_id = new_trace_id()
    body = legacy_request(trace_id, way)
    if way == "grpc":
        export(shared_server, body)
    else:
        answer = post(shared_server, body, JSON if way == "json" else PROTOBUF)
        assert answer.status_code == 200
    (entry,) = trace_of(shared_server, trace_id).entries
    event = entry.audit_event
    assert (event.audit.actor_id, event.audit.action, event.audit.outcome) == ("dora", "login", "failure")
    assert (event.scope_name, event.scope_version, event.body) == ("legacy-audit", "0.9", "signed in")
    assert event.evidence.state == VERIFIED


def test_an_empty_request_is_ok(shared_server: LognotaryServer) -> None:
    with grpc.insecure_channel(shared_server.otlp_grpc) as channel:
        answer = LogsServiceStub(channel).Export(ExportLogsServiceRequest(), timeout=60.0)
    assert answer == ExportLogsServiceResponse()
    for body, headers, expected in ((b"", PROTOBUF, b""), (b"{}", JSON, b"{}")):
        response = post(shared_server, body, headers)
        assert (response.status_code, response.content) == (200, expected)


def test_everything_that_was_accepted_verifies(shared_server: LognotaryServer) -> None:
    send(shared_server.otlp_grpc, log_record("so that there is something"))
    findings, summary = shared_server.verify()
    assert findings == []
    assert summary.records > 0
