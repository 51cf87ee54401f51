"""Claims and records in storage that no process would have left like this."""

from __future__ import annotations

from uuid import uuid4

import pytest

from lognotary.v1.receipts_pb2 import GetReceiptRequest
from server.api.errors import NotFoundError
from server.api.receipts import get_receipt
from server.codec.audit.integrity_form import integrity_hash
from server.errors.audit_records import AuditRecordConflictError
from server.notary.origin import LogName
from storage.audit_ids import find_stored
from storage.engine import Engine
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record, id_of


async def test_a_record_that_only_has_the_id_is_not_taken_for_the_one_that_was_claimed(
    engine: Engine, process: AuditProcess
) -> None:
    record = audit_record()
    decoy = audit_record(id_of(record), audit_actor_id="eve")
    engine.execute(
        "INSERT INTO audit_record_ids (RecordId, ClaimId, State, Digest, Origin, Instance, ClaimedAt) SELECT "
        f"'{id_of(record)}', generateUUIDv4(), 1, unhex('{integrity_hash(record).hex()}'), 'shop/audit/vm', "
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
            f"toUUID('{id_of(record)}') AS RecordId, unhex('{integrity_hash(record).hex()}') AS Digest) "
            f"FROM (SELECT * FROM audit_record_ids WHERE RecordId = '{receipt.record_id}' AND State = 3)"
        )
        with pytest.raises(AuditRecordConflictError, match="entry 0 of the log shop/audit/vm, but is not there now"):
            await process.send(record)
        with pytest.raises(NotFoundError, match="is not there now"):
            get_receipt(engine, GetReceiptRequest(record_id=str(id_of(record))))
        found = get_receipt(engine, GetReceiptRequest(record_id=str(receipt.record_id))).receipt
        assert found.integrity_hash == receipt.integrity_hash.hex()


async def test_rows_that_nobody_understands_stop_no_process(engine: Engine, process: AuditProcess) -> None:
    first, second = audit_record(), audit_record()
    async with process.running():
        (receipt,) = await process.send(first)
    for record, state, origin in ((first, 7, "shop/audit/vm"), (second, 3, "nonsense"), (second, 1, "shop/audit/vm")):
        engine.execute(
            "INSERT INTO audit_record_ids (RecordId, ClaimId, State, Digest, Origin, Instance, ClaimedAt) SELECT "
            f"'{id_of(record)}', generateUUIDv4(), {state}, unhex('{integrity_hash(record).hex()}'), '{origin}', "
            "generateUUIDv4(), now64(3)"
        )
    async with process.running():
        assert list(await process.send(first)) == [receipt]
        with pytest.raises(AuditRecordConflictError, match="not there now"):
            await process.send(second)
        with pytest.raises(NotFoundError):
            get_receipt(engine, GetReceiptRequest(record_id=str(id_of(second))))


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
