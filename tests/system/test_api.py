"""The API of a running server, over gRPC and over HTTP."""

from __future__ import annotations

import uuid

import grpc
import httpx
import pytest
from google.protobuf.json_format import Parse
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2 import (
    GetTraceRequest,
    GetTraceResponse,
    SearchAuditEventsRequest,
    SearchAuditEventsResponse,
)
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.evidence_pb2 import VerifyRequest, VerifyResponse
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from storage.clickhouse import connect
from storage.url import parse_storage_url
from tests.system.calls import error_of

SECOND = 10**9
SERVICES = ("lognotary.v1.CorrelationService", "lognotary.v1.EvidenceService")


def test_health_says_that_all_services_serve(shared_server: LognotaryServer) -> None:
    with grpc.insecure_channel(shared_server.api_grpc) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        code, _ = error_of(lambda: health.Check(health_pb2.HealthCheckRequest(service="lognotary.v1.Other")))
    assert code is grpc.StatusCode.NOT_FOUND


def test_reflection_describes_the_api(shared_server: LognotaryServer) -> None:
    with grpc.insecure_channel(shared_server.api_grpc) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert {*SERVICES, "grpc.health.v1.Health"} <= set(database.get_services())
        described = database.FindFileContainingSymbol("lognotary.v1.CorrelationService")
    (service,) = described.service
    assert {"GetTrace", "SearchAuditEvents"} <= {method.name for method in service.method}


def test_health_over_http(shared_server: LognotaryServer) -> None:
    for path in ("/healthz", "/readyz"):
        answer = httpx.get(shared_server.http + path, timeout=60.0)
        assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize("wrong", ["", "4bf92f", "g" * 32, "0" * 32, "1" * 33, "' OR 1=1 --"])
