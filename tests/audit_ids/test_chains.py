"""Chains of producers: forks, jumps and changes of stream are annotated, and records that were refused do not count."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.audit.integrity_form import integrity_hash
from server.errors.ingest import StorageRefusedError
from storage.audit_ids import IdState, link_id, read_ids
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.rowbinary import read_rows, text
from tests.audit_ids.audit_process import AuditProcess
from tests.audit_ids.audit_records import audit_record


def after(before: LogRecord) -> LogRecord:
    return audit_record(audit_sequence_previous_hash=integrity_hash(before).hex())


def numbered(record: LogRecord, number: str | None, stream: str | None) -> LogRecord:
    for key, value in (("number", number), ("stream_id", stream)):
        if value is not None:
            record.attributes.append(KeyValue(key=f"audit.sequence.{key}", value=AnyValue(string_value=value)))
    return record


def breaks(engine: Engine) -> list[dict[str, Any]]:
    """Return the breaks of the stored records, in the order of the log."""
    rows = engine.query("SELECT OtlpDetails FROM audit_logs ORDER BY LeafIndex")
    return [json.loads(details).get("audit_chain", {}) for (details,) in read_rows(rows, (text,))]


async def test_the_second_record_that_names_another_as_the_one_before_is_a_fork(engine: Engine, tmp_path: Path) -> None:
    first = audit_record(audit_sequence_number="1")
    second, rival, third = after(first), after(first), after(first)
    process = AuditProcess(tmp_path, engine)
    async with process.running():
        for record in (first, second, second, after(second)):
            await process.send(record)
        assert process.writing.audit.chain_breaks.total() == 0
    async with process.running():
        await process.send(rival, third)
        await process.send(rival)
        assert process.writing.audit.chain_breaks == {"previous": 0, "fork": 2, "number": 0, "stream": 0}
    assert breaks(engine) == [{}, {}, {}, {"fork": True}, {"fork": True}]


async def test_numbers_that_jump_and_another_stream_are_breaks(engine: Engine, tmp_path: Path) -> None:
    records = [numbered(audit_record(), "7", "a")]
    for number, stream in (("8", "a"), ("10", "a"), ("11", "b"), (None, "b"), ("14", "b"), ("16", None)):
        records.append(numbered(after(records[-1]), number, stream))
    process = AuditProcess(tmp_path, engine)
    async with process.running():
        for record in records[:3]:
            await process.send(record)
        await process.send(*records[3:])
        assert process.writing.audit.chain_breaks == {"previous": 0, "fork": 0, "number": 2, "stream": 1}
    expected: list[dict[str, Any]] = [{}, {}, {"number": "jump"}, {"stream": "changed"}, {}, {}, {"number": "jump"}]
    assert breaks(engine) == expected


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_record_that_was_refused_after_its_claim_is_not_known(
    engine: Engine, tmp_path: Path, *, is_killed: bool
) -> None:
    first = audit_record(audit_sequence_number="1")
    refused = after(first)
    process = AuditProcess(tmp_path, engine)

    def refuse(table: str) -> None:
        if table == "audit_logs":
            raise NotAppliedError("no room")

    async with process.running():
        await process.send(first)
        process.engine.before = refuse
        with pytest.raises(StorageRefusedError):
            await process.send(refused)
        process.engine.before = lambda _: None
    if is_killed:
        engine.execute("ALTER TABLE audit_record_ids DELETE WHERE State = 2 SETTINGS mutations_sync = 1")
    async with process.running():
        link = link_id(integrity_hash(refused))
        while True:
            if any(row.state is IdState.RELEASED for row in read_ids(engine, [link])):
                break
            await asyncio.sleep(0.01)
        await process.send(after(refused))
        if not is_killed:
            await process.send(after(first))
    assert breaks(engine) == [{}, {"previous": "unknown"}] + ([] if is_killed else [{}])
