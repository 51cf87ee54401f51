"""Encrypted journals of several workers: a kill loses nothing that was acknowledged, and a wrong key is refused."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer, ServerNotReadyError
from harness.otlp_load import Load, own_connection, read_stored
from harness.waiting import wait_for
from server.keys.journal_key import create_key_file
from tests.system.processes import is_worker, worker_pids

CONNECTIONS = 16  # enough that no worker goes without one for long
ACKNOWLEDGED = 200  # records that only journals have when the server is killed


def journals(data_dir: Path) -> dict[Path, bytes]:
    """Return the contents of the journals of all workers."""
    return {path: path.read_bytes() for path in data_dir.glob("workers/*/journal/**/*.journal")}


def test_what_workers_acknowledged_is_in_encrypted_journals_and_stored_after_a_kill(
    clickhouse_node: ClickHouseNode, tmp_path: Path
) -> None:
    url, data_dir = f"{clickhouse_node.url}/{tmp_path.name}", tmp_path / "data"
    key, other = tmp_path / "journal.key", tmp_path / "other.key"
    create_key_file(key)
    create_key_file(other)
    of_key = partial(LognotaryServer, url, data_dir, batch_age=0.02, writer="vm", workers=2, ack="journal")
    with of_key(journal_key=str(key)) as server:
        with Load(server.otlp_grpc, threads=CONNECTIONS, connect=own_connection) as load:
            load.wait_for_acknowledged(CONNECTIONS)
            clickhouse_node.kill()
            load.wait_for_acknowledged(ACKNOWLEDGED)
            workers = worker_pids(server)
            server.kill()
            wait_for(lambda: not any(map(is_worker, workers)))
        acknowledged = load.acknowledged
        written = journals(data_dir)
        assert {path.relative_to(data_dir).parts[1] for path in written} == {"1", "2"}
        last = acknowledged[-1].encode()
        assert [path for path, content in written.items() if last in content or last[:8] in content] == []

        clickhouse_node.start()
        wrong = of_key(journal_key=str(other))
        with pytest.raises(ServerNotReadyError):
            wrong.start()
        assert wrong.returncode == 2
        assert "the journal is encrypted with the key" in wrong.log_text()
        assert journals(data_dir) == written

        server.start()
        findings, _ = server.verify()
        assert findings == []
        assert server.stop() == 0
    read_stored(url).check(acknowledged)
