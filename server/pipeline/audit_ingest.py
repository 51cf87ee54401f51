"""The interface for receivers of audit records that get one row for each id, and a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from server.admission.admission import Ticket
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.notary.origin import Stream

__all__ = ["AuditIngest", "AuditReceipt"]


@dataclass(frozen=True, slots=True)
class AuditReceipt:
    """Receipt of an audit record that is stored, or journaled with ``ack = journal``.

    Attributes:
        record_id: the record's id.
        integrity_hash: SHA-256 of the record's canonical JSON, 32 bytes.
        received: time of receipt in nanoseconds since the epoch.
        origin: the record's log.
        leaf_index: place in the log.
    """

    record_id: UUID
    integrity_hash: bytes
    received: int
    origin: str
    leaf_index: int


class AuditIngest(Protocol):
    """Interface for receivers, beside ``Ingest``: the same tickets, and requests whose audit records are checked."""

    async def submit_audit(
        self,
        request: bytes,
        ticket: Ticket,
        *,
        every: bool,
        provenance: Provenance = NO_PROVENANCE,
        streams: frozenset[Stream] | None = None,
    ) -> Sequence[AuditReceipt]:
        """Check, store and sign a logs request; return once all of its records are committed.

        Args:
            request: a serialized ``ExportLogsServiceRequest``.
            ticket: ticket of the request's admission.
            every: True if all records must be audit records, False if only those with a key of the draft are.
            provenance: the tenant and the sender of the records.
            streams: the streams that the sender may write to; None for all.

        Returns:
            A receipt for each audit record, in order; one for records with the same id.

        Raises:
            MalformedRequestError: the bytes are not such a request, or a record is not a valid audit record.
            ForbiddenStreamError: a record belongs to a stream that the sender may not write to; nothing is stored.
            AuditRecordConflictError: a record with the id of one of the request, and other content, is stored.
            OversizedError: the request needs more memory than the limit.
            RefusedError: the request was not committed; the sender should retry after ``retry_after`` seconds.
        """
        ...
