"""Receipts of audit records, over the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest

from lognotary.v1.receipts_pb2 import GetReceiptRequest
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.http_api import build_http_api
from server.api.receipts import get_receipt
from server.notary.origin import LogName
from server.notary.trust import TrustedKeys
from server.process.pools import Pool
from storage.audit_ids import DIGEST_MEMBER, IdRow, IdState, insert_ids, link_id, open_claims, read_ids
from storage.clickhouse import connect
from storage.engine import Engine
from storage.migrate import migrate
from storage.url import parse_storage_url

ID = UUID("0b5d1d3c-1a77-4a1e-8a47-6a8cf0f3a9d2")
NOVEMBER, DECEMBER = 1_795_000_000_000, 1_798_000_000_000
CLAIM = IdRow(ID, uuid4(), IdState.CLAIMED, b"d" * 32, "shop/audit/vm", uuid4(), NOVEMBER)
STORED = replace(CLAIM, state=IdState.STORED, leaf_index=64, ingested_at=1_795_000_000_000_000_007)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with closing(connect(parse_storage_url(f"chdb://{tmp_path_factory.mktemp('receipts') / 'chdb'}"))) as engine:
        migrate(engine)
        yield engine


def insert_record(engine: Engine) -> None:
    """Insert the row of the record, as far as a receipt needs it."""
    engine.execute(
        "INSERT INTO audit_logs (AuditRecordId, LogId, LeafIndex, IngestedAt, OtlpDetails) SELECT "
        f"'{ID}', '{LogName.parse(STORED.origin).log_id}', {STORED.leaf_index}, "
        f"fromUnixTimestamp64Nano({STORED.ingested_at}), "
        f'\'{{"{DIGEST_MEMBER}":{{"sha256":"{STORED.digest.hex()}"}}}}\''
    )


async def test_a_record_has_a_receipt_once_storage_knows_that_it_is_stored(engine: Engine) -> None:
    released = replace(CLAIM, claim_id=uuid4(), state=IdState.RELEASED, claimed_at=DECEMBER)
    insert_ids(engine, [CLAIM, released, replace(CLAIM, record_id=link_id(CLAIM.digest), state=IdState.LINK)])
    request = GetReceiptRequest(record_id=str(ID).upper())
    with pytest.raises(NotFoundError, match="a moment ago"):
        get_receipt(engine, request)
    insert_ids(engine, [STORED])
    with pytest.raises(NotFoundError, match="is not there now"):
        get_receipt(engine, request)
    insert_record(engine)
    assert STORED in read_ids(engine, [ID])
    assert open_claims(engine, "shop/audit/other", None, 10) == []
    receipt = get_receipt(engine, request).receipt
    assert (receipt.record_id, receipt.integrity_hash) == (str(ID), (b"d" * 32).hex())
    assert (receipt.origin, receipt.leaf_index) == ("shop/audit/vm", 64)
    assert receipt.sink_time.ToNanoseconds() == STORED.ingested_at
    app = build_http_api(Backend(engine, TrustedKeys(())), Pool("api", 1), str, bytes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as http:
        answer = await http.get(f"/api/v1/receipts/{ID}")
        assert answer.json()["receipt"]["proofUrl"] == receipt.proof_url
        assert (await http.get(f"/api/v1/receipts/{uuid4()}")).status_code == 404
        assert (await http.get("/api/v1/receipts/17")).status_code == 400
    with pytest.raises(InvalidArgumentError):
        get_receipt(engine, GetReceiptRequest())
