"""A record with its proof, as a server or the storage gives it."""

from __future__ import annotations

from uuid import UUID

from lognotary.v1 import evidence_pb2, receipts_pb2
from server.commands.sources import Source
from server.errors.base import LognotaryError
from server.escaping.visible import visible
from server.notary.canonical import leaf_of
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.proofs import verify_inclusion

__all__ = ["NotProvedError", "prove_record"]


class NotProvedError(LognotaryError):
    """A record cannot be proved; the message says why."""

    exit_status = 1


def prove_record(source: Source, record: tuple[str, int] | UUID) -> evidence_pb2.GetInclusionProofResponse:
    """Return a record with its proof, which leads to its checkpoint.

    Args:
        source: the server or storage to ask.
        record: its log and leaf, or its ``audit.record.id``.

    Raises:
        NotProvedError: the record is not what was signed, or the proof is not valid.
    """
    if isinstance(record, UUID):
        answer = source.get_receipt(receipts_pb2.GetReceiptRequest(record_id=str(record)))
        record = answer.receipt.origin, answer.receipt.leaf_index
    request = evidence_pb2.GetInclusionProofRequest(
        log=record[0], leaf_index=record[1], include_record=True, for_evidence=True
    )
    proof = source.get_inclusion_proof(request)
    name = visible(f"{proof.origin}#{proof.leaf_index}")
    if proof.evidence.state != evidence_pb2.VERIFIED:
        state = evidence_pb2.EvidenceState.Name(proof.evidence.state).lower()
        raise NotProvedError(f"{name} cannot be proved, the record is {state}: {visible(proof.evidence.reason)}")
    try:
        checkpoint, _ = open_checkpoint(proof.checkpoint)
        verify_inclusion(proof.leaf_index, checkpoint.size, leaf_of(proof.record), list(proof.path), checkpoint.root)
    except VerificationError as error:
        raise NotProvedError(f"the server's proof for {name} is invalid: {error}") from error
    return proof
