"""Findings of verification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from uuid import UUID

__all__ = ["Finding", "FindingKind", "finding_id", "row_hash", "stored_hash"]


class FindingKind(Enum):
    """Kind of a finding; the values are the names in the public API (``evidence.proto``)."""

    RECORD_CHANGED = "RECORD_CHANGED"
    RECORD_MISSING = "RECORD_MISSING"
    RECORD_INSERTED = "RECORD_INSERTED"
    RECORD_REORDERED = "RECORD_REORDERED"
    RECORD_DUPLICATED = "RECORD_DUPLICATED"
    RECORDS_UNSIGNED = "RECORDS_UNSIGNED"
    BATCH_MISSING = "BATCH_MISSING"
    BATCH_ALTERED = "BATCH_ALTERED"
    BATCH_FOREIGN_SIGNED = "BATCH_FOREIGN_SIGNED"
    BATCH_DUPLICATED = "BATCH_DUPLICATED"
    LOG_FORKED = "LOG_FORKED"
    LOG_TRUNCATED = "LOG_TRUNCATED"
    TILE_ALTERED = "TILE_ALTERED"
    STATEMENT_ALTERED = "STATEMENT_ALTERED"
    STATEMENT_MISSING = "STATEMENT_MISSING"
    STATEMENT_DUPLICATED = "STATEMENT_DUPLICATED"
    STATEMENT_FOREIGN_SIGNED = "STATEMENT_FOREIGN_SIGNED"
    SIGNED_BY_COMPROMISED_KEY = "SIGNED_BY_COMPROMISED_KEY"
    TABLE_ALTERED = "TABLE_ALTERED"
    LOG_MISSING = "LOG_MISSING"
    LOG_FOREIGN_SIGNED = "LOG_FOREIGN_SIGNED"
    ANSWER_INCOMPLETE = "ANSWER_INCOMPLETE"


@dataclass(frozen=True, slots=True)
class Finding:
    """A mismatch between what is stored and what was signed.

    Attributes:
        kind: kind of the mismatch.
        message: a sentence for people.
        log_id: the log, empty where none is named.
        origin: the log's origin, empty where none is known.
        batch_id: the batch, None if the finding is not about a single batch.
        sequence: the batch's number, 0 where unknown.
        leaf_index: the record's leaf, None if the finding is not about a single record.
        record: the canonical record as stored, None if it is not stored.
        record_count: number of records affected.
        row_hash: ``row_hash`` of the row of a batch or statement as stored, empty if the finding is not about one.
        signers: if a row is signed by keys that are not known, their names and IDs, such as ``shop/audit/a+1234abcd``.
    """

    kind: FindingKind
    message: str
    log_id: str = ""
    origin: str = ""
    batch_id: UUID | None = None
    sequence: int = 0
    leaf_index: int | None = None
    record: bytes | None = None
    record_count: int = 0
    row_hash: str = ""
    signers: tuple[str, ...] = ()


def finding_id(finding: Finding) -> str:
    """Return the identity of a finding: the SHA-256 of all that it says, in hexadecimal digits.

    It is the digest of a JSON array (ASCII, without spaces); two findings that differ in anything have another.
    """
    parts = [
        "lognotary/finding/v1",
        finding.kind.value,
        finding.log_id,
        finding.origin,
        str(finding.batch_id or ""),
        finding.sequence,
        finding.leaf_index,
        finding.record_count,
        stored_hash(finding),
        finding.message,
    ]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def stored_hash(finding: Finding) -> str:
    """Return the SHA-256 of the record or row that a finding is about, as it is stored; empty for none."""
    return sha256(finding.record).hexdigest() if finding.record is not None else finding.row_hash


def row_hash(columns: Sequence[object]) -> str:
    """Return the SHA-256 of a row: of a JSON array of its columns, bytes in hexadecimal digits, UUIDs as text."""
    values = [
        column.hex() if isinstance(column, bytes) else column if isinstance(column, int) else str(column)
        for column in columns
    ]
    return sha256(json.dumps(values, separators=(",", ":")).encode()).hexdigest()
