"""Key administration reaches the running server: alone and with workers, with storage there or away."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer, kinds, run_lognotary
from harness.otlp_load import log_record, send
from harness.waiting import wait_for
from server.notary.trust import fingerprint, read_public_pem

LONG_AGO = "2020-01-01T00:00:00Z"
TRACE = "0af7651916cd43dd8448eb211c80319c"
COMPROMISED = "a key that was compromised by then"


def keys(server: LognotaryServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``lognotary keys`` on a server's data directory."""
    done = run_lognotary("keys", *arguments, "--data-dir", str(server.data_dir))
    assert done.returncode == 0, done.stderr
    return done


def current_key(server: LognotaryServer) -> str:
    """Return the fingerprint of the key that the server publishes."""
    return fingerprint(read_public_pem(server.public_key.read_text()))


def metric(server: LognotaryServer, name: str) -> dict[str, float]:
    """Return the samples of a metric by their labels."""
    text = httpx.get(f"{server.http}/metrics", timeout=60.0).text
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(\S*) (\S+)$", text, re.MULTILINE)}


class TestCompromisedKey:
    @pytest.fixture
    def server(
        self, request: pytest.FixtureRequest, clickhouse_storage: str, tmp_path: Path
    ) -> Iterator[LognotaryServer]:
        flags = {"batch_age": 0.02, "workers": request.param, "self_verify": f"{1 / 3600}h"}
        with LognotaryServer(clickhouse_storage, tmp_path / "data", **flags) as running:
            yield running

    @pytest.mark.parametrize("server", [1, 2], ids=["alone", "with workers"], indirect=True)
    def test_a_mark_reaches_every_answer_of_the_running_server(self, server: LognotaryServer) -> None:
        record = log_record("signed by a thief", trace_id=TRACE, audit_actor_id="mallory", audit_action="login")
        send(server.otlp_grpc, record)
        trace, audit = ("trace", TRACE), ("audit", "--actor", "mallory")
        for command in (trace, audit):
            done = server.cli(*command)
            assert (done.returncode, COMPROMISED in done.stdout) == (0, False), done.stdout
        assert server.verify()[0] == []
        [origin] = [
            line.split()[0] for line in server.cli("checkpoint", "--list").stdout.splitlines() if "audit" in line
        ]
        prove = ("prove", f"{origin}#0", "-o", str(server.directory / "bundle"))
        assert server.cli(*prove).returncode == 0

        told = keys(server, "compromised", current_key(server), "--since", LONG_AGO).stdout
        assert "the running server was notified" in told

        wait_for(lambda: kinds(server.verify()[0]) == {"SIGNED_BY_COMPROMISED_KEY"})
        # A key of the caller's own choice does not silence what the operator has said of it.
        assert kinds(server.verify("--public-key", str(server.public_key))[0]) == {"SIGNED_BY_COMPROMISED_KEY"}
        for command in (trace, audit):
            done = server.cli(*command)
            assert (done.returncode, COMPROMISED in done.stdout) == (1, True), done.stdout
        done = server.cli(*prove)
        assert done.returncode != 0
        assert COMPROMISED in done.stdout + done.stderr
        name = "lognotary_self_verification_findings"
        wait_for(lambda: metric(server, name).get('{kind="SIGNED_BY_COMPROMISED_KEY"}', 0) > 0)


class TestRotationWhileStorageIsAway:
    """With ``--ack journal`` nobody is refused, and the change is made once storage is back, or at the next start."""

    @pytest.fixture(params=[1, 2], ids=["alone", "with workers"])
    def server(
        self, request: pytest.FixtureRequest, clickhouse_node: ClickHouseNode, tmp_path: Path
    ) -> Iterator[LognotaryServer]:
        url = f"{clickhouse_node.url}/{tmp_path.name}"
        flags = {"batch_age": 0.02, "workers": request.param, "ack": "journal", "heartbeat": 3600}
        with LognotaryServer(url, tmp_path / "data", **flags) as running:
            yield running
            clickhouse_node.resume()
            if not clickhouse_node.running:
                clickhouse_node.start()

    def send(self, server: LognotaryServer, count: int = 8) -> None:
        for number in range(count):  # whichever worker takes it
            send(server.otlp_grpc, log_record(f"{number}", audit_actor_id="alice", audit_action="login"))

    def pending(self, server: LognotaryServer) -> float:
        return sum(metric(server, "lognotary_key_change_pending").values())

    def test_senders_are_not_refused_and_the_change_comes_about_once_storage_is_back(
        self, server: LognotaryServer, clickhouse_node: ClickHouseNode, tmp_path: Path
    ) -> None:
        self.send(server)
        first = tmp_path / "first.pem"
        shutil.copy(server.public_key, first)
        assert "pending" not in keys(server, "list").stdout
        clickhouse_node.kill()
        self.send(server)

        told = keys(server, "rotate").stdout
        assert "the running server was notified" in told
        self.send(server)
        wait_for(lambda: self.pending(server) > 0)
        server.wait_for_log("a key change is pending")
        assert "pending" in keys(server, "list").stdout
        # What is published has to be what those find in storage who verify with it.
        assert server.public_key.read_text() == first.read_text()

        clickhouse_node.start()
        wait_for(lambda: self.pending(server) == 0)
        wait_for(lambda: server.public_key.read_text() != first.read_text())
        wait_for(lambda: "pending" not in keys(server, "list").stdout)
        self.send(server)
        wait_for(lambda: server.verify()[1].records == 32)
        for key in (first, server.public_key):
            assert server.verify("--public-key", str(key))[0] == []

    def test_it_is_made_by_the_next_start_where_the_server_is_killed_before(
        self, server: LognotaryServer, clickhouse_node: ClickHouseNode, tmp_path: Path
    ) -> None:
        self.send(server)
        first = tmp_path / "first.pem"
        shutil.copy(server.public_key, first)
        clickhouse_node.kill()
        self.send(server)
        keys(server, "rotate")
        wait_for(lambda: self.pending(server) > 0)
        self.send(server)
        server.kill()
        assert "pending" in keys(server, "list").stdout
        clickhouse_node.start()
        server.start()
        wait_for(lambda: self.pending(server) == 0 and server.verify()[1].records == 24)
        wait_for(lambda: server.public_key.read_text() != first.read_text())
        for key in (first, server.public_key):
            assert server.verify("--public-key", str(key))[0] == []
