"""Proofs in the evidence of an answer: the canonical record, its audit path and its checkpoint.

With them, a reader checks each record of an answer without another call and without belief in the server.
"""

from __future__ import annotations

from typing import Protocol

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.checkpoints import checkpoint_note
from server.api.errors import InvalidArgumentError
from server.verification.record_evidence import RecordEvidence

__all__ = ["MOST_BYTES", "GivenProofs", "proofs_for"]

MOST_BYTES = 16 << 20
"""Bytes of the canonical records in one answer; the first one is given even if it is larger."""


class _Request(Protocol):
    @property
    def include_proofs(self) -> bool: ...

    @property
    def check(self) -> correlation_pb2.EvidenceCheck: ...


class GivenProofs:
    """Proofs in one answer, with a limit on the size of the canonical records."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Begin an answer, whose canonical records may have ``most_bytes`` bytes."""
        self._most = most_bytes
        self._given = 0

    def add(self, message: evidence_pb2.Evidence, evidence: RecordEvidence) -> None:
        """Add the proof of a record to the message of its evidence."""
        given = self._given + len(evidence.canonical)
        if not self._given or given <= self._most:
            message.canonical_record = evidence.canonical
            self._given = given
        if evidence.batch is not None and evidence.path is not None:
            message.inclusion_path.extend(evidence.path)
            message.checkpoint = checkpoint_note(evidence.batch)


def proofs_for(request: _Request) -> GivenProofs | None:
    """Return the proofs of the answer to a request; None if it did not ask for them.

    Raises:
        InvalidArgumentError: it asks for proofs, but not for the check from which they come.
    """
    if not request.include_proofs:
        return None
    if request.check == correlation_pb2.CHECK_SIGNATURES:
        raise InvalidArgumentError(
            "include_proofs: proofs are made as records are checked, and CHECK_SIGNATURES checks no records: leave "
            "one of the two out"
        )
    return GivenProofs()
