"""OK means kept: whatever ends while records are sent, what was acknowledged is there once, and signed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer, ServerNotReadyError, kinds
from harness.otlp_load import Load, log_record, read_stored, refusal_of, send
from harness.waiting import wait_for
from server.notary.origin import Stream
from storage.clickhouse import connect
from storage.url import parse_storage_url

ROUNDS = 4


@pytest.fixture
def node_server(clickhouse_node: ClickHouseNode, tmp_path: Path) -> Iterator[LognotaryServer]:
    """A running server on a ClickHouse that the test may kill."""
    # Short, so that senders soon see a refusal where the outcome of a batch is unknown.
    url = f"{clickhouse_node.url}/{tmp_path.name}"
    with LognotaryServer(url, tmp_path / "data", batch_age=0.02, ack_timeout=1) as server:
        yield server


def check_all(server: LognotaryServer, acknowledged: list[str]) -> None:
    """Check what is stored, with a server that runs; it is stopped. Nothing is left outside committed batches."""
    logs = server.verifier_keys.read_text().splitlines()
    findings, summary = server.verify()
    assert findings == []
    assert server.stop() == 0
    stored = read_stored(server.storage_url)
    stored.check(acknowledged)
    assert stored.uncommitted.total() == 0
    assert (summary.logs, len(logs)) == (2, len(Stream))  # nobody sent spans
    assert summary.records == stored.committed.total()


def test_sigterm_under_load_loses_and_repeats_nothing(lognotary: LognotaryServer) -> None:
    lognotary.start()
    with Load(lognotary.otlp_grpc, threads=12) as load:
        load.wait_for_acknowledged(300)
        assert lognotary.stop() == 0
        wait_for(lambda: load.refusals)
    # Senders try again after both; gRPC itself cancels calls that come as it closes the port.
    assert {refusal.code for refusal in load.refusals} <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert "Traceback" not in lognotary.log_text()
    lognotary.start()
    assert lognotary.verify()[0] == []
    check_all(lognotary, load.acknowledged)


def test_kill_under_load_loses_and_repeats_nothing_and_the_log_goes_on(lognotary: LognotaryServer) -> None:
    acknowledged: list[str] = []
    keys: set[str] = set()
    for round_ in range(ROUNDS):
        lognotary.start()
        keys.add(lognotary.verifier_keys.read_text())
        with Load(lognotary.otlp_grpc) as load:
            load.wait_for_acknowledged(100 + 37 * round_)
            lognotary.kill()
        acknowledged += load.acknowledged
    assert len(keys) == 1
    lognotary.start()
    # It takes records again, in the same logs.
    with Load(lognotary.otlp_grpc, threads=1) as load:
        load.wait_for_acknowledged(4)
    assert load.failures == []
    check_all(lognotary, acknowledged + load.acknowledged)


def refuse_commits(storage_url: str) -> None:
    """Make storage refuse the rows that commit batches, and nothing else."""
    _alter(storage_url, "ADD CONSTRAINT nothing CHECK RecordCount = 0")


def permit_commits(storage_url: str) -> None:
    _alter(storage_url, "DROP CONSTRAINT nothing")


def _alter(storage_url: str, change: str) -> None:
    engine = connect(parse_storage_url(storage_url))
    engine.execute(f"ALTER TABLE log_batches {change}")
    engine.close()


TRACE_ID = "ab" * 16


def crash_while_a_batch_is_on_its_way(server: LognotaryServer) -> LogRecord:
    """Store a record, and let the server be killed when it has stored half of what belongs to another."""
    server.start()
    send(server.otlp_grpc, log_record("before"))
    assert server.stop() == 0
    refuse_commits(server.storage_url)
    server.start()
    record = log_record("on its way", trace_id=TRACE_ID)
    with pytest.raises(grpc.RpcError) as caught:
        send(server.otlp_grpc, record)
    refusal = refusal_of(caught.value)
    assert refusal.code is grpc.StatusCode.UNAVAILABLE
    assert refusal.retry
    wait_for(lambda: httpx.get(f"{server.http}/readyz", timeout=60.0).status_code == 503)
    server.kill()
    permit_commits(server.storage_url)
    return record


def test_a_batch_that_was_on_its_way_at_a_crash_is_committed_by_the_next_start(
    storage_url: str, tmp_path: Path
) -> None:
    server = LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02, ack_timeout=1)
    record = crash_while_a_batch_is_on_its_way(server)
    with server:
        findings, summary = server.verify()
        assert (findings, summary.records) == ([], 2)
        # As its sender does, who was refused: it takes over what was stored, and is not stored again.
        send(server.otlp_grpc, record)
        assert server.verify()[1].records == 2
        # Whoever sends the same after that sends something else.
        send(server.otlp_grpc, record)
        assert server.verify()[1].records == 3


def test_rows_of_a_batch_that_the_journal_has_lost_are_unsigned(storage_url: str, tmp_path: Path) -> None:
    server = LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02, ack_timeout=1)
    record = crash_while_a_batch_is_on_its_way(server)
    shutil.rmtree(server.data_dir / "journal")
    with server:
        assert "never committed" in server.log_text()
        send(server.otlp_grpc, record)
        findings, summary = server.verify()
        assert (kinds(findings), len(findings), summary.records) == ({"RECORDS_UNSIGNED"}, 1, 2)
        assert "on its way" in findings[0].record
        shown = server.cli("trace", TRACE_ID)
        # The record claims the leaf that the next one has been given.
        assert shown.returncode == 1
        assert shown.stdout.count("its batch was never committed") == 1
        assert "✘ of 2 records: 1 tampered with, 1 verified" in shown.stdout


def test_killing_clickhouse_under_load_loses_and_repeats_nothing(
    clickhouse_node: ClickHouseNode, node_server: LognotaryServer
) -> None:
    with Load(node_server.otlp_grpc) as load:
        for _ in range(ROUNDS):
            load.wait_for_acknowledged(100)
            clickhouse_node.kill()
            clickhouse_node.start()
        load.wait_for_acknowledged(100)
    assert_told_to_retry(load)
    check_all(node_server, load.acknowledged)


def test_senders_are_told_to_wait_while_clickhouse_is_away(
    clickhouse_node: ClickHouseNode, node_server: LognotaryServer
) -> None:
    def ready() -> int:
        return httpx.get(f"{node_server.http}/readyz", timeout=60.0).status_code

    with Load(node_server.otlp_grpc) as load:
        load.wait_for_acknowledged(100)
        assert ready() == 200
        clickhouse_node.kill()
        # Several seconds: each thread is refused time and again.
        wait_for(lambda: len(load.refusals) >= 40)
        wait_for(lambda: ready() == 503)
        trace = node_server.cli("trace", "1" * 32)
        assert trace.returncode == 2
        assert "storage" in trace.stderr
        assert "Traceback" not in trace.stderr
        assert httpx.get(f"{node_server.http}/healthz", timeout=60.0).status_code == 200
        clickhouse_node.start()
        load.wait_for_acknowledged(100)
        wait_for(lambda: ready() == 200)
    assert_told_to_retry(load)
    check_all(node_server, load.acknowledged)


def test_killing_both_under_load_loses_and_repeats_nothing(
    clickhouse_node: ClickHouseNode, node_server: LognotaryServer
) -> None:
    acknowledged: list[str] = []
    for round_ in range(ROUNDS):
        with Load(node_server.otlp_grpc) as load:
            load.wait_for_acknowledged(100)
            first, second = (clickhouse_node, node_server) if round_ % 2 else (node_server, clickhouse_node)
            first.kill()
            second.kill()
        acknowledged += load.acknowledged
        clickhouse_node.start()
        node_server.start()
    check_all(node_server, acknowledged)


def assert_told_to_retry(load: Load) -> None:
    """Every refusal is one that senders retry, and says when."""
    assert {refusal.code for refusal in load.refusals} <= {grpc.StatusCode.UNAVAILABLE}
    assert [refusal for refusal in load.refusals if not refusal.retry] == []


def test_a_storage_url_is_shown_without_its_password(clickhouse_node: ClickHouseNode, tmp_path: Path) -> None:
    host = urlsplit(clickhouse_node.url).netloc
    server = LognotaryServer(f"http://default:s3cret@{host}/secret", tmp_path / "data")
    with pytest.raises(ServerNotReadyError, match="refuses the login"):
        server.start()
    assert f"http://default@{host}/secret" in server.log_text()
    assert "s3cret" not in server.log_text()


def test_who_was_refused_takes_over_what_was_stored_after_a_restart_too(storage_url: str, tmp_path: Path) -> None:
    server = LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02, ack_timeout=1)
    record = log_record("refused")
    with server:
        send(server.otlp_grpc, log_record("before"))
        assert server.stop() == 0
        refuse_commits(storage_url)
        server.start()
        with pytest.raises(grpc.RpcError):
            send(server.otlp_grpc, record)
        if storage_url.startswith("chdb:"):  # nobody else can mend it while the server runs
            server.kill()
            permit_commits(storage_url)
            server.start()
        else:
            permit_commits(storage_url)
            wait_for(lambda: server.verify()[1].records == 2)
        assert server.stop() == 0
        server.start()
        send(server.otlp_grpc, record)
        assert server.verify()[1].records == 2
