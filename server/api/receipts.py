"""API call for the receipt of an audit record."""

from __future__ import annotations

from uuid import UUID

from lognotary.v1 import receipts_pb2 as pb
from server.api.errors import InvalidArgumentError, NotFoundError
from server.audit_ids.receipt_message import receipt_message
from server.notary.origin import Stream
from storage.audit_ids import IdState, find_in_place, read_ids
from storage.bound import sees_all_records
from storage.engine import Engine

__all__ = ["get_receipt"]


def get_receipt(engine: Engine, request: pb.GetReceiptRequest) -> pb.GetReceiptResponse:
    """Answer ``EvidenceService.GetReceipt``.

    The receipt says what was promised, of a record that is there with this hash; that it proves nothing itself is why
    it names an inclusion proof.

    Raises:
        InvalidArgumentError: the id is not a UUID.
        NotFoundError: no audit record has a receipt under this id, or the record is not where its receipt says.
        StorageError: storage cannot be read.
    """
    try:
        record_id = UUID(request.record_id)
    except ValueError:
        raise InvalidArgumentError("record_id must be the audit.record.id of a record, a UUID") from None
    stored = [row for row in read_ids(engine, [record_id]) if row.state is IdState.STORED]
    nothing = (
        f"no audit record has a receipt under the id {record_id}: receipts are for records that were sent to "
        "/v1/audit, or with audit_strict. A record that was acknowledged a moment ago may have its receipt in a second"
    )
    if not stored:
        raise NotFoundError(nothing)
    row = min(stored, key=lambda row: (row.ingested_at, row.claim_id))
    if not find_in_place(engine, [row]):
        if not sees_all_records(Stream.AUDIT):
            raise NotFoundError(nothing)  # the record may be there, and not be the caller's to know of
        raise NotFoundError(
            f"the record {record_id} was stored as entry {row.leaf_index} of the log {row.origin}, but is not there "
            "now: it has expired, or was removed or changed, as 'lognotary verify' tells"
        )
    receipt = receipt_message(row.record_id, row.digest, row.ingested_at, row.origin, row.leaf_index)
    return pb.GetReceiptResponse(receipt=receipt)
