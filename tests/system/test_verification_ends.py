"""A verification ends when its caller has gone, and does not keep a server from stopping."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.signals import not_ignored
from harness.waiting import PATIENCE, wait_for
from lognotary.v1.evidence_pb2 import ListLogsRequest, VerifyRequest
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way
from tests.system.held import Held

QUERY = "FROM log_tiles"  # asked by verifications, and by nothing else that runs here
ENDED = "a verification ended early"
CALLS = 40  # as many as the API takes


@pytest.fixture
def held(clickhouse_server: ClickHouseServer, clickhouse_storage: str, tmp_path: Path) -> Iterator[Held]:
    with Proxy(clickhouse_server.url) as proxy:
        url = proxy.url + urlsplit(clickhouse_storage).path
        with LognotaryServer(url, tmp_path / "data", batch_age=0.02, self_verify="off", log_level="info") as server:
            send(server.otlp_grpc, log_record("a line"))
            proxy.begin(Trouble(Way.HOLD, QUERY))
            yield Held(server, proxy)
            assert server.stop() == 0
            assert "did not answer" not in server.log_text()  # nobody waited until it was given up


def test_verifications_that_are_cancelled_free_their_threads(held: Held) -> None:
    with grpc.insecure_channel(held.server.api_grpc) as channel:
        api = EvidenceServiceStub(channel)
        calls = [api.Verify(VerifyRequest()) for _ in range(CALLS)]
        wait_for(lambda: held.queries >= 4)  # the connections that reading has
        for call in calls:
            call.cancel()
        wait_for(lambda: ENDED in held.server.log_text())
        assert len(api.ListLogs(ListLogsRequest(), timeout=PATIENCE).logs) == 1


def test_a_verification_ends_when_its_http_client_has_gone(held: Held) -> None:
    address = urlsplit(held.server.http)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(b"POST /api/v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        wait_for(lambda: held.queries == 1)
        assert ENDED not in held.server.log_text()
    held.server.wait_for_log(ENDED)


def interrupted(held: Held, *arguments: str) -> int:
    """Run ``lognotary verify`` until it waits for storage, and interrupt it as Ctrl-C does; its exit status."""
    command = [sys.executable, "-m", "server", "verify", *arguments]
    with not_ignored(signal.SIGINT):
        process = subprocess.Popen(command, cwd=held.server.directory, stdout=subprocess.DEVNULL)
    with process:
        wait_for(lambda: held.queries == 1)
        process.send_signal(signal.SIGINT)
        return process.wait(PATIENCE)


def test_ctrl_c_ends_the_command_and_the_verification_on_the_server(held: Held) -> None:
    assert interrupted(held, "--api", held.server.api_grpc) == 130
    held.server.wait_for_log(ENDED)


def test_ctrl_c_ends_a_verification_of_storage(held: Held) -> None:
    arguments = ["--storage", held.server.storage_url, "--data-dir", str(held.server.data_dir)]
    assert interrupted(held, *arguments) == 130


def test_a_server_stops_while_verifications_run(held: Held) -> None:
    with grpc.insecure_channel(held.server.api_grpc) as channel:
        calls = [EvidenceServiceStub(channel).Verify(VerifyRequest()) for _ in range(CALLS)]
        wait_for(lambda: held.queries >= 4)
        assert held.server.stop() == 0
        assert ENDED in held.server.log_text()
        codes = set()
        for call in calls:
            with contextlib.suppress(grpc.RpcError):
                list(call)
            codes.add(call.code())
        assert grpc.StatusCode.OK not in codes


def test_a_server_stops_while_self_verification_waits_for_storage(
    clickhouse_server: ClickHouseServer, clickhouse_storage: str, tmp_path: Path
) -> None:
    with Proxy(clickhouse_server.url) as proxy:
        url = proxy.url + urlsplit(clickhouse_storage).path
        with LognotaryServer(url, tmp_path / "data", batch_age=0.02, self_verify="1h") as server:
            send(server.otlp_grpc, log_record("a line"))
            server.stop()
            proxy.begin(Trouble(Way.HOLD, "max_block_size = 8192"))  # only self-verification reads in small portions
            server.start()
            wait_for(lambda: proxy.hits[Way.HOLD])
            assert server.stop() == 0
            assert "self-verification" not in server.log_text()
