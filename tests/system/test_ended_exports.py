"""Exports that end early, and what exports take while they run."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.process_stats import resident
from harness.signals import not_ignored
from harness.waiting import PATIENCE, wait_for
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.evidence_pb2 import ListLogsRequest
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from lognotary.v1.export_pb2 import ExportRequest
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way
from tests.system.held import Held

QUERY = "exported_log"  # a parameter of exports, and of nothing else
ENDED = "an export ended early"


@pytest.fixture
def held(clickhouse_server: ClickHouseServer, clickhouse_storage: str, tmp_path: Path) -> Iterator[Held]:
    with Proxy(clickhouse_server.url) as proxy:
        url = proxy.url + urlsplit(clickhouse_storage).path
        of_queries: dict[str, Any] = {"query_concurrency": 2, "self_verify": "off", "log_level": "info"}
        with LognotaryServer(url, tmp_path / "data", batch_age=0.02, **of_queries) as server:
            send(server.otlp_grpc, log_record("a line"))
            proxy.begin(Trouble(Way.HOLD, QUERY))
            yield Held(server, proxy)
            assert server.stop() == 0


def test_exports_that_are_cancelled_free_their_threads(held: Held) -> None:
    with grpc.insecure_channel(held.server.api_grpc) as channel:
        calls = [CorrelationServiceStub(channel).Export(ExportRequest()) for _ in range(4)]
        wait_for(lambda: held.queries == 1)  # as many as one caller may have at the same time
        one_more = CorrelationServiceStub(channel).Export(ExportRequest())
        assert one_more.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "4 for you" in str(one_more.details())
        for call in calls:
            call.cancel()
        wait_for(lambda: ENDED in held.server.log_text())
        assert len(EvidenceServiceStub(channel).ListLogs(ListLogsRequest(), timeout=PATIENCE).logs) >= 1


def test_an_export_ends_when_its_http_client_has_gone(held: Held) -> None:
    address = urlsplit(held.server.http)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(b"GET /api/v1/export HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for(lambda: held.queries == 1)
        assert ENDED not in held.server.log_text()
    held.server.wait_for_log(ENDED)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_ended_leaves_no_file_and_ends_the_export(
    held: Held, sign: signal.Signals, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "server", "export", "-o", str(tmp_path / "file"), "--api", held.server.api_grpc]
    with not_ignored(signal.SIGINT):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    with process:
        wait_for(lambda: held.queries == 1)
        process.send_signal(sign)
        assert process.wait(PATIENCE) == (130 if sign is signal.SIGINT else -sign)
    held.server.wait_for_log(ENDED)
    assert not (tmp_path / "file").exists()
    if sign is signal.SIGINT:
        assert not list(tmp_path.glob(".file*"))


MIB = 1 << 20


def test_a_large_export_takes_no_more_memory_than_a_part_of_it(clickhouse_storage: str, tmp_path: Path) -> None:
    with LognotaryServer(clickhouse_storage, tmp_path / "data", batch_age=0.02, self_verify="off") as server:
        for _ in range(80):
            send(server.otlp_grpc, *(log_record(f"{uuid.uuid4()} {'x' * (64 << 10)}") for _ in range(32)))
        with server.correlation() as api:
            before, most, size = resident(server.pid), 0, 0
            calls = [api.Export(ExportRequest()) for _ in range(2)]
            waiting = next(calls[1])  # nobody reads on: no more than a part is made for it
            assert waiting.HasField("progress")
            for step in calls[0]:
                size += len(step.content)
                most = max(most, resident(server.pid))
            calls[1].cancel()
        assert size > 160 * MIB
        assert most - before < 96 * MIB
