"""A ClickHouse that accepts connections and answers nothing: whoever asks is told so, and does not wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
COMMANDS = (("verify",), ("audit",), ("trace", TRACE), ("checkpoint",))
SILENT = "storage has not answered for"
PATHS = ("logs", "audit-events", f"traces/{TRACE}")


@contextmanager
def hung(node: ClickHouseNode) -> Iterator[None]:
    node.pause()
    try:
        yield
    finally:
        node.resume()


@pytest.fixture
def node_storage(clickhouse_node: ClickHouseNode) -> Iterator[str]:
    with clickhouse_node.fresh_database() as database:
        yield urlunsplit(urlsplit(clickhouse_node.url)._replace(path=f"/{database}"))


@pytest.mark.parametrize("workers", [1, 2])
def test_whoever_asks_is_told_that_storage_does_not_answer(
    clickhouse_node: ClickHouseNode, node_storage: str, tmp_path: Path, workers: int
) -> None:
    with LognotaryServer(node_storage, tmp_path / "data", batch_age=0.02, workers=workers) as server:
        send(server.otlp_grpc, log_record("before"))
        with hung(clickhouse_node), ThreadPoolExecutor(1) as early:
            waits = early.submit(server.cli, "verify")  # it asks before anybody knows
            wait_for(lambda: f"storage is away: {SILENT}" in server.log_text())
            wait_for(lambda: SILENT in httpx.get(f"{server.http}/readyz", timeout=60.0).text)
            for command in COMMANDS:
                done = server.cli(*command)
                assert (done.returncode, SILENT in done.stderr) == (2, True), (command, done)
            status = server.cli("status", "--json")
            assert status.returncode == 1
            assert SILENT in json.loads(status.stdout)["storageProblem"]
            for path in PATHS:
                answer = httpx.get(f"{server.http}/api/v1/{path}", timeout=60.0)
                assert (answer.status_code, SILENT in answer.json()["message"]) == (503, True)
            assert waits.result().returncode == 2
            assert SILENT in waits.result().stderr
        wait_for(lambda: httpx.get(f"{server.http}/readyz", timeout=60.0).status_code == 200)
        assert server.verify()[1].records == 1


def test_a_command_that_reads_storage_itself_says_that_it_does_not_answer(
    clickhouse_node: ClickHouseNode, node_storage: str, tmp_path: Path
) -> None:
    with LognotaryServer(node_storage, tmp_path / "data", batch_age=0.02) as server:
        send(server.otlp_grpc, log_record("before"))
    with hung(clickhouse_node):
        done = run_lognotary("verify", "--storage", node_storage, "--public-key", str(server.public_key))
    assert done.returncode == 2
    where = urlsplit(node_storage).netloc
    assert f"storage at {where} accepted the connection, but did not answer within 10 s" in done.stderr
