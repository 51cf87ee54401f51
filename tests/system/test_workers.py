"""Several processes that share the ports: each has logs of its own, and the API answers over all of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry._logs import LogRecord as ApiLogRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from harness.lognotary_server import LognotaryServer, kinds, read_verification, run_lognotary
from harness.otlp_load import Load, log_record, own_connection, read_stored, send
from harness.waiting import wait_for
from server.data_dir.directory import DataDirectory
from server.data_dir.kept_notes import worker_directory
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
from storage.clickhouse import connect
from storage.engine import Engine
from storage.rowbinary import read_rows, text, uint64
from storage.url import parse_storage_url
from tests.system.calls import ready
from tests.system.processes import is_worker, worker_pids

WORKERS = 2
MANY = 16  # connections: enough that no worker goes without one for long


def server_of(storage_url: str, data_dir: Path, *, workers: int = WORKERS, **flags: str | float) -> LognotaryServer:
    settings: dict[str, Any] = {"batch_age": 0.02, "ack_timeout": 5, "writer": "vm", "workers": workers, **flags}
    return LognotaryServer(storage_url, data_dir, **settings)


@pytest.fixture
def server(clickhouse_storage: str, tmp_path: Path) -> Iterator[LognotaryServer]:
    """A running server with two workers."""
    with server_of(clickhouse_storage, tmp_path / "data") as running:
        yield running


@contextmanager
def open_storage(storage_url: str) -> Iterator[Engine]:
    engine = connect(parse_storage_url(storage_url))
    try:
        yield engine
    finally:
        engine.close()


def batches(engine: Engine) -> Counter[str]:
    """Return the number of batches of each log."""
    rows = engine.query("SELECT Origin, count() FROM log_batches GROUP BY Origin")
    return Counter(dict(read_rows(rows, (text, uint64))))


def logs_of(*writers: str) -> set[str]:
    return {f"lognotary/{stream}/{writer}" for stream in ("audit", "operational") for writer in writers}


def write_to(server: LognotaryServer, *writers: str) -> int:
    """Send records over ever new connections until all logs of these writers got some; how many were sent."""
    count = 0
    with open_storage(server.storage_url) as engine:
        before = batches(engine)
        while not logs_of(*writers) <= (batches(engine) - before).keys():
            assert count < 1000, "connections do not reach every worker"
            send(
                server.otlp_grpc,
                log_record("a line"),
                log_record("an event", audit_actor_id="eve", audit_action="pay"),
                connect=own_connection,
            )
            count += 2
    return count


def load_on(server: LognotaryServer) -> Load:
    return Load(server.otlp_grpc, threads=MANY, connect=own_connection)


def published_origins(server: LognotaryServer) -> set[str]:
    return {VerifierKey.parse(line).name for line in server.verifier_keys.read_text().splitlines()}


def test_records_of_all_connections_are_in_the_workers_logs_and_the_api_answers_over_all(
    server: LognotaryServer, tmp_path: Path
) -> None:
    assert len(worker_pids(server)) == WORKERS
    trace_id = uuid.uuid4().hex
    for number in range(MANY):
        send(server.otlp_grpc, log_record(f"line {number}", trace_id=trace_id), connect=own_connection)
    count = MANY + write_to(server, "vm-1", "vm-2")
    count += export_by_http(server, trace_id)

    shown = server.cli("trace", trace_id)
    assert (shown.returncode, shown.stdout.count(f"✔ {2 * MANY:,} records verified")) == (0, 1)
    assert server.cli("audit", "--actor", "eve").returncode == 0
    assert ready(server) == (200, "ok\n")
    findings, summary = server.verify()
    assert (findings, summary.logs, summary.records) == ([], 2 * WORKERS, count)

    # Also without the server's word, by what is in the data directory.
    assert logs_of("vm-1", "vm-2") <= published_origins(server)
    for keys in ([f"--public-key={server.verifier_keys}"], ["--data-dir", str(server.data_dir)]):
        alone = run_lognotary("verify", "--json", "--storage", server.storage_url, *keys, cwd=tmp_path)
        findings, summary = read_verification(alone.stdout)
        assert (findings, summary.records) == ([], count)
    [key] = server.data_dir.rglob("*signing*")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def export_by_http(server: LognotaryServer, trace_id: str) -> int:
    """Send records by SDKs of many services, each with connections of its own; how many."""
    for number in range(MANY):
        exporter = OTLPLogExporter(endpoint=f"{server.otlp_http}/v1/logs")
        provider = LoggerProvider(Resource.create({"service.name": f"service-{number}"}), shutdown_on_exit=False)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        record = ApiLogRecord(
            timestamp=1 + number,
            observed_timestamp=1,
            severity_number=SeverityNumber.INFO,
            body="a line over HTTP",
            trace_id=int(trace_id, 16),
            span_id=1,
        )
        provider.get_logger("test").emit(record)
        assert provider.force_flush()
        provider.shutdown()
    return MANY


def test_it_says_once_that_it_is_ready_and_which_worker_logs(server: LognotaryServer) -> None:
    listening = json.loads(server.output_text())
    assert listening.keys() == {"ready", "otlp_grpc", "otlp_http", "api_grpc", "http"}
    assert len({address.rpartition(":")[2] for name, address in listening.items() if name != "ready"}) == 4
    send(server.otlp_grpc, log_record("a line"))
    assert server.stop() == 0
    assert len(server.output_text().splitlines()) == 1
    for number in range(1, WORKERS + 1):
        assert re.search(rf"^\S+ \S+ INFO worker {number} server\.\S+: shutting down", server.log_text(), re.MULTILINE)


def test_a_worker_that_is_killed_comes_back_and_what_was_acknowledged_is_there_once(server: LognotaryServer) -> None:
    def is_down() -> bool:
        # Again where it was back before it was asked about.
        os.kill(min(worker_pids(server)), signal.SIGKILL)
        return re.fullmatch(r"worker \d is not running\n", ready(server)[1]) is not None

    with open_storage(server.storage_url) as engine, load_on(server) as load:
        wait_for(lambda: logs_of("vm-1", "vm-2") <= batches(engine).keys())
        before = worker_pids(server)
        wait_for(is_down)
        load.wait_for_acknowledged(100)
        wait_for(lambda: ready(server)[0] == 200)
        now = worker_pids(server)
        assert len(now) == WORKERS
        assert before - now  # more than one, where it had to be killed again
        load.wait_for_acknowledged(100)
    assert re.search(r"worker \d ended with status -9; restarting it", server.log_text())
    assert {refusal.code for refusal in load.refusals} <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    write_on_in_the_same_logs(server, load.acknowledged)


def write_on_in_the_same_logs(server: LognotaryServer, acknowledged: list[str]) -> None:
    """Check what is stored, and that both workers go on from there."""
    with load_on(server) as load:
        load.wait_for_acknowledged(100)
    findings, summary = server.verify()
    assert kinds(findings) <= {"RECORDS_UNSIGNED"}
    assert summary.logs == 2 * WORKERS
    assert server.stop() == 0
    stored = read_stored(server.storage_url)
    stored.check([*acknowledged, *load.acknowledged])
    assert sum(finding.record_count for finding in findings) == stored.uncommitted.total()


def test_sigterm_stops_the_workers_in_order(server: LognotaryServer) -> None:
    workers = worker_pids(server)
    with load_on(server) as load:
        load.wait_for_acknowledged(200)
        assert server.stop() == 0
        assert not any(map(is_worker, workers))
    assert {refusal.code for refusal in load.refusals} <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert "Traceback" not in server.log_text()
    server.start()
    assert server.verify()[0] == []
    write_on_in_the_same_logs(server, load.acknowledged)


def test_workers_do_not_outlive_a_server_that_is_killed(server: LognotaryServer) -> None:
    workers = worker_pids(server)
    with load_on(server) as load:
        load.wait_for_acknowledged(200)
        server.kill()
        wait_for(lambda: not any(map(is_worker, workers)))
    server.start()
    assert server.verify()[0] == []
    write_on_in_the_same_logs(server, load.acknowledged)


def test_it_is_not_ready_while_a_worker_cannot_commit(server: LognotaryServer) -> None:
    with open_storage(server.storage_url) as engine, load_on(server) as load:
        engine.execute("ALTER TABLE log_batches ADD CONSTRAINT nothing CHECK RecordCount = 0")
        wait_for(lambda: ready(server)[0] == 503)
        assert re.fullmatch(r"worker \d: the (audit|operational) log: .*nothing.*\n", ready(server)[1])
        engine.execute("ALTER TABLE log_batches DROP CONSTRAINT nothing")
        wait_for(lambda: ready(server)[0] == 200)
        load.wait_for_acknowledged(MANY)
    assert server.verify()[0] == []


def test_records_cut_off_are_noticed_by_what_a_worker_remembers(server: LognotaryServer) -> None:
    write_to(server, "vm-1", "vm-2")
    log = LogName.parse("lognotary/audit/vm-2")
    with open_storage(server.storage_url) as engine:
        for table in ("audit_logs", "log_batches", "log_tiles"):
            engine.execute(f"ALTER TABLE {table} DELETE WHERE LogId = '{log.log_id}' SETTINGS mutations_sync = 2")
    findings, _ = server.verify()
    assert (kinds(findings), [finding.origin for finding in findings]) == ({"LOG_TRUNCATED"}, [log.origin])
    assert server.stop() == 0
    alone = run_lognotary("verify", "--storage", server.storage_url, "--data-dir", str(server.data_dir))
    assert alone.stdout.count("LOG_TRUNCATED") == 1
    # Here it would store them again, for its journal still has them.
    shutil.rmtree(server.data_dir / "workers" / "2" / "journal")
    # The worker finds that out as well, and the server does not start without it.
    refused(server, "worker 2: storage has lost records")


def test_the_number_of_workers_may_change(clickhouse_storage: str, tmp_path: Path) -> None:
    count = 0
    logs: set[str] = set()
    for workers, writers in ((2, ["vm-1", "vm-2"]), (1, ["vm"]), (3, ["vm-1", "vm-2", "vm-3"])):
        with server_of(clickhouse_storage, tmp_path / "data", workers=workers) as server:
            count += write_to(server, *writers)
            logs |= logs_of(*writers)
            findings, summary = server.verify(f"--public-key={server.verifier_keys}")
            assert (findings, summary.logs, summary.records) == ([], len(logs), count)
            assert server.stop() == 0
    alone = run_lognotary("verify", "--storage", clickhouse_storage, "--data-dir", str(tmp_path / "data"))
    assert alone.returncode == 0, alone.stdout


def refused(server: LognotaryServer, *messages: str) -> None:
    """Check that a server does not start, and says why."""
    server.launch()
    try:
        wait_for(lambda: not server.running)
        assert server.stop() == 2
        for message in messages:
            assert message in server.log_text()
        assert server.output_text() == ""
        assert "Traceback" not in server.log_text()
    finally:
        server.kill()


def test_a_second_server_on_the_same_port_is_refused(
    server: LognotaryServer, clickhouse_storage: str, tmp_path: Path
) -> None:
    grpc_port, http_port = (address.rpartition(":")[2] for address in (server.otlp_grpc, server.otlp_http))
    alone = server_of(clickhouse_storage, tmp_path / "alone", workers=1, otlp_http=f"127.0.0.1:{http_port}")
    refused(alone, http_port)
    other = server_of(clickhouse_storage, tmp_path / "other", otlp_grpc=f"127.0.0.1:{grpc_port}")
    refused(other, grpc_port)
    # The first is not disturbed.
    write_to(server, "vm-1", "vm-2")
    assert server.verify()[0] == []


@pytest.mark.parametrize("name", ["otlp_grpc", "http"])
def test_a_port_in_use_is_refused(clickhouse_storage: str, tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        flags: dict[str, Any] = {name: f"127.0.0.1:{port}"}
        refused(server_of(clickhouse_storage, tmp_path / "data", **flags), str(port))


def test_a_worker_that_can_never_start_ends_the_server(clickhouse_storage: str, tmp_path: Path) -> None:
    directory = worker_directory(tmp_path / "data", 2)
    with DataDirectory(directory):
        refused(
            server_of(clickhouse_storage, tmp_path / "data"),
            f"worker 2: another server is running on the data directory {directory}",
        )


def test_embedded_storage_has_no_workers(tmp_path: Path) -> None:
    done = run_lognotary("serve", f"--data-dir={tmp_path / 'data'}", "--workers=2", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lognotary: --workers: 2 workers need a ClickHouse server")
    assert "--storage http://" in done.stderr
    assert not (tmp_path / "data").exists()