def test_what_is_no_trace_id_is_refused_with_advice(api: CorrelationServiceStub, wrong: str) -> None:
    code, message = error_of(lambda: api.GetTrace(GetTraceRequest(trace_id=wrong)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "32 hexadecimal digits" in message
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in message


def test_an_unknown_trace_is_not_found(shared_server: LognotaryServer, api: CorrelationServiceStub) -> None:
    trace_id = uuid.uuid4().hex
    code, message = error_of(lambda: api.GetTrace(GetTraceRequest(trace_id=trace_id)))
    assert code is grpc.StatusCode.NOT_FOUND
    assert trace_id in message
    answer = httpx.get(f"{shared_server.http}/api/v1/traces/{trace_id}", timeout=60.0)
    assert (answer.status_code, answer.json()) == (404, {"code": "NOT_FOUND", "message": message})


def test_trace_ids_are_found_in_any_case(shared_server: LognotaryServer, api: CorrelationServiceStub) -> None:
    trace_id = uuid.uuid4().hex
    send(shared_server.otlp_grpc, log_record("here", trace_id=trace_id))
    answer = api.GetTrace(GetTraceRequest(trace_id=f" {trace_id.upper()} "))
    assert answer.trace_id == trace_id
    assert [entry.log.body for entry in answer.entries] == ["here"]


def test_a_trace_with_more_entries_than_the_limit_says_so(
    shared_server: LognotaryServer, api: CorrelationServiceStub
) -> None:
    trace_id = uuid.uuid4().hex
    start = 1_000_000_000 * SECOND
    records = [log_record(str(n), trace_id=trace_id, timestamp=start + n) for n in range(20)]
    send(shared_server.otlp_grpc, *reversed(records))
    part = api.GetTrace(GetTraceRequest(trace_id=trace_id, limit=7))
    assert ([entry.log.body for entry in part.entries], part.truncated) == ([str(n) for n in range(7)], True)
    whole = api.GetTrace(GetTraceRequest(trace_id=trace_id, limit=20))
    assert ([entry.log.body for entry in whole.entries], whole.truncated) == (
        [str(n) for n in range(20)],
        False,
    )


def test_http_answers_what_grpc_answers(shared_server: LognotaryServer, api: CorrelationServiceStub) -> None:
    trace_id = uuid.uuid4().hex
    send(
        shared_server.otlp_grpc,
        log_record("zwölf \x00 \ufffd </script>", trace_id=trace_id, some_key="1"),
        log_record("event", trace_id=trace_id, audit_actor_id=trace_id, audit_action="login"),
    )
    for check in ("CHECK_RECORDS", "CHECK_SIGNATURES"):
        answer = httpx.get(
            f"{shared_server.http}/api/v1/traces/{trace_id}", params={"check": check, "limit": 5}, timeout=60.0
        )
        assert answer.headers["content-type"] == "application/json"
        assert Parse(answer.text, GetTraceResponse()) == api.GetTrace(
            GetTraceRequest(trace_id=trace_id, check=check, limit=5)
        )
    first = httpx.get(
        f"{shared_server.http}/api/v1/audit-events",
        params={"pageSize": "1", "actor_id": trace_id},
        timeout=60.0,
    )
    assert Parse(first.text, SearchAuditEventsResponse()) == api.SearchAuditEvents(
        SearchAuditEventsRequest(page_size=1, actor_id=trace_id)
    )


def test_http_refuses_what_it_does_not_know_with_the_reason(shared_server: LognotaryServer) -> None:
    for path, parameters, word in (
        ("/api/v1/audit-events", {"actor": "x"}, "actor"),
        ("/api/v1/audit-events", {"page_size": "many"}, "page_size"),
        ("/api/v1/audit-events", {"since": "yesterday"}, "since"),
        ("/api/v1/traces/xyz", {}, "32 hexadecimal digits"),
    ):
        answer = httpx.get(shared_server.http + path, params=parameters, timeout=60.0)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
        assert word in answer.json()["message"]
    for body in (b"{", b"[]", b'{"since": 1}', b'{"publicKeys": ["no key"]}'):
        answer = httpx.post(f"{shared_server.http}/api/v1/verify", content=body, timeout=60.0)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert httpx.get(f"{shared_server.http}/nothing", timeout=60.0).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/verify", "POST"),
        ("GET", "/api/v1/complete-search", "POST"),
        ("POST", "/trace/1", "GET"),
        ("DELETE", "/api/v1/logs", "GET"),
        ("PUT", "/healthz", "GET"),
        ("POST", "/tlog/0123456789abcdef/checkpoint", "GET"),
    ],
)
def test_a_wrong_method_is_refused_with_the_right_one(
    shared_server: LognotaryServer, method: str, path: str, allowed: str
) -> None:
    answer = httpx.request(method, f"{shared_server.http}{path}", timeout=60.0)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == {allowed}
    assert answer.text.startswith(f"405: send requests for this path with {allowed}: ")


def test_no_answer_may_run_in_a_browser(shared_server: LognotaryServer) -> None:
    send(shared_server.otlp_grpc, log_record("<script>alert(1)</script>"))
    [log, *_] = httpx.get(f"{shared_server.http}/api/v1/logs", timeout=60.0).json()["logs"]
    calls = [
        *(("GET", f"/api/v1/{call}") for call in ("search?query=script", "export?query=script", "search?nothing=1")),
        *(("GET", path) for path in (f"/tlog/{log['logId']}/checkpoint", "/api/openapi.json", "/metrics", "/healthz")),
        *(("GET", path) for path in ("/login/whoami", f"/trace/{uuid.uuid4().hex}", "/nothing", "/assets/nothing.js")),
        ("POST", "/api/v1/verify"),
        ("DELETE", "/"),
    ]
    for method, path in calls:
        answer = httpx.request(method, f"{shared_server.http}{path}", timeout=60.0)
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'", path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["cross-origin-resource-policy"] == "same-origin", path


