"""The receipt of an audit record as a message of the API."""

from __future__ import annotations

from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import receipts_pb2 as pb
from server.notary.origin import LogName

__all__ = ["receipt_message"]


def receipt_message(record_id: UUID, integrity_hash: bytes, received: int, origin: str, leaf_index: int) -> pb.Receipt:
    """Return the receipt of a record. Args: as the attributes of ``AuditReceipt``."""
    log_id = LogName.parse(origin).log_id
    seconds, nanos = divmod(received, 10**9)
    return pb.Receipt(
        record_id=str(record_id),
        integrity_hash=integrity_hash.hex(),
        sink_time=Timestamp(seconds=seconds, nanos=nanos),
        origin=origin,
        log_id=log_id,
        leaf_index=leaf_index,
        proof_url=f"/api/v1/logs/{log_id}/inclusion-proof?leaf_index={leaf_index}",
    )
