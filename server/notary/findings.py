"""Findings of verification."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

__all__ = ["Finding", "FindingKind"]


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
