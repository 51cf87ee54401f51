"""One row for each id: through the whole ingestion of one process, on embedded storage."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from harness.otlp_load import log_record
from server.audit_ids.standing import newest
from server.codec.audit.integrity_form import integrity_hash
from server.errors.audit_records import AuditRecordConflictError, InvalidAuditRecordError
from server.errors.ingest import ForbiddenStreamError
from server.notary.origin import Stream
from storage.audit_ids import IdRow, IdState, read_ids
from storage.engine import Engine
from storage.rowbinary import read_one, read_rows, text, uint64
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record, bytes_of


def open_claims_of(engine: Engine, record_id: UUID) -> list[IdRow]:
    return [row for row in newest(read_ids(engine, [record_id])) if row.state is IdState.CLAIMED]


async def test_each_new_record_is_stored_with_a_receipt_that_names_its_place(
    engine: Engine, process: AuditProcess
) -> None:
    first, second = audit_record(), audit_record()
    async with process.running():
        receipts = await process.send(first, second)
    assert [receipt.integrity_hash for receipt in receipts] == [integrity_hash(first), integrity_hash(second)]
    assert {receipt.origin for receipt in receipts} == {"shop/audit/vm"}
    assert [(str(receipt.record_id), receipt.leaf_index) for receipt in receipts] == stored(engine)
    times = engine.query("SELECT toUInt64(toUnixTimestamp64Nano(IngestedAt)) FROM audit_logs ORDER BY LeafIndex")
    assert [time for (time,) in read_rows(times, (uint64,))] == [receipt.received for receipt in receipts]
    assert read_one(engine.query("SELECT DISTINCT toString(AuditRule) FROM audit_logs"), text) == "otel-audit"


async def test_a_record_that_comes_again_gets_its_first_receipt_and_no_second_row(
    engine: Engine, process: AuditProcess
) -> None:
    record, later = audit_record(), audit_record()
    async with process.running():
        (receipt,) = await process.send(record)
        assert list(await process.send(record)) == [receipt]
        assert list(await process.send(record, record)) == [receipt]
        again, new = await process.send(record, later)
        assert again == receipt
        assert new.leaf_index == 1
    async with process.running():
        assert list(await process.send(record, later)) == [receipt, new]
    assert [leaf for _, leaf in stored(engine)] == [0, 1]


async def test_an_id_in_upper_case_is_the_same_id(engine: Engine, process: AuditProcess) -> None:
    record_id = uuid4()
    async with process.running():
        await process.send(audit_record(str(record_id).upper()))
        with pytest.raises(AuditRecordConflictError):  # the record differs by the spelling of its id
            await process.send(audit_record(record_id))
    assert stored(engine) == [(str(record_id).upper(), 0)]


async def test_another_record_under_the_same_id_is_a_conflict_and_nothing_of_its_request_is_stored(
    engine: Engine, process: AuditProcess
) -> None:
    record_id = uuid4()
    async with process.running():
        await process.send(audit_record(record_id))
        with pytest.raises(AuditRecordConflictError, match=str(record_id)) as conflict:
            await process.send(audit_record(), audit_record(record_id, audit_outcome="failure"))
        assert not conflict.value.retryable
        assert str(record_id) not in conflict.value.loggable
        with pytest.raises(AuditRecordConflictError):
            await process.send(audit_record(one := uuid4()), audit_record(one, audit_action="LOGOUT"))
    assert [name for name, _ in stored(engine)] == [str(record_id)]


async def test_a_sender_for_other_streams_learns_and_stores_nothing(engine: Engine, process: AuditProcess) -> None:
    known, other = audit_record(), audit_record()
    async with process.running():
        (receipt,) = await process.send(known)
        for record in (known, other):
            with pytest.raises(ForbiddenStreamError, match="of the stream audit"):
                await process.send(record, streams=frozenset({Stream.OPERATIONAL}))
        with pytest.raises(ForbiddenStreamError, match="of the stream operational"):
            await process.send(other, log_record("a line"), every=False, streams=frozenset({Stream.AUDIT}))
        # The refused requests have left no claim of an id behind.
        again, new = await process.send(known, other, streams=frozenset({Stream.AUDIT}))
    assert (again, new.leaf_index) == (receipt, 1)
    assert len(stored(engine)) == 2


async def test_an_id_whose_request_was_refused_is_free_again(engine: Engine, process: AuditProcess) -> None:
    record_id = uuid4()
    async with process.running():
        await process.send(audit_record(taken := uuid4()))
        with pytest.raises(AuditRecordConflictError):
            await process.send(audit_record(record_id), audit_record(taken, audit_outcome="failure"))
        with pytest.raises(InvalidAuditRecordError):
            await process.send(audit_record(record_id), audit_record("not a UUID"))
        await process.send(audit_record(record_id, audit_outcome="unknown"))
    assert [name for name, _ in stored(engine)] == [str(taken), str(record_id)]
    assert open_claims_of(engine, record_id) == []


async def test_requests_with_the_same_new_record_at_the_same_time_store_it_once(
    engine: Engine, process: AuditProcess
) -> None:
    shared = [audit_record() for _ in range(4)]
    requests = [[*shared[number % 4 :], audit_record()] for number in range(12)]
    async with process.running():
        answers = await asyncio.gather(*(process.send(*records) for records in requests))
    assert len({receipt for receipts in answers for receipt in receipts}) == len(stored(engine)) == 4 + 12
    assert len({name for name, _ in stored(engine)}) == 4 + 12


async def test_a_journaled_record_is_acknowledged_and_known_to_a_retry(engine: Engine, tmp_path: Path) -> None:
    process, record = AuditProcess(tmp_path, engine, ack="journal"), audit_record()
    async with process.running():
        (receipt,) = await process.send(record)
        assert list(await process.send(record)) == [receipt]
    async with process.running():
        assert list(await process.send(record)) == [receipt]
    assert stored(engine) == [(str(receipt.record_id), 0)]


async def test_other_records_of_a_request_are_stored_beside_its_audit_records(
    engine: Engine, process: AuditProcess
) -> None:
    record = audit_record()
    async with process.running():
        (receipt,) = await process.send(log_record("before"), record, log_record("after"), every=False)
        assert await process.send(log_record("alone"), every=False) == ()
        with pytest.raises(InvalidAuditRecordError):
            await process.send(log_record("not audit"), audit_record(audit_outcome=None), every=False)
    assert stored(engine) == [(str(receipt.record_id), 0)]
    bodies = read_rows(engine.query("SELECT Body FROM otel_logs ORDER BY LeafIndex"), (text,))
    assert [body for (body,) in bodies] == ["before", "after", "alone"]


async def test_native_records_are_audit_records_whatever_the_rules_are(engine: Engine, tmp_path: Path) -> None:
    config = tmp_path / "lognotary.toml"
    config.write_text("[audit]\nbuilt_in_rules = false\n")
    process = AuditProcess(tmp_path, engine, config=str(config))
    async with process.running():
        (receipt,) = await process.send(audit_record())
    assert stored(engine) == [(str(receipt.record_id), 0)]


async def test_a_record_that_names_an_unknown_record_before_it_is_stored_annotated_and_counted(
    engine: Engine, process: AuditProcess
) -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    chain = [audit_record(audit_sequence_number="1", audit_prev_hash=empty)]
    chain.append(audit_record(audit_sequence_previous_hash=integrity_hash(chain[0]).hex()))
    chain.append(audit_record(audit_prev_hash=integrity_hash(chain[1]).hex().upper()))
    broken = [audit_record(audit_prev_hash=wrong) for wrong in ("ab" * 32, "no hash")]
    async with process.running():
        for record in chain:
            await process.send(record)
        assert process.writing.audit.chain_breaks.total() == 0
        await process.send(*broken, audit_record())
        assert process.writing.audit.chain_breaks["previous"] == 2
    async with process.running():
        await process.send(audit_record(audit_prev_hash=integrity_hash(chain[2]).hex()))
        assert process.writing.audit.chain_breaks.total() == 0
    details = read_rows(engine.query("SELECT OtlpDetails FROM audit_logs ORDER BY LeafIndex"), (text,))
    marks = ['"audit_chain":{"previous":"unknown"}' in one for (one,) in details]
    assert marks == [False, False, False, True, True, False, False]


async def test_a_request_without_records_is_accepted(process: AuditProcess) -> None:
    async with process.running():
        assert await process.send_bytes(bytes_of()) == ()
