"""Ready means that a request is taken now: what /readyz and gRPC health say, held against what senders are told."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from harness.clickhouse_http import ClickHouseServer
from harness.free_port import free_port
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, own_connection, request_of, send
from harness.waiting import wait_for
from server.api.grpc_services import SERVICE_NAMES
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way

STARTS = 3
MANY = 16  # connections: enough that no worker goes without one for long
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Places:
    """Addresses of a server, known before it listens."""

    def __init__(self) -> None:
        self.flags: dict[str, Any] = {
            name: f"127.0.0.1:{free_port()}" for name in ("otlp_grpc", "otlp_http", "api_grpc", "http")
        }

    def readiness(self) -> int:
        """The status of /readyz, 0 while nothing listens there."""
        try:
            return httpx.get(f"http://{self.flags['http']}/readyz", timeout=60.0).status_code
        except httpx.TransportError:
            return 0

    def health(self) -> set[int]:
        """Return the gRPC health status of the server and of each of its services."""
        with own_connection(self.flags["api_grpc"]) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            return {
                stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=60, wait_for_ready=True).status
                for name in ("", *SERVICE_NAMES)
            }


def first_request_is_stored(server: LognotaryServer, places: Places, connections: int) -> None:
    """Start a server, and send as soon as it says that it is ready."""
    server.launch()
    deadline = time.monotonic() + 120
    while (status := places.readiness()) != 200:
        assert server.running, server.log_tail()
        assert status in (0, 503)
        assert time.monotonic() < deadline, server.log_tail()
    for number in range(connections):
        send(places.flags["otlp_grpc"], log_record(f"first {number}"), connect=own_connection)
    assert places.health() == {SERVING}
    server.wait_until_ready()
    assert server.stop() == 0


def test_the_first_request_after_readyz_says_ready_is_taken(storage_url: str, tmp_path: Path) -> None:
    places = Places()
    server = LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02, **places.flags)
    try:
        for _ in range(STARTS):
            first_request_is_stored(server, places, 1)
    finally:
        server.stop()


def test_with_workers_the_first_request_to_each_is_taken(clickhouse_storage: str, tmp_path: Path) -> None:
    places = Places()
    server = LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02, workers=2, **places.flags)
    try:
        for _ in range(STARTS):
            first_request_is_stored(server, places, MANY)
    finally:
        server.stop()


@contextlib.contextmanager
def held_commit(proxy: Proxy, address: str) -> Iterator[None]:
    """Have a request wait for its commit, so that a server that stops has something to wait for."""
    number = proxy.begin(Trouble(Way.HOLD, "INSERT INTO otel_logs"))
    with own_connection(address) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        )
        call = export.future(request_of([log_record("held")]).SerializeToString(), timeout=120)
        try:
            wait_for(lambda: proxy.hits[Way.HOLD])
            yield
        finally:
            call.cancel()
            proxy.end(number)


def is_refused(address: str) -> bool:
    """Return whether a request is refused because the server stops."""
    try:
        send(address, log_record("too late"), connect=own_connection)
    except grpc.RpcError as error:
        return error.code() is grpc.StatusCode.UNAVAILABLE and "shutting down" in (error.details() or "")
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_refuses_requests_because_it_stops_is_not_ready(
    clickhouse_server: ClickHouseServer, clickhouse_storage: str, tmp_path: Path, workers: int
) -> None:
    places = Places()
    with Proxy(clickhouse_server.url) as proxy:
        url = proxy.url + urlsplit(clickhouse_storage).path
        server = LognotaryServer(
            url, tmp_path / "data", batch_age=0.02, ack_timeout=120, workers=workers, **places.flags
        )
        with server, held_commit(proxy, places.flags["otlp_grpc"]):
            assert places.readiness() == 200
            os.kill(server.pid, signal.SIGTERM)
            wait_for(lambda: "shutting down" in server.log_text())
            wait_for(lambda: is_refused(places.flags["otlp_grpc"]))
            assert places.readiness() == 503
            assert places.health() == {NOT_SERVING}
