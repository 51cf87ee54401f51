"""Servers that start while others do, or before their storage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer, kinds, run_lognotary
from harness.otlp_load import Load, read_stored

SERVERS = 3


def test_a_server_waits_for_a_clickhouse_that_is_not_there_yet(clickhouse_node: ClickHouseNode, tmp_path: Path) -> None:
    clickhouse_node.stop()
    server = LognotaryServer(f"{clickhouse_node.url}/early", tmp_path / "data")
    server.launch()
    try:
        server.wait_for_log("waiting for storage at ")
        assert f":{clickhouse_node.http_port}/early" in server.log_text()
        assert server.output_text() == ""
        clickhouse_node.start()
        server.wait_until_ready()
        assert httpx.get(f"{server.http}/readyz", timeout=60.0).status_code == 200
        with Load(server.otlp_grpc, threads=1) as load:
            load.wait_for_acknowledged(1)
        assert server.verify()[0] == []
    finally:
        server.stop()


def test_only_the_user_of_the_server_may_read_embedded_storage(tmp_path: Path) -> None:
    with LognotaryServer(f"chdb://{tmp_path / 'new' / 'chdb'}", tmp_path / "data"):
        assert (tmp_path / "new" / "chdb").stat().st_mode & 0o077 == 0


def test_a_server_that_waits_for_clickhouse_can_be_stopped(clickhouse_node: ClickHouseNode, tmp_path: Path) -> None:
    clickhouse_node.stop()
    server = LognotaryServer(f"{clickhouse_node.url}/never", tmp_path / "data")
    server.launch()
    try:
        server.wait_for_log("waiting for storage at ")
        assert server.stop() == 0
        assert server.output_text() == ""
    finally:
        server.kill()
        clickhouse_node.start()


def test_servers_that_start_at_once_write_to_logs_of_their_own(clickhouse_storage: str, tmp_path: Path) -> None:
    servers = [LognotaryServer(clickhouse_storage, tmp_path / f"data{n}", batch_age=0.02) for n in range(SERVERS)]
    try:
        with ThreadPoolExecutor(SERVERS) as threads:
            list(threads.map(LognotaryServer.launch, servers))
        for server in servers:
            server.wait_until_ready()
        loads = [Load(server.otlp_grpc, threads=2) for server in servers]
        for load in loads:
            load.__enter__()
        for load in loads:
            load.wait_for_acknowledged(40)
        for load in loads:
            load.stop()
        assert [load.failures for load in loads] == [[]] * SERVERS
        logs = [line.split("+")[0] for server in servers for line in server.verifier_keys.read_text().splitlines()]
        assert len(set(logs)) == 3 * SERVERS

        acknowledged = [name for load in loads for name in load.acknowledged]
        keys = [f"--public-key={server.public_key}" for server in servers]
        for server in servers:
            findings, summary = server.verify(*keys)
            assert (findings, summary.logs, summary.records) == ([], 2 * SERVERS, len(acknowledged))
        # Verifier keys are as good, also without any server.
        keys = [f"--public-key={server.verifier_keys}" for server in servers]
        alone = run_lognotary("verify", "--storage", clickhouse_storage, *keys, cwd=tmp_path)
        assert alone.returncode == 0, alone.stdout
        # One key alone does not vouch for the others' logs.
        assert kinds(servers[0].verify()[0]) == {"LOG_FOREIGN_SIGNED"}
        assert [server.stop() for server in servers] == [0] * SERVERS
        read_stored(clickhouse_storage).check(acknowledged)
    finally:
        for server in servers:
            server.stop()
