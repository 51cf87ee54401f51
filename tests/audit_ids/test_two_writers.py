"""Two processes on one storage that get the same records at the same time, in any order, with failing inserts."""

from __future__ import annotations

import asyncio
import random
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.errors.audit_records import AuditRecordConflictError
from server.errors.ingest import RefusedError
from storage.clickhouse import connect
from storage.errors import NotAppliedError, OutcomeUnknownError
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.audit_ids.audit_process import AuditProcess, stored
from tests.audit_ids.audit_records import audit_record


@pytest.mark.parametrize("seed", range(2))
async def test_each_id_has_one_row_and_each_receipt_names_it(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def refuse(_: str) -> None:
        if chance.random() < 0.05:
            raise NotAppliedError("a fault")

    def lose(_: str) -> None:
        if chance.random() < 0.05:
            raise OutcomeUnknownError("a fault")

    records = [audit_record() for _ in range(12)]
    forged = [audit_record(_id(record), audit_outcome="failure") for record in records[:3]]
    receipts: set[tuple[str, str, int]] = set()

    async def send(process: AuditProcess) -> None:
        wanted = chance.sample(records + forged, 3)
        for _ in range(40):
            try:
                for receipt in await process.send(*wanted):
                    receipts.add((str(receipt.record_id), receipt.origin, receipt.leaf_index))
            except AuditRecordConflictError:
                return
            except RefusedError:
                await asyncio.sleep(chance.random() / 50)
            else:
                return

    with closing(connect(parse_storage_url(f"chdb://{tmp_path / 'chdb'}"))) as engine:
        migrate(engine)
        processes = [AuditProcess(tmp_path, engine, writer=name) for name in ("first", "second")]
        async with processes[0].running(), processes[1].running():
            for process in processes:
                process.engine.before, process.engine.after = refuse, lose
            await asyncio.gather(*(send(process) for process in processes for _ in range(15)))
            for process in processes:
                process.engine.before = process.engine.after = lambda _: None
        names = [name for name, _ in stored(engine)]
        assert len(names) == len(set(names))
        assert {name for name, _, _ in receipts} <= set(names)
        assert len(receipts) == len({name for name, _, _ in receipts})


def _id(record: LogRecord) -> str:
    return next(one.value.string_value for one in record.attributes if one.key == "audit.record.id")
