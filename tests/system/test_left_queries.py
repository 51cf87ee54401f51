"""Queries whose caller disconnects: ClickHouse cancels them too, and their thread and place are free again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2, status_pb2

from harness.clickhouse_node import ClickHouseNode
from harness.clickhouse_source import ServerUnavailableError
from harness.clickhouse_users import url_of_user
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.waiting import PATIENCE, wait_for
from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import counts_pb2, export_pb2
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.evidence_pb2 import ListLogsRequest
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub

DATABASE = "lognotary"
TIMEOUT_EXCEEDED = 159
TRACE = "0af7651916cd43dd8448eb211c80319c"
# Statements of answers are those with limits.
_STATEMENT = "(SELECT any(query) FROM system.processes WHERE query_id = queryID())"
_ENDLESS = "SELECT count() FROM numbers(1900000000) WHERE startsWith(SHA256(toString(number)), 'x')"
_SLOW = f"({_ENDLESS} AND {_STATEMENT} LIKE '%max_rows_to_read%') != 1"
_RUNNING = "FROM system.processes WHERE query LIKE '%max_rows_to_read%' AND user = 'slow'"

GRPC: dict[str, Any] = {
    "GetTrace": pb.GetTraceRequest(trace_id=TRACE),
    "Search": pb.SearchRequest(),
    "SearchAuditEvents": pb.SearchAuditEventsRequest(),
    "Histogram": counts_pb2.HistogramRequest(),
    "Facets": counts_pb2.FacetsRequest(fields=["actor"]),
    "FieldNames": counts_pb2.FieldNamesRequest(),
    "FindTraces": pb.FindTracesRequest(),
    "Neighbours": pb.NeighboursRequest(record_id="r1"),
    "ActorTimeline": pb.ActorTimelineRequest(actor_id="alice"),
    "TargetHistory": pb.TargetHistoryRequest(target_id="t1"),
    "Export": export_pb2.ExportRequest(),
}
HTTP = (
    f"traces/{TRACE}",
    "search",
    "audit-events",
    "histogram",
    "facets?fields=actor",
    "field-names",
    "traces",
    "neighbours?record_id=r1",
    "actors/alice",
    "targets/t1",
    "export",
)


@dataclass(frozen=True)
class Slow:
    """A server whose queries take minutes in ClickHouse."""

    server: LognotaryServer
    node: ClickHouseNode

    def runs(self) -> bool:
        return self.node.query(f"SELECT count() {_RUNNING}") != "0"

    def check_that_all_has_ended(self) -> None:
        """Wait until no query runs; check that no time limit ended them, and that a fast query gets a place."""
        wait_for(lambda: not self.runs())
        assert self.node.query(f"SELECT count() FROM system.errors WHERE code = {TIMEOUT_EXCEEDED}") == "0"
        with self.server.correlation() as api:
            api.Search(pb.SearchRequest(streams=["spans"]), timeout=PATIENCE)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    filters = "".join(f"<{table}><filter>{escape(_SLOW)}</filter></{table}>" for table in ("audit_logs", "otel_logs"))
    users = (
        "<slow><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>"
        f"<databases><{DATABASE}>{filters}</{DATABASE}></databases></slow>"
    )
    directory = tmp_path_factory.mktemp("slow")
    try:
        with ClickHouseNode(directory / "node", users=users) as node:
            url = url_of_user(node.url, "slow", DATABASE)
            with LognotaryServer(url, directory / "data", batch_age=0.02, self_verify="off") as server:
                values: dict[str, Any] = {
                    "audit_record_id": "r1",
                    "audit_actor_id": "alice",
                    "audit_action": "x",
                    "audit_target_id": "t1",
                }
                event = log_record("event", trace_id=TRACE, log_type="audit", **values)
                send(server.otlp_grpc, event, log_record("log", trace_id=TRACE))
                yield Slow(server, node)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server of the tests' own: {error}")


@pytest.mark.parametrize("name", GRPC)
def test_a_query_ends_everywhere_when_its_caller_cancels_it(slow: Slow, name: str) -> None:
    with grpc.insecure_channel(slow.server.api_grpc) as channel:
        method = getattr(CorrelationServiceStub(channel), name)
        call = method(GRPC[name]) if name == "Export" else method.future(GRPC[name])
        wait_for(lambda: slow.runs() or call.done())
        assert not call.done(), call.exception()
        call.cancel()
    slow.check_that_all_has_ended()


def test_a_query_ends_everywhere_at_its_callers_deadline(slow: Slow) -> None:
    with grpc.insecure_channel(slow.server.api_grpc) as channel, pytest.raises(grpc.RpcError) as caught:
        CorrelationServiceStub(channel).Search(pb.SearchRequest(), timeout=1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    slow.check_that_all_has_ended()


@pytest.mark.parametrize("path", HTTP)
def test_a_query_ends_everywhere_when_its_http_client_has_gone(slow: Slow, path: str) -> None:
    address = urlsplit(slow.server.http)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_for(slow.runs)
    slow.check_that_all_has_ended()


def test_others_are_answered_while_one_caller_asks_without_end(slow: Slow) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with grpc.insecure_channel(slow.server.api_grpc) as channel, httpx.Client(transport=elsewhere) as other:
        stub = CorrelationServiceStub(channel)
        calls = [stub.Search.future(pb.SearchRequest()) for _ in range(80)]
        wait_for(lambda: any(call.done() for call in calls))  # as many run and wait as may
        refused = next(call for call in calls if call.done())
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "queries wait for the server already: try again later" in refused.details()
        trailers = dict(refused.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        retry = error_details_pb2.RetryInfo()
        assert status.details[0].Unpack(retry)
        assert retry.retry_delay.seconds == 1
        full = httpx.get(f"{slow.server.http}/api/v1/search", timeout=PATIENCE)
        assert (full.status_code, full.headers["retry-after"]) == (429, "1")
        assert full.json()["code"] == "RESOURCE_EXHAUSTED"
        for path in ("search?streams=spans", "status", "logs"):
            assert other.get(f"{slow.server.http}/api/v1/{path}", timeout=PATIENCE).status_code == 200
        assert len(EvidenceServiceStub(channel).ListLogs(ListLogsRequest(), timeout=PATIENCE).logs) >= 1
        send(slow.server.otlp_grpc, log_record("and records are stored"))
        assert slow.runs()
        for call in calls:
            call.cancel()
    slow.check_that_all_has_ended()


def test_calls_that_wait_for_a_place_leave_the_queue_with_their_caller(slow: Slow) -> None:
    with grpc.insecure_channel(slow.server.api_grpc) as channel:
        calls = [CorrelationServiceStub(channel).Search.future(pb.SearchRequest()) for _ in range(30)]
        wait_for(slow.runs)
        for call in calls:
            call.cancel()
    slow.check_that_all_has_ended()
