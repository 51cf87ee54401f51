"""Dropping one of two tenants on a server with workers: what goes, what stays, and what verification says of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from harness.lognotary_server import LognotaryServer, kinds, run_lognotary
from harness.otlp_load import log_record, own_connection, request_of
from harness.waiting import PATIENCE, wait_for
from storage.clickhouse import connect
from storage.engine import Engine
from storage.rowbinary import read_one, read_rows, text, uint64
from storage.url import parse_storage_url
from tests.audit_ids.audit_records import audit_record

MANY = 12  # connections: enough that each of two workers gets some
TENANTS = ("garage", "shop")
TABLES = ("audit_logs", "otel_logs")


@contextmanager
def storage_of(server: LognotaryServer) -> Iterator[Engine]:
    with closing(connect(parse_storage_url(server.storage_url))) as engine:
        yield engine


def server_on(storage_url: str, data_dir: Path, **flags: str | float) -> LognotaryServer:
    settings: dict[str, Any] = {"workers": 2, "batch_age": 0.02, "writer": "vm", **flags}
    return LognotaryServer(storage_url, data_dir, **settings)


def token(server: LognotaryServer, name: str, *arguments: str) -> Path:
    """Create a token, and return the file that has it."""
    done = run_lognotary("tokens", "create", name, "--data-dir", str(server.data_dir), *arguments)
    assert done.returncode == 0, done.stderr
    file = server.directory / f"{name}.token"
    file.write_text(done.stdout)
    return file


def send_as(server: LognotaryServer, file: Path) -> None:
    """Send records of two streams over connections that reach all workers."""
    metadata = [("authorization", f"Bearer {file.read_text().strip()}")]
    for number in range(MANY):
        with own_connection(server.otlp_grpc) as channel:
            request = request_of([log_record(f"line {number}"), audit_record()])
            LogsServiceStub(channel).Export(request, timeout=PATIENCE, metadata=metadata)


def sent_by_tenants(server: LognotaryServer) -> dict[str, Path]:
    """Send records of both tenants to all workers; return the tokens of senders."""
    files = {tenant: token(server, f"sender-{tenant}", "--tenant", tenant) for tenant in TENANTS}
    token(server, "nobody")
    wait_for(lambda: _is_known(server, files["shop"]))
    for file in files.values():
        send_as(server, file)
    return files


def _is_known(server: LognotaryServer, file: Path) -> bool:
    try:
        send_as(server, file)
    except Exception:
        return False
    return True


def rows_of(engine: Engine, tenant: str) -> dict[str, int]:
    counts = {}
    for table in TABLES:
        select = f"SELECT count() FROM {table} WHERE Tenant = {{tenant:String}}"
        counts[table] = int(read_one(engine.query(select, {"tenant": tenant}), uint64))
    return counts


def digests(engine: Engine, tenant: str) -> Mapping[str, str]:
    """Return a hash over all that storage has of a tenant, by table."""
    found = {}
    for table in (*TABLES, "log_batches", "log_tiles", "audit_record_ids"):
        order = f"SELECT * FROM {table} WHERE Tenant = {{tenant:String}} ORDER BY ALL"
        select = f"SELECT hex(groupBitXor(cityHash64(*))), toString(count()) FROM ({order})"
        found[table] = "/".join(next(read_rows(engine.query(select, {"tenant": tenant}), (text, text))))
    return found


def drop(server: LognotaryServer, tenant: str, *arguments: str) -> dict[str, object]:
    done = server.cli("tenants", "drop", tenant, "--reason", "the contract ended", "--yes", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_one_tenant_is_dropped_and_everything_else_stays_as_it_was(clickhouse_storage: str, tmp_path: Path) -> None:
    with server_on(clickhouse_storage, tmp_path / "data", access_log="on") as server, storage_of(server) as engine:
        sent_by_tenants(server)
        before, others = rows_of(engine, "shop"), digests(engine, "garage")
        assert server.verify()[1].findings == 0

        answer = drop(server, "shop")

        assert int(str(answer["operationalRecords"])) == before["otel_logs"]
        assert int(str(answer["auditRecords"])) == before["audit_logs"]
        logs = answer["logs"]
        assert isinstance(logs, list)
        assert {log["origin"] for log in logs} == {
            f"lognotary/shop/{stream}/vm-{worker}" for stream in ("audit", "operational") for worker in (1, 2)
        }
        assert sum(int(log["entries"]) for log in logs) == sum(before.values())
        assert rows_of(engine, "shop") == {"audit_logs": 0, "otel_logs": 0}
        assert digests(engine, "garage") == others
        findings, summary = server.verify()
        assert (findings, summary.findings) == ([], 0)
        assert summary.expired_records == sum(before.values())
        shown = server.cli("search", "*", "--json", "--since", "1h", "--limit", "1000")
        assert {entry["tenant"] for entry in json.loads(shown.stdout)["entries"] if "tenant" in entry} <= {"garage", ""}
        assert "tenant.drop" in server.cli("audit", "--service", "lognotary").stdout
        assert "tenant.drop" in server.cli("audit", "--access").stdout
        verified = server.cli("verify").stdout
        assert ": dropped by the statement of " in verified
        assert ": expired, chain intact" not in verified

        # Who deletes a row of the other tenant is still found.
        engine.execute(
            "ALTER TABLE audit_logs DELETE WHERE Tenant = 'garage' AND LeafIndex = 0 SETTINGS mutations_sync = 2"
        )
        found, _ = server.verify()
        assert kinds(found) == {"RECORD_MISSING"}


def test_what_is_sent_after_a_drop_is_kept_and_protected(clickhouse_storage: str, tmp_path: Path) -> None:
    with server_on(clickhouse_storage, tmp_path / "data", ack="journal") as server, storage_of(server) as engine:
        files = sent_by_tenants(server)
        drop(server, "shop")
        assert sum(rows_of(engine, "shop").values()) == 0
        send_as(server, files["shop"])
        wait_for(lambda: rows_of(engine, "shop") == dict.fromkeys(TABLES, MANY))
        assert server.verify()[1].findings == 0
        engine.execute("ALTER TABLE otel_logs DELETE WHERE Tenant = 'shop' SETTINGS mutations_sync = 2")
        assert "RECORD_MISSING" in kinds(server.verify()[0])


def test_a_drop_that_kill_9_ends_between_statement_and_deletion_is_repeated(
    clickhouse_storage: str, tmp_path: Path
) -> None:
    with server_on(clickhouse_storage, tmp_path / "data") as server, storage_of(server) as engine:
        sent_by_tenants(server)
        before = rows_of(engine, "shop")
        for table in TABLES:
            engine.execute(f"SYSTEM STOP MERGES {table}")  # also what deletes rows
        asking = threading.Thread(target=server.cli, args=("tenants", "drop", "shop", "--reason", "it ended", "--yes"))
        asking.start()
        pending = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
        wait_for(lambda: int(read_one(engine.query(pending), uint64)) > 0)
        server.kill()
        asking.join()
        engine.execute("KILL MUTATION WHERE database = currentDatabase() SYNC")
        for table in TABLES:
            engine.execute(f"SYSTEM START MERGES {table}")
        server.start()
        assert rows_of(engine, "shop") == before
        assert server.verify()[1].findings == 0

        drop(server, "shop")

        assert sum(rows_of(engine, "shop").values()) == 0
        findings, summary = server.verify()
        assert (findings, summary.expired_records) == ([], sum(before.values()))


def test_a_hold_on_a_record_of_the_tenant_and_logs_of_other_servers_are_respected(
    clickhouse_storage: str, tmp_path: Path
) -> None:
    with server_on(clickhouse_storage, tmp_path / "one") as server, storage_of(server) as engine:
        sent_by_tenants(server)
        assert server.cli("hold", "add", "case-1", "--actor", "alice", "--reason", "a lawsuit").returncode == 0
        before = rows_of(engine, "shop")
        refused = server.cli("tenants", "drop", "shop", "--reason", "it ended", "--yes")
        assert refused.returncode == 2
        assert "case-1" in refused.stderr
        assert rows_of(engine, "shop") == before
        assert server.cli("hold", "release", "case-1", "--reason", "settled").returncode == 0
        with server_on(clickhouse_storage, tmp_path / "two", writer="other", workers=1) as other:
            nothing = other.cli("tenants", "drop", "shop", "--reason", "it ended", "--yes")
            assert nothing.returncode == 2
            assert "lognotary/shop/audit/vm-1" in nothing.stderr
            sender = token(other, "sender-shop", "--tenant", "shop")
            wait_for(lambda: _is_known(other, sender))
            partly = server.cli("tenants", "drop", "shop", "--reason", "it ended", "--yes")
            assert partly.returncode == 1
            assert "lognotary/shop/audit/other" in partly.stderr
            assert rows_of(engine, "shop") == dict.fromkeys(TABLES, MANY)
            assert drop(other, "shop")["keptLogs"] == []
        assert rows_of(engine, "shop") == {"audit_logs": 0, "otel_logs": 0}
