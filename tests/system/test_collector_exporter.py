"""A Collector whose own exporter writes to Lognotary's tables, beside the records that Lognotary receives."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.collector_binary import clickhouse_collector
from harness.clickhouse_node import ClickHouseNode
from harness.collector import Collector
from harness.collector_binaries import CollectorUnavailableError
from harness.free_port import free_port
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer, kinds
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from lognotary.v1.correlation_pb2 import FindTracesRequest, GetTraceRequest, SearchRequest
from lognotary.v1.evidence_pb2 import UNSIGNED, VERIFIED


@pytest.fixture(scope="module")
def binary() -> Path:
    """The Collector with clickhouseexporter; a skip with the reason if it cannot be built."""
    try:
        return clickhouse_collector()
    except CollectorUnavailableError as error:
        lacking(f"no Collector with clickhouseexporter: {error}")


@pytest.fixture(params=["audit,operational,spans", "audit"])
def server(
    request: pytest.FixtureRequest, clickhouse_node: ClickHouseNode, tmp_path: Path
) -> Iterator[LognotaryServer]:
    url = f"{clickhouse_node.url}/exporter_{uuid.uuid4().hex[:8]}"
    with LognotaryServer(url, tmp_path / "data", batch_age=0.02, signed_streams=request.param) as running:
        yield running


def configuration(node: ClickHouseNode, database: str, port: int) -> dict[str, object]:
    """Return a configuration in which the exporter finds its tables and makes none."""
    pipeline = {"receivers": ["otlp"], "exporters": ["clickhouse"]}
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {
            "clickhouse": {
                "endpoint": f"tcp://127.0.0.1:{node.tcp_port}?dial_timeout=10s",
                "database": database,
                "create_schema": False,
                "timeout": "30s",
                "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
            }
        },
        "service": {"pipelines": {"logs": pipeline, "traces": pipeline}},
    }


def spans_of(trace_id: str, now: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "checkout"
    spans = resource_spans.scope_spans.add().spans
    for number in range(3):
        spans.add(
            trace_id=bytes.fromhex(trace_id),
            span_id=(number + 1).to_bytes(8, "big"),
            parent_span_id=number.to_bytes(8, "big") if number else b"",
            name=f"step {number}",
            kind=Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=now,
            end_time_unix_nano=now + 1000,
            events=[Span.Event(name="retry", time_unix_nano=now + 5)],
            links=[Span.Link(trace_id=bytes(15) + b"\x01", span_id=bytes(7) + b"\x01")],
            status=Status(code=Status.STATUS_CODE_ERROR, message="out of stock"),
        )
    return request


def test_what_the_exporter_writes_is_shown_without_evidence_beside_what_is_signed(
    server: LognotaryServer, clickhouse_node: ClickHouseNode, binary: Path, tmp_path: Path
) -> None:
    trace_id, now, port = uuid.uuid4().hex, time.time_ns(), free_port()
    database = server.storage_url.rpartition("/")[2]
    is_signed = "operational" not in server.cli("status").stdout.partition("not signed")[2].partition("\n")[0]
    event = {"audit_actor_id": "eve", "audit_action": "pay", "audit_outcome": "success"}
    send(server.otlp_grpc, log_record("paid", trace_id=trace_id, timestamp=now, **event))
    with Collector(configuration(clickhouse_node, database, port), tmp_path / "collector", binary=binary) as collector:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            TraceServiceStub(channel).Export(spans_of(trace_id, now))
        send(f"127.0.0.1:{port}", log_record("by the exporter", trace_id=trace_id, timestamp=now))

        def count(table: str) -> str:
            return clickhouse_node.query(f"SELECT count() FROM {database}.{table} WHERE TraceId = '{trace_id}'")

        wait_for(lambda: (count("otel_traces"), count("otel_logs")) == ("3", "1"))
        assert "error" not in collector.log_text().lower(), collector.log_tail()
    times = clickhouse_node.query(
        f"SELECT min(Start), max(End) FROM {database}.otel_traces_trace_id_ts WHERE TraceId = '{trace_id}' "
        "HAVING count() > 0"
    )
    assert times, "the view notes the times of a trace, whoever wrote its spans"

    with server.correlation() as api:
        trace = api.GetTrace(GetTraceRequest(trace_id=trace_id))
        found = api.Search(SearchRequest(query=f"trace:{trace_id}", streams=["spans"]))
        matching = api.FindTraces(FindTracesRequest(query="service:checkout", streams=["spans"]))
    assert [match.trace_id for match in matching.traces] == [trace_id]
    assert (trace.audit_event_count, trace.log_count, trace.span_count) == (1, 1, 3)
    spans = [entry.span for entry in trace.entries if entry.HasField("span")]
    assert [span.name for span in spans] == ["step 0", "step 1", "step 2"]
    assert [event.name for event in spans[0].events] == ["retry"]
    assert len(spans[0].links) == 1
    assert sorted(entry.span.name for entry in found.entries) == ["step 0", "step 1", "step 2"]
    (log,) = (entry.log for entry in trace.entries if entry.HasField("log"))
    assert (log.evidence.state, log.evidence.is_expected) == (UNSIGNED, not is_signed)
    (audit,) = (entry.audit_event for entry in trace.entries if entry.HasField("audit_event"))
    assert audit.evidence.state == VERIFIED
    assert {span.HasField("evidence") for span in spans} == {not is_signed}
    shown = server.cli("trace", trace_id)
    assert "step 2" in shown.stdout
    assert shown.returncode == (1 if is_signed else 0), shown.stdout

    # Spans of an exporter are not a finding; its logs are, if Lognotary signs logs, since their origin is unknown.
    findings, summary = server.verify()
    assert kinds(findings) == ({"RECORDS_UNSIGNED"} if is_signed else set())
    assert summary.records == 1
