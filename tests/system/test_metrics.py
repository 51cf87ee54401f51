"""The metrics of a running server, held against the table in the docs and against Prometheus' rules for names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send

PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
# A unit at the end, or a word that says that it is a number of things (Prometheus, "Metric and label naming").
ENDINGS = ("_total", "_seconds", "_bytes", "_info")
COUNTS = {"ready", "requests_in_flight", "request_bytes_held", "connections", "batch_records", "journal_batches"} | {
    "logs",
    "logs_refusing",
    *("log_entries", "key_change_pending", "self_verification_findings", "self_verification_behind"),
    *("self_verification_unrecorded_findings", "audit_rules_reload_failed", "audit_claims_open", "access_log_waiting"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    directory = tmp_path_factory.mktemp("metrics")
    with LognotaryServer(
        f"chdb://{directory / 'chdb'}", directory / "data", batch_age=0.02, self_verify="12h"
    ) as running:
        yield running


def exposed(server: LognotaryServer) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the samples by the name of the series and its labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{server.http}/metrics", timeout=60.0).text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def documented() -> dict[str, set[str]]:
    """Return the metrics in the table, and the labels of each."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Metrics\n")[2]
    rows = re.findall(r"^\| (`lognotary_.*?) \| (.*?) ?\| .* \|$", section, re.MULTILINE)
    return {
        name: set(re.findall(r"`(\w+)`", labels)) for names, labels in rows for name in re.findall(r"`(\w+)`", names)
    }


def without_suffix(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name)


def test_the_table_has_exactly_the_metrics_and_labels_that_a_server_exposes(server: LognotaryServer) -> None:
    send(server.otlp_grpc, log_record("of the default tenant"))  # tenants have metrics once they have sent something
    labels: dict[str, set[str]] = {}
    for name, series in exposed(server).items():
        if name.startswith("lognotary_"):
            found = {label for pairs in series for label, _ in pairs} - {"le"}
            labels.setdefault(without_suffix(name), set()).update(found)
    assert labels | {"lognotary_tls_certificate_not_after_seconds": {"port"}} == documented()  # that with TLS only


def test_names_end_with_a_unit_or_say_what_they_count(server: LognotaryServer) -> None:
    names = {without_suffix(name) for name in exposed(server) if name.startswith("lognotary_")}
    assert {name for name in names if not name.endswith(ENDINGS)} == {f"lognotary_{name}" for name in COUNTS}


def export(channel: grpc.Channel, signal: str) -> None:
    method = f"/opentelemetry.proto.collector.{signal}.v1.{signal.title()}Service/Export"
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    call(b"", timeout=60)


def test_what_happens_is_counted(server: LognotaryServer) -> None:
    before = exposed(server)
    send(server.otlp_grpc, log_record("a line"))
    assert httpx.post(f"{server.otlp_http}/v1/metrics", timeout=60.0).status_code == 404
    with grpc.insecure_channel(server.otlp_grpc) as channel, pytest.raises(grpc.RpcError):
        export(channel, "metrics")
    with httpx.Client(base_url=server.http, timeout=60.0) as client:
        assert client.get("/api/v1/logs").status_code == 200
        after = exposed(server)

    def increase(name: str, **labels: str) -> float:
        series = tuple(sorted(labels.items()))
        return after[name][series] - before[name][series]

    assert increase("lognotary_requests_total", outcome="ok", protocol="grpc", service="logs") == 1
    assert increase("lognotary_requests_total", outcome="not_served", protocol="http", service="metrics") == 1
    assert increase("lognotary_requests_total", outcome="not_served", protocol="grpc", service="metrics") == 1
    assert increase("lognotary_request_duration_seconds_count", protocol="grpc") == 1
    assert increase("lognotary_storage_duration_seconds_count", operation="insert") >= 3
    assert increase("lognotary_api_duration_seconds_count", protocol="http", call="/api/v1/logs") == 1
    assert increase("lognotary_signatures_total", stream="operational") >= 1
    assert after["lognotary_connections"][("port", "http"),] >= 1
    assert after["lognotary_journal_disk_free_bytes"][("stream", "audit"),] > 0
    (build,) = after["lognotary_build_info"]
    assert dict(build).keys() == {"version", "python", "codec"}


def test_the_ports_of_the_api_say_where_logs_go_and_count_what_they_refuse(server: LognotaryServer) -> None:
    before = exposed(server)["lognotary_requests_total"]
    http = server.otlp_http.removeprefix("http://")
    places = f"logs and traces go to {server.otlp_grpc} (OTLP over gRPC) or {http} (OTLP over"
    with grpc.insecure_channel(server.api_grpc) as channel:
        for signal in ("logs", "metrics"):
            with pytest.raises(grpc.RpcError) as caught:
                export(channel, signal)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
            assert "this port serves the API" in (caught.value.details() or "")
            assert places in (caught.value.details() or "")
    with httpx.Client(base_url=server.http, timeout=60.0) as client:
        for path in ("/foo", "/v1/logs", "/api/v1/foo"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert answer.text.startswith("404: this port serves the API")
            assert places in answer.text
        assert client.post("/api/v1/logs").status_code == 405
        assert set(client.post("/api/v1/logs").headers["Allow"].split(", ")) == {"GET", "HEAD"}
    after = exposed(server)["lognotary_requests_total"]
    for protocol, service, number in (("grpc", "logs", 1), ("grpc", "metrics", 1), ("http", "logs", 1)):
        labels = (("outcome", "not_served"), ("protocol", protocol), ("service", service))
        assert after[labels] - before[labels] == number
    labels = (("outcome", "not_served"), ("protocol", "http"), ("service", "other"))
    assert after[labels] - before[labels] == 4
    [line] = (line for line in server.log_text().splitlines() if "over grpc" in line and "takes no logs" in line)
    assert re.search(r"a request of \S+:\d+ over grpc was refused for good: this port serves the API", line)
