"""Real OpenTelemetry Collectors in front of the server, as most users have them."""

from __future__ import annotations

import contextlib
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from harness.collector import Collector
from harness.collector_binaries import (
    CollectorUnavailableError,
    built_collector,
    packaged_collector,
    telemetrygen,
)
from harness.free_port import free_port
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer
from harness.waiting import wait_for
from lognotary.v1.correlation_pb2 import GetTraceRequest, Record, SearchAuditEventsRequest, TimelineEntry
from lognotary.v1.evidence_pb2 import VERIFIED

LINES = 200


def obtained(get: Callable[[], Path]) -> Path:
    """Return the result of ``get``; if the program is unavailable, fail in CI and skip with the reason elsewhere."""
    try:
        return get()
    except CollectorUnavailableError as error:
        lacking(str(error))


@pytest.fixture(scope="module")
def go_collector() -> Path:
    """The Collector that is built with Go, which takes a minute or two the first time."""
    return obtained(built_collector)


def audit_events(server: LognotaryServer, actor: str) -> list[Record]:
    with server.correlation() as api:
        return list(api.SearchAuditEvents(SearchAuditEventsRequest(actor_id=actor, page_size=1000)).events)


def filelog(directory: Path, actor: str) -> Mapping[str, object]:
    """A receiver that reads ``app.log`` in a directory; its lines are audit events of an actor."""
    return {
        "include": [str(directory / "app.log")],
        "start_at": "beginning",
        "poll_interval": "50ms",
        "attributes": {"audit.actor.id": actor, "audit.action": "read"},
        "resource": {"service.name": "from-file"},
    }


def check_lines(server: LognotaryServer, actor: str) -> None:
    """Wait for the lines of ``write_lines``; each is there once and verified."""
    # Records are found before the row of their batch is stored, which takes a while on a busy machine.
    wait_for(lambda: sum(event.evidence.state == VERIFIED for event in audit_events(server, actor)) >= LINES)
    events = audit_events(server, actor)
    assert sorted(event.body for event in events) == sorted(f"line {n} ✔" for n in range(LINES))
    assert {event.evidence.state for event in events} == {VERIFIED}
    assert {event.service_name for event in events} == {"from-file"}
    assert {event.log_attributes["log.file.name"] for event in events} == {"app.log"}


def write_lines(directory: Path) -> None:
    with (directory / "app.log").open("a") as log:
        log.writelines(f"line {n} ✔\n" for n in range(LINES))


def test_a_collector_from_pypi_reads_files_and_sends_them_over_http(
    shared_server: LognotaryServer, tmp_path: Path
) -> None:
    actor = uuid.uuid4().hex
    config = {
        "receivers": {"filelog": filelog(tmp_path, actor)},
        "processors": {"batch": {"timeout": "50ms"}},
        "exporters": {"otlphttp": {"endpoint": shared_server.otlp_http}},
        "service": {
            "pipelines": {"logs": {"receivers": ["filelog"], "processors": ["batch"], "exporters": ["otlphttp"]}}
        },
    }
    write_lines(tmp_path)
    with Collector(config, tmp_path / "collector", binary=obtained(packaged_collector)):
        check_lines(shared_server, actor)


def grpc_config(server: LognotaryServer, receivers: Mapping[str, object]) -> Mapping[str, object]:
    """Receivers before the OTLP/gRPC exporter, which compresses with gzip."""
    return {
        "receivers": receivers,
        "processors": {"batch": {"timeout": "50ms"}},
        "exporters": {"otlp": {"endpoint": server.otlp_grpc, "compression": "gzip", "tls": {"insecure": True}}},
        "service": {
            "pipelines": {"logs": {"receivers": list(receivers), "processors": ["batch"], "exporters": ["otlp"]}}
        },
    }


def test_a_collector_built_with_go_reads_files_and_sends_them_over_grpc(
    shared_server: LognotaryServer, tmp_path: Path, go_collector: Path
) -> None:
    actor = uuid.uuid4().hex
    write_lines(tmp_path)
    config = grpc_config(shared_server, {"filelog": filelog(tmp_path, actor)})
    with Collector(config, tmp_path / "collector", binary=go_collector):
        check_lines(shared_server, actor)


