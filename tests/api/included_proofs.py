"""Records of answers, checked as a reader does who has the log's key, and nothing else from the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.check import entry_of, leaf_hash, root_from_path
from server.notary.checkpoint import open_checkpoint
from server.notary.keys import VerifierKey

__all__ = ["evidence_of", "is_proved", "proved_root", "without_proofs"]


def evidence_of(entries: Iterable[pb.TimelineEntry | pb.Record]) -> Iterator[evidence_pb2.Evidence]:
    """Yield the evidence of each record or span that has some."""
    for entry in entries:
        content = entry if isinstance(entry, pb.Record) else getattr(entry, entry.WhichOneof("entry"))
        if content.HasField("evidence"):
            yield content.evidence


def proved_root(evidence: evidence_pb2.Evidence, key: VerifierKey) -> bytes:
    """Return the root hash of the checkpoint beside a record, whose signature, log and size are checked first."""
    checkpoint, note = open_checkpoint(evidence.checkpoint)
    assert note.verify([key]) == [key]
    assert (checkpoint.origin, checkpoint.size) == (evidence.origin, evidence.tree_size)
    return checkpoint.root


def is_proved(evidence: evidence_pb2.Evidence, key: VerifierKey) -> bool:
    """Return whether the canonical record of an evidence is the leaf to which its signed checkpoint commits."""
    entry = entry_of(evidence.canonical_record)
    assert entry.hex() == evidence.record_hash
    path = list(evidence.inclusion_path)
    root = root_from_path(evidence.leaf_index, evidence.tree_size, leaf_hash(entry), path)
    return root == proved_root(evidence, key)


def without_proofs(evidence: evidence_pb2.Evidence) -> evidence_pb2.Evidence:
    """Return a copy without the fields that only answers with proofs have."""
    copy = evidence_pb2.Evidence()
    copy.CopyFrom(evidence)
    for field in ("canonical_record", "inclusion_path", "checkpoint"):
        copy.ClearField(field)
    return copy
