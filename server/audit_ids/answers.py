"""Answers about records whose ids are known: receipts, conflicts, and ids that are on their way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from uuid import UUID

from server.audit_ids.claims import Round
from server.audit_ids.standing import Standing
from server.codec.audit.strict_records import StrictRecord
from server.errors.audit_records import AuditRecordClaimedError, AuditRecordConflictError
from server.pipeline.audit_ingest import AuditReceipt

__all__ = ["check_same", "claimed_error", "known_receipts"]

_FREE = Standing()


def known_receipts(records: Sequence[StrictRecord], found: Round) -> dict[UUID, AuditReceipt]:
    """Return the receipts of the records that storage has.

    Raises:
        AuditRecordConflictError: storage has another record under an id, or had one.
        AuditRecordClaimedError: the record of an id may be on its way elsewhere.
    """
    receipts = {}
    for record in records:
        standing = found.standings.get(record.record_id, _FREE)
        if (row := standing.stored) is not None:
            check_same(record, row.digest)
            if row.record_id in found.gone:
                raise AuditRecordConflictError(
                    f"{record.place}: a record with this id was stored as entry {row.leaf_index} of the log "
                    f"{row.origin}, but is not there now: it has expired, or was removed, as 'lognotary verify' tells. "
                    "To store it again, give it another id. Nothing of the request was stored"
                )
            receipts[row.record_id] = AuditReceipt(
                row.record_id, row.digest, row.ingested_at, row.origin, row.leaf_index
            )
    for record in records:
        standing = found.standings.get(record.record_id, _FREE)
        if standing.elsewhere or standing.earlier:
            raise claimed_error(record)
    return receipts


def check_same(record: StrictRecord, digest: bytes) -> None:
    """Check that a record is the one with a digest, which has its id; raises AuditRecordConflictError."""
    if record.digest != digest:
        raise AuditRecordConflictError(
            f"{record.place}: a record with this id and other content is stored, of which the integrity hash is "
            f"{digest.hex()}: give each record an id of its own. Nothing of the request was stored"
        )


def claimed_error(record: StrictRecord) -> AuditRecordClaimedError:
    """Return the error for a record whose id is on its way."""
    return AuditRecordClaimedError(
        f"{record.place}: a record with this id is on its way in another request: send the request again",
        retry_after=random.uniform(0.5, 2.0),  # noqa: S311 - spreads senders that met
    )