def test_what_telemetrygen_sends_through_a_collector_is_kept(
    shared_server: LognotaryServer, tmp_path: Path, go_collector: Path
) -> None:
    actor, trace_id = uuid.uuid4().hex, uuid.uuid4().hex
    address = f"127.0.0.1:{free_port()}"
    config = grpc_config(shared_server, {"otlp": {"protocols": {"grpc": {"endpoint": address}}}})
    generate = [
        str(obtained(telemetrygen)),
        "logs",
        "--otlp-insecure",
        f"--otlp-endpoint={address}",
        f"--logs={LINES // 2}",
        "--workers=2",
        "--rate=0",
        "--body=generated",
        "--service=generator",
        f"--trace-id={trace_id}",
        f'--telemetry-attributes=audit.actor.id="{actor}"',
        '--telemetry-attributes=audit.action="generate"',
    ]
    with Collector(config, tmp_path / "collector", binary=go_collector):
        subprocess.run(generate, check=True, capture_output=True, timeout=120)
        wait_for(lambda: len(audit_events(shared_server, actor)) >= LINES)
    events = audit_events(shared_server, actor)
    assert len(events) == LINES
    assert {(event.body, event.service_name, event.trace_id) for event in events} == {
        ("generated", "generator", trace_id)
    }
    assert {event.evidence.state for event in events} == {VERIFIED}
    shown = shared_server.cli("trace", trace_id)
    assert shown.returncode == 0
    assert f"{LINES} audit events, 0 logs" in shown.stdout


def both_pipelines(server: LognotaryServer, address: str) -> Mapping[str, object]:
    """A Collector that passes logs and traces on to one endpoint."""
    config = grpc_config(server, {"otlp": {"protocols": {"grpc": {"endpoint": address}}}})
    pipeline = {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["otlp"]}
    return {**config, "service": {"pipelines": {"logs": pipeline, "traces": pipeline}}}


def test_logs_and_traces_of_a_collector_come_to_one_endpoint(
    shared_server: LognotaryServer, tmp_path: Path, go_collector: Path
) -> None:
    trace_id, address = uuid.uuid4().hex, f"127.0.0.1:{free_port()}"
    config = both_pipelines(shared_server, address)
    logs, traces = ExportLogsServiceRequest(), ExportTraceServiceRequest()
    for number in range(LINES):
        span_id = (number + 1).to_bytes(8, "big")
        traces.resource_spans.add().scope_spans.add().spans.add(
            trace_id=bytes.fromhex(trace_id), span_id=span_id, name=f"step {number}", start_time_unix_nano=number + 1
        )
        record = (
            logs.resource_logs.add()
            .scope_logs.add()
            .log_records.add(trace_id=bytes.fromhex(trace_id), span_id=span_id, time_unix_nano=number + 1)
        )
        record.body.string_value = f"line {number}"

    def entries() -> list[TimelineEntry]:
        with shared_server.correlation() as api, contextlib.suppress(grpc.RpcError):  # not found, at first
            return list(api.GetTrace(GetTraceRequest(trace_id=trace_id)).entries)
        return []

    with Collector(config, tmp_path / "collector", binary=go_collector):
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)
            TraceServiceStub(channel).Export(traces)
            LogsServiceStub(channel).Export(logs)
        wait_for(lambda: len(entries()) >= 2 * LINES)
    found = entries()
    spans = [entry.span for entry in found if entry.HasField("span")]
    records = [entry.log for entry in found if entry.HasField("log")]
    assert sorted(span.name for span in spans) == sorted(f"step {number}" for number in range(LINES))
    assert sorted(record.body for record in records) == sorted(f"line {number}" for number in range(LINES))
    wait_for(lambda: {(e.span if e.HasField("span") else e.log).evidence.state for e in entries()} == {VERIFIED})


def test_a_collector_tries_again_until_the_server_is_back(
    lognotary: LognotaryServer, tmp_path: Path, go_collector: Path
) -> None:
    """Its queue outlives the server's absence, and nothing comes twice after an orderly stop."""
    actor = uuid.uuid4().hex
    port = free_port()
    server = LognotaryServer(lognotary.storage_url, lognotary.data_dir, otlp_grpc=f"127.0.0.1:{port}", batch_age=0.02)
    with server:
        config = grpc_config(server, {"filelog": filelog(tmp_path, actor)})
        assert server.stop() == 0
        with Collector(config, tmp_path / "collector", binary=go_collector) as collector:
            write_lines(tmp_path)
            wait_for(lambda: "Will retry" in collector.log_text())
            server.start()
            check_lines(server, actor)
