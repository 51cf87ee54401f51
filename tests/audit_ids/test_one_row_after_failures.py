"""One row for each id while storage, senders or other processes fail, on embedded storage."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from server.codec.audit.integrity_form import integrity_hash
from server.errors.audit_records import AuditRecordClaimedError, AuditRecordConflictError
from server.errors.ingest import RefusedError, StorageRefusedError
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record, id_of


async def test_a_record_that_storage_refuses_can_be_sent_again(engine: Engine, process: AuditProcess) -> None:
    record = audit_record()

    def refuse(table: str) -> None:
        if table == "audit_logs":
            raise NotAppliedError("no room")

    async with process.running():
        process.engine.before = refuse
        with pytest.raises(StorageRefusedError):
            await process.send(record)
        process.engine.before = lambda _: None
        (receipt,) = await process.send(record)
    assert stored(engine) == [(str(receipt.record_id), 0)]


async def test_records_are_refused_while_ids_cannot_be_claimed(engine: Engine, process: AuditProcess) -> None:
    record = audit_record()

    def lose_claims(table: str) -> None:
        if table == "audit_record_ids":
            raise OutcomeUnknownError("cut off")

    async with process.running():
        process.engine.after = lose_claims
        with pytest.raises(StorageRefusedError, match="claimed"):
            await process.send(record)
        process.engine.after = lambda _: None
        await process.send(record)
    assert len(stored(engine)) == 1


async def test_a_record_whose_sender_left_during_the_commit_is_stored_once_and_known_to_a_retry(
    engine: Engine, process: AuditProcess
) -> None:
    record, begun, go_on = audit_record(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait(table: str) -> None:
        if table == "audit_logs":
            loop.call_soon_threadsafe(begun.set)
            assert go_on.wait(60)

    async with process.running():
        process.engine.before = wait
        sending = asyncio.create_task(process.send(record))
        await begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        retry = asyncio.create_task(process.send(record))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(retry), 0.02)
        go_on.set()
        (receipt,) = await retry
        assert list(await process.send(record)) == [receipt]
    assert stored(engine) == [(str(receipt.record_id), 0)]


async def test_a_record_whose_commit_has_an_unknown_outcome_is_stored_once_and_known_to_a_retry(
    engine: Engine, process: AuditProcess
) -> None:
    record = audit_record()
    failures = iter([MemoryError()])

    def fail(table: str) -> None:
        if table == "log_batches" and (error := next(failures, None)):
            raise error

    async with process.running():
        process.engine.after = fail
        # The commit repeats the insert, so the first sender may get OK.
        (receipt,) = await process.send(record)
        assert list(await process.send(record)) == [receipt]
    assert stored(engine) == [(str(receipt.record_id), 0)]


async def test_the_next_process_settles_claims_of_one_that_was_killed(engine: Engine, process: AuditProcess) -> None:
    kept, lost = audit_record(), audit_record()
    async with process.running():
        (receipt,) = await process.send(kept)
    # As if it had been killed before storage learned of the end of the one claim, and after it made the other.
    engine.execute("ALTER TABLE audit_record_ids DELETE WHERE State = 3 SETTINGS mutations_sync = 1")
    engine.execute(
        "INSERT INTO audit_record_ids (RecordId, ClaimId, State, Digest, Origin, Instance, ClaimedAt) SELECT "
        f"'{id_of(lost)}', generateUUIDv4(), 1, unhex('{integrity_hash(lost).hex()}'), 'shop/audit/vm', "
        "generateUUIDv4(), now64(3)"
    )
    async with process.running():
        assert list(await process.send(kept)) == [receipt]
        with pytest.raises(AuditRecordConflictError):
            await process.send(audit_record(receipt.record_id, audit_outcome="failure"))
        await process.send(lost)
    assert [name for name, _ in stored(engine)] == [str(receipt.record_id), str(id_of(lost))]


async def test_a_record_that_another_writer_may_be_storing_is_refused_until_that_is_known(
    engine: Engine, process: AuditProcess, tmp_path: Path
) -> None:
    record, begun, go_on = audit_record(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    other = AuditProcess(tmp_path, engine, writer="other")

    def wait(table: str) -> None:
        if table == "audit_logs":
            loop.call_soon_threadsafe(begun.set)
            assert go_on.wait(60)

    async with process.running(), other.running():
        process.engine.before = wait
        sending = asyncio.create_task(process.send(record))
        await begun.wait()
        with pytest.raises(AuditRecordClaimedError) as refusal:
            await other.send(record)
        assert isinstance(refusal.value, RefusedError)
        go_on.set()
        (receipt,) = await sending
        while True:
            try:
                assert list(await other.send(record)) == [receipt]
                break
            except AuditRecordClaimedError:
                await asyncio.sleep(0.01)
        with pytest.raises(AuditRecordConflictError):
            await other.send(audit_record(receipt.record_id, audit_action="LOGOUT"))
    assert stored(engine) == [(str(receipt.record_id), 0)]
