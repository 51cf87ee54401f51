"""API calls that storage does not answer: they delay neither senders, nor readiness, nor the writer's lease."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, request_of, send
from harness.waiting import wait_for
from lognotary.v1.correlation_pb2 import GetTraceRequest
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from storage.clickhouse import connect
from storage.rowbinary import int64, read_rows
from storage.url import parse_storage_url
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
QUERY = "WHERE TraceId = "  # stands in what GetTrace asks of storage, and in nothing that the writer does
HEARTBEAT = "INSERT INTO log_statements"
CALLS = 12  # more than any pool of few threads
SECONDS = 60.0  # that a sender waits


def large_request() -> bytes:
    """A request that is still above 16 KiB when it is compressed."""
    return request_of([log_record(os.urandom(48 << 10).hex())]).SerializeToString()


def test_api_calls_and_heartbeats_that_hang_delay_neither_senders_nor_readiness_nor_the_lease(
    clickhouse_server: ClickHouseServer, clickhouse_storage: str, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Proxy(clickhouse_server.url))
        server = LognotaryServer(
            proxy.url + urlsplit(clickhouse_storage).path, tmp_path / "data", batch_age=0.02, heartbeat=1
        )
        stack.enter_context(server)
        engine = stack.enter_context(contextlib.closing(connect(parse_storage_url(clickhouse_storage))))

        def renewed_at() -> int:
            rows = engine.query("SELECT toUnixTimestamp64Milli(max(SeenAt)) FROM log_writers")
            ((time,),) = read_rows(rows, (int64,))
            assert isinstance(time, int)
            return time

        send(server.otlp_grpc, log_record("first", trace_id=TRACE))
        troubles = [proxy.begin(Trouble(Way.HOLD, where)) for where in (HEARTBEAT, QUERY)]
        wait_for(lambda: proxy.hits[Way.HOLD] == 1)  # a heartbeat: they are stated one after the other
        channel = stack.enter_context(grpc.insecure_channel(server.api_grpc))
        api = CorrelationServiceStub(channel)
        calls = [api.GetTrace.future(GetTraceRequest(trace_id=TRACE)) for _ in range(CALLS)]
        wait_for(lambda: proxy.hits[Way.HOLD] >= 1 + 4)  # connections of the API

        exports = stack.enter_context(grpc.insecure_channel(server.otlp_grpc))
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = exports.unary_unary(
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        )
        for _ in range(3):
            export(large_request(), compression=grpc.Compression.Gzip, timeout=SECONDS)
        for _ in range(2):
            before = renewed_at()
            wait_for(lambda: renewed_at() > before)  # noqa: B023 - called in this turn only
        ready = httpx.get(f"{server.http}/readyz", timeout=SECONDS)
        assert (ready.status_code, ready.text) == (200, "ok\n")
        # None was answered: one that waited too long for a thread was refused, one whose statement did was given up.
        ended = {call.code() for call in calls if call.done()}
        assert ended <= {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
        for call in calls:
            call.cancel()
        for number in troubles:
            proxy.end(number)
        assert server.stop() == 0
