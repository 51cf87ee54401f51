"""A server ends when it is told to, whatever hangs, and keeps what was acknowledged."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, own_connection, request_of, send
from harness.waiting import wait_for
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way
from tests.system.processes import worker_pids

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


@contextmanager
def hung(proxy: Proxy) -> Iterator[None]:
    """Let ClickHouse take every request, and answer none."""
    number = proxy.begin(Trouble(Way.HOLD))
    try:
        yield
    finally:
        proxy.end(number)


@pytest.fixture
def proxy(clickhouse_server: ClickHouseServer) -> Iterator[Proxy]:
    with Proxy(clickhouse_server.url) as proxy:
        yield proxy


def server_behind(proxy: Proxy, storage: str, directory: Path, **flags: str | float) -> LognotaryServer:
    settings: dict[str, Any] = {"batch_age": 0.02, **flags}
    return LognotaryServer(proxy.url + urlsplit(storage).path, directory / "data", **settings)


@contextmanager
def waiting_request(server: LognotaryServer) -> Iterator[grpc.Future[bytes]]:
    """Have a request wait for storage."""
    with own_connection(server.otlp_grpc) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        call = export.future(request_of([log_record("held")]).SerializeToString(), timeout=120)
        yield call
        call.cancel()


def status_after(server: LognotaryServer, *signals: int) -> int | None:
    """Send signals, and return the exit status, after checking that the end did not wait for storage's time limits."""
    first, *again = signals
    os.kill(server.pid, first)
    wait_for(lambda: "shutting down" in server.log_text() or not server.running)

    def ended() -> bool:
        for number in again:  # not before a moment has passed: until then it is the same request
            if server.running:
                os.kill(server.pid, number)
        return not server.running

    wait_for(ended)
    assert "timed out" not in server.log_text()
    return server.returncode


@pytest.mark.parametrize("flags", [{}, {"ack": "journal"}, {"workers": 2}], ids=["commit", "journal", "workers"])
def test_sigterm_ends_a_server_whose_clickhouse_hangs_and_the_next_start_has_all_that_was_acknowledged(
    proxy: Proxy, clickhouse_storage: str, tmp_path: Path, flags: dict[str, str | float]
) -> None:
    server = server_behind(proxy, clickhouse_storage, tmp_path, ack_timeout=120, **flags)
    with server:
        send(server.otlp_grpc, log_record("kept"))
        with hung(proxy), waiting_request(server) as call:
            wait_for(lambda: proxy.hits[Way.HOLD])
            if "ack" in flags:
                call.result()
            assert status_after(server, signal.SIGTERM) == 0
        own = [line for line in server.log_text().splitlines() if " worker " not in line]
        assert sum("shutting down: " in line for line in own) == 1
        assert own[-1].endswith(": stopped")
        after = server.log_text().partition("shutting down: ")[2]
        # That the server stops is no trouble of storage's.
        assert not any(
            words in after for words in ("storage is away", "waiting for storage", "Traceback", "did not answer")
        )
        server.start()
        wait_for(lambda: server.verify()[1].records >= 1 + ("ack" in flags))
        assert server.verify()[0] == []


def test_a_second_signal_ends_it_at_once(proxy: Proxy, clickhouse_storage: str, tmp_path: Path) -> None:
    with server_behind(proxy, clickhouse_storage, tmp_path, ack="journal") as server:
        with hung(proxy):
            send(server.otlp_grpc, log_record("kept"))
            wait_for(lambda: proxy.hits[Way.HOLD])
            assert status_after(server, signal.SIGINT, signal.SIGINT) == 128 + signal.SIGINT
        *_, last_but_one, last = server.log_text().splitlines()
        waits = f"1 batch waits in the operational log's journal {tmp_path / 'data' / 'journal' / 'operational'}"
        assert "ending at once, as asked a second time; " in last_but_one
        assert waits in last_but_one
        assert last.endswith(": stopped")
        server.start()
        wait_for(lambda: server.verify()[1].records == 1)
        assert server.verify()[0] == []


def test_a_second_signal_ends_the_workers_too(proxy: Proxy, clickhouse_storage: str, tmp_path: Path) -> None:
    with server_behind(proxy, clickhouse_storage, tmp_path, ack="journal", workers=2) as server:
        workers = worker_pids(server)
        with hung(proxy):
            for _ in range(8):
                send(server.otlp_grpc, log_record("kept"), connect=own_connection)
            assert status_after(server, signal.SIGTERM, signal.SIGTERM) == 128 + signal.SIGTERM
            wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
        server.start()
        wait_for(lambda: server.verify()[1].records == 8)
        assert server.verify()[0] == []


def test_a_start_that_hangs_is_ended_too(proxy: Proxy, clickhouse_storage: str, tmp_path: Path) -> None:
    server = server_behind(proxy, clickhouse_storage, tmp_path)
    with hung(proxy):
        server.launch()
        try:
            wait_for(lambda: proxy.hits[Way.HOLD])
            os.kill(server.pid, signal.SIGTERM)
            wait_for(lambda: not server.running)
            assert server.returncode == 0, server.log_text()
            lines = server.log_text().splitlines()
            assert sum("shutting down: " in line for line in lines) == 1
            assert lines[-1].endswith(": stopped")
            assert "waiting for storage" not in server.log_text()
        finally:
            server.kill()


def test_an_embedded_server_keeps_what_it_acknowledged_when_it_ends_at_once(tmp_path: Path) -> None:
    storage = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(storage, tmp_path / "data", batch_age=0.02) as server:
        send(server.otlp_grpc, log_record("kept"))
        # Whether it has ended in order before it is asked again is up to the machine.
        assert status_after(server, signal.SIGINT, signal.SIGINT) in (0, 128 + signal.SIGINT)
        server.start()
        assert httpx.get(f"{server.http}/readyz", timeout=60.0).status_code == 200
        findings, summary = server.verify()
        assert (findings, summary.records) == ([], 1)
