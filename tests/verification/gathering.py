"""Evidence of the records in a store, and changes of the store."""

from __future__ import annotations

from server.notary.batch import Batch, LogState
from server.notary.origin import Stream
from server.verification.record_evidence import RecordEvidence, gather_evidence
from storage.stored_records import StoredRecord, read_records
from tests.api.store import LOGS, Writer, log_record

__all__ = ["NAME", "evidence", "stored", "write"]

NAME = LOGS[Stream.OPERATIONAL]


def stored(writer: Writer) -> list[StoredRecord]:
    """Return the stored operational records."""
    return list(read_records(writer.engine, Stream.OPERATIONAL, NAME.log_id, 0, 1 << 40))


def evidence(writer: Writer, *, rehash: bool = True) -> list[RecordEvidence]:
    """Return the evidence of all of them."""
    return gather_evidence(writer.engine, writer.keys, stored(writer), rehash=rehash)


def write(writer: Writer, count: int, state: LogState | None = None) -> Batch:
    """Write a batch of operational records."""
    records = [log_record(f"record {number}", at=number) for number in range(count)]
    return writer.write(records, state=state)[Stream.OPERATIONAL]