def test_under_a_foreign_name_there_are_pages_but_no_answers(shared_server: LognotaryServer) -> None:
    foreign = {"Host": "rebound.example", "Accept": "text/html"}
    for path in ("/", "/logs", "/actor/a%0Ab", f"/trace/{uuid.uuid4().hex}"):
        page = httpx.get(f"{shared_server.http}{path}", headers=foreign, timeout=60.0)
        assert page.status_code in (200, 501)  # 501 if the explorer was not built here
        assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "access-control-allow-origin" not in page.headers
        head = httpx.head(f"{shared_server.http}{path}", headers=foreign, timeout=60.0)
        assert (head.status_code, head.content) == (page.status_code, b"")
    for path in ("/api/v1/search", "/api/v1/logs", "/api/openapi.json"):
        assert httpx.get(f"{shared_server.http}{path}", headers=foreign, timeout=60.0).status_code == 403


def test_verify_over_http_ends_as_it_does_over_grpc(shared_server: LognotaryServer) -> None:
    send(shared_server.otlp_grpc, log_record("so that there is something"))
    with grpc.insecure_channel(shared_server.api_grpc) as channel:
        over_grpc = list(EvidenceServiceStub(channel).Verify(VerifyRequest()))
    answer = httpx.post(f"{shared_server.http}/api/v1/verify", timeout=60.0)
    over_http = [Parse(line, VerifyResponse()) for line in answer.text.splitlines()]
    assert answer.status_code == 200
    for verified in (over_http, over_grpc):
        verified[-1].summary.ClearField("lookups")  # of records drawn at random
    assert over_http[-1] == over_grpc[-1]
    assert over_http[-1].summary.findings == 0
    assert over_http[-1].summary.records > 0


SPANS = """
INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName,
    ResourceAttributes, ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage,
    Events.Timestamp, Events.Name, Events.Attributes, Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes)
VALUES
    (fromUnixTimestamp64Nano({first}), '{trace}', '00000000000000a1', '', '', 'POST /order', 'Server', 'web',
     map('service.name', 'web'), 'http', '1', map('http.request.method', 'POST'), 5000000, 'Error', 'out of stock',
     [fromUnixTimestamp64Nano({first})], ['exception'], [map('k', 'v')], [], [], [], []),
    (fromUnixTimestamp64Nano({last}), '{trace}', '00000000000000a2', '00000000000000a1', '', 'SELECT', 'Client',
     'web', map(), '', '', map(), 1000, 'Unset', '', [], [], [], ['{trace}'], ['00000000000000a1'], [''], [map()])
"""


def test_spans_that_the_collector_stored_stand_in_the_timeline(lognotary: LognotaryServer) -> None:
    trace_id = uuid.uuid4().hex
    first = 1_300_000_000 * SECOND + 1
    lognotary.start()
    send(lognotary.otlp_grpc, log_record("between", trace_id=trace_id, timestamp=first + 1))
    embedded = lognotary.storage_url.startswith("chdb:")
    if embedded:
        assert lognotary.stop() == 0
    engine = connect(parse_storage_url(lognotary.storage_url))
    engine.execute(SPANS.format(trace=trace_id, first=first, last=first + 2))
    engine.close()
    if embedded:
        lognotary.start()
    with lognotary.correlation() as api:
        entries = api.GetTrace(GetTraceRequest(trace_id=trace_id)).entries
    assert [entry.WhichOneof("entry") for entry in entries] == ["span", "log", "span"]
    span = entries[0].span
    assert (span.name, span.kind, span.service_name, span.span_id) == (
        "POST /order",
        "Server",
        "web",
        "00000000000000a1",
    )
    assert (span.duration_nanos, span.status_code, span.status_message) == (5000000, "Error", "out of stock")
    assert span.timestamp.ToNanoseconds() == first
    assert dict(span.attributes) == {"http.request.method": "POST"}
    assert entries[2].span.parent_span_id == "00000000000000a1"
    shown = lognotary.cli("trace", trace_id)
    assert shown.returncode == 0
    assert "1 log, 2 spans" in shown.stdout
    assert "POST /order (5.00 ms) Error: out of stock" in shown.stdout
