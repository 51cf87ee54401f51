"""One row for each id: through the whole ingestion of one process or several, on embedded storage."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.otlp_load import log_record
from lognotary.v1.receipts_pb2 import GetReceiptRequest
from server.api.errors import NotFoundError
from server.api.receipts import get_receipt
from server.audit_ids.standing import newest
from server.codec.audit.integrity_form import integrity_hash
from server.errors.audit_records import AuditRecordClaimedError, AuditRecordConflictError, InvalidAuditRecordError
from server.errors.ingest import ForbiddenStreamError, RefusedError, StorageRefusedError
from server.notary.origin import LogName, Stream
from storage.audit_ids import IdRow, IdState, find_stored, read_ids
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError
from storage.migrate import migrate
from storage.rowbinary import read_one, read_rows, text, uint64
from storage.url import parse_storage_url
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record, bytes_of


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with closing(connect(parse_storage_url(f"chdb://{tmp_path_factory.mktemp('ids') / 'chdb'}"))) as engine:
        migrate(engine)
        yield engine


@pytest.fixture
def engine(opened: Engine) -> Engine:
    for table in ("audit_logs", "otel_logs", "log_batches", "log_tiles", "log_statements", "log_writers"):
        opened.execute(f"TRUNCATE TABLE {table} SYNC")
    opened.execute("TRUNCATE TABLE audit_record_ids SYNC")
    return opened


@pytest.fixture
def process(engine: Engine, tmp_path: Path) -> AuditProcess:
    return AuditProcess(tmp_path, engine)


def _id(record: LogRecord) -> UUID:
    values = {attribute.key: attribute.value.string_value for attribute in record.attributes}
    return UUID(values["audit.record.id"])


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
        f"'{_id(lost)}', generateUUIDv4(), 1, unhex('{integrity_hash(lost).hex()}'), 'shop/audit/vm', "
        "generateUUIDv4(), now64(3)"
    )
    async with process.running():
        assert list(await process.send(kept)) == [receipt]
        with pytest.raises(AuditRecordConflictError):
            await process.send(audit_record(receipt.record_id, audit_outcome="failure"))
        await process.send(lost)
    assert [name for name, _ in stored(engine)] == [str(receipt.record_id), str(_id(lost))]


async def test_a_record_that_only_has_the_id_is_not_taken_for_the_one_that_was_claimed(
    engine: Engine, process: AuditProcess
) -> None:
    record = audit_record()
    decoy = audit_record(_id(record), audit_actor_id="eve")
    engine.execute(
        "INSERT INTO audit_record_ids (RecordId, ClaimId, State, Digest, Origin, Instance, ClaimedAt) SELECT "
        f"'{_id(record)}', generateUUIDv4(), 1, unhex('{integrity_hash(record).hex()}'), 'shop/audit/vm', "
        "generateUUIDv4(), '2026-01-01 00:00:00'"
    )
    async with process.running():
        await process.send_logs(decoy)
        (receipt,) = await process.send(record)
        assert (receipt.integrity_hash, receipt.leaf_index) == (integrity_hash(record), 1)
    assert [leaf for _, leaf in stored(engine)] == [0, 1]


async def test_a_claim_of_a_record_that_is_not_there_gives_no_receipt(engine: Engine, process: AuditProcess) -> None:
    record, kept = audit_record(), audit_record()
    async with process.running():
        (receipt,) = await process.send(kept)
        await process.writing.audit.flush()
        engine.execute(
            "INSERT INTO audit_record_ids SELECT * REPLACE ("
            f"toUUID('{_id(record)}') AS RecordId, unhex('{integrity_hash(record).hex()}') AS Digest) "
            f"FROM (SELECT * FROM audit_record_ids WHERE RecordId = '{receipt.record_id}' AND State = 3)"
        )
        with pytest.raises(AuditRecordConflictError, match="entry 0 of the log shop/audit/vm, but is not there now"):
            await process.send(record)
        with pytest.raises(NotFoundError, match="is not there now"):
            get_receipt(engine, GetReceiptRequest(record_id=str(_id(record))))
        found = get_receipt(engine, GetReceiptRequest(record_id=str(receipt.record_id))).receipt
        assert found.integrity_hash == receipt.integrity_hash.hex()


async def test_rows_that_nobody_understands_stop_no_process(engine: Engine, process: AuditProcess) -> None:
    first, second = audit_record(), audit_record()
    async with process.running():
        (receipt,) = await process.send(first)
    for record, state, origin in ((first, 7, "shop/audit/vm"), (second, 3, "nonsense"), (second, 1, "shop/audit/vm")):
        engine.execute(
            "INSERT INTO audit_record_ids (RecordId, ClaimId, State, Digest, Origin, Instance, ClaimedAt) SELECT "
            f"'{_id(record)}', generateUUIDv4(), {state}, unhex('{integrity_hash(record).hex()}'), '{origin}', "
            "generateUUIDv4(), now64(3)"
        )
    async with process.running():
        assert list(await process.send(first)) == [receipt]
        with pytest.raises(AuditRecordConflictError, match="not there now"):
            await process.send(second)
        with pytest.raises(NotFoundError):
            get_receipt(engine, GetReceiptRequest(record_id=str(_id(second))))


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


def test_a_row_whose_digest_is_no_digest_is_not_found_and_stops_nobody(engine: Engine) -> None:
    origin, ids = "shop/audit/node-1", [uuid4(), uuid4()]
    details = [f'{{"audit_integrity":{{"sha256":"{digest}"}}}}' for digest in ("z" * 64, "0a" * 32)]
    rows = [
        f"('{one}', '{LogName.parse(origin).log_id}', {leaf}, now64(9), '{text}')"
        for leaf, (one, text) in enumerate(zip(ids, details, strict=True))
    ]
    columns = "AuditRecordId, LogId, LeafIndex, IngestedAt, OtlpDetails"
    engine.execute(f"INSERT INTO audit_logs ({columns}) VALUES {', '.join(rows)}")
    found = find_stored(engine, origin, ids, 0)
    assert {key: place.leaf_index for key, place in found.items()} == {(ids[1], bytes.fromhex("0a" * 32)): 1}
