"""Ids of audit records of several tenants, in one process: each tenant has ids of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from server.errors.audit_records import AuditRecordConflictError
from server.errors.ingest import ForbiddenStreamError, MalformedRequestError, OverloadedError
from server.notary.origin import Stream
from storage.audit_ids import IdState, read_ids
from storage.clickhouse import connect
from storage.engine import Engine
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with closing(connect(parse_storage_url(f"chdb://{tmp_path / 'chdb'}"))) as opened:
        migrate(opened)
        yield opened


async def test_one_id_of_two_tenants_is_two_records_of_which_neither_knows_the_other(
    engine: Engine, tmp_path: Path
) -> None:
    process, record_id = AuditProcess(tmp_path, engine), uuid4()
    async with process.running():
        [acme] = await process.send(audit_record(record_id), tenant="acme")
        [umbrella] = await process.send(audit_record(record_id, audit_actor_id="bob"), tenant="umbrella")
        [default] = await process.send(audit_record(record_id, audit_actor_id="carol"))
        assert [receipt.origin for receipt in (acme, umbrella, default)] == [
            "shop/acme/audit/vm",
            "shop/umbrella/audit/vm",
            "shop/audit/vm",
        ]
        assert await process.send(audit_record(record_id), tenant="acme") == [acme]
        with pytest.raises(AuditRecordConflictError):
            await process.send(audit_record(record_id, audit_actor_id="bob"), tenant="acme")
    assert stored(engine) == [(str(record_id), 0)] * 3
    rows = [row for row in read_ids(engine, [record_id]) if row.state is IdState.STORED]
    assert {row.tenant: row.origin for row in rows} == {
        "acme": acme.origin,
        "umbrella": umbrella.origin,
        "": default.origin,
    }
    assert [row.origin for row in read_ids(engine, [record_id], "acme")] == [acme.origin] * len(
        read_ids(engine, [record_id], "acme")
    )


async def test_a_restart_knows_the_ids_of_each_tenant(engine: Engine, tmp_path: Path) -> None:
    process, record = AuditProcess(tmp_path, engine), audit_record()
    async with process.running():
        first = await process.send(record, tenant="acme")
    async with process.running():
        assert await process.send(record, tenant="acme") == first
        assert len(await process.send(record, tenant="umbrella")) == 1
    assert len(stored(engine)) == 2


async def test_a_claim_that_a_tenants_record_left_open_is_settled_by_the_next_start(
    engine: Engine, tmp_path: Path
) -> None:
    process, record = AuditProcess(tmp_path, engine), audit_record()
    async with process.running():
        await process.send(record, tenant="acme")
    engine.execute(f"ALTER TABLE audit_record_ids DELETE WHERE State = {IdState.STORED:d} SETTINGS mutations_sync = 2")
    async with process.running():
        [receipt] = await process.send(record, tenant="acme")
        assert (receipt.origin, receipt.leaf_index) == ("shop/acme/audit/vm", 0)
    assert len(stored(engine)) == 1


async def test_requests_that_are_refused_leave_no_gate_and_no_usage_of_a_tenant(engine: Engine, tmp_path: Path) -> None:
    process = AuditProcess(tmp_path, engine)
    async with process.running():
        for number in range(20):
            with pytest.raises(MalformedRequestError):
                await process.send_bytes(b"\xff", tenant=f"ghost-{number}")
            with pytest.raises(ForbiddenStreamError):
                await process.send(audit_record(), tenant=f"other-{number}", streams=frozenset({Stream.SPANS}))
        await asyncio.sleep(0.05)
        running = [
            task for task in asyncio.all_tasks() if str(task.get_coro()).startswith("<coroutine object AuditGate.")
        ]
        assert len(running) == 1, "only the gate of the default tenant runs"
        assert process.ingestion.usage() == {}
        await process.send(audit_record(), tenant="acme")
        assert set(process.ingestion.usage()) == {"acme"}
        assert b"ghost" not in process.ingestion.metrics.expose()


async def test_records_of_all_tenants_on_their_way_count_together(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.audit_ids.gate._MOST", 2)
    process = AuditProcess(tmp_path, engine)
    async with process.running():
        engine.execute("ALTER TABLE audit_record_ids ADD CONSTRAINT no_ends CHECK State < 2")
        for tenant in ("acme", "umbrella"):
            await process.send(audit_record(), tenant=tenant)
        with pytest.raises(OverloadedError, match="on their way"):
            await process.send(audit_record(), tenant="third")
        engine.execute("ALTER TABLE audit_record_ids DROP CONSTRAINT no_ends")
