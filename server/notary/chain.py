"""Checks of single batches, independent of the rest of the log."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from server.notary.batch import Batch, compute_batch_id
from server.notary.canonical import versions_of
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.findings import Finding, FindingKind, row_hash
from server.notary.keys import VerifierKey
from server.notary.merkle import CompactRange
from server.notary.note import UnknownKeyError
from server.notary.origin import LogName
from server.notary.trust import TrustedKeys, fingerprint

__all__ = ["Gap", "batch_finding", "check_batch", "frontier_root"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing batches of a log: after ``before`` (None: from the first), before ``after``."""

    before: Batch | None
    after: Batch

    @property
    def first_leaf(self) -> int:
        """First leaf of the missing batches."""
        return self.before.tree_size if self.before else 0

    @property
    def end_leaf(self) -> int:
        """Leaf after the last leaf of the missing batches."""
        return self.after.first_leaf

    @property
    def first_sequence(self) -> int:
        """Number of the first missing batch."""
        return self.before.sequence + 1 if self.before else 1

    @property
    def count(self) -> int:
        """Number of missing batches, derived from the batch numbers around the gap."""
        return max(1, self.after.sequence - self.first_sequence)


def check_batch(batch: Batch, keys: TrustedKeys) -> Finding | None:
    """Check a batch's row: its signature, and that its columns match what was signed."""
    try:
        signers = _check_batch(batch, keys)
    except UnknownKeyError as error:
        finding = batch_finding(FindingKind.BATCH_FOREIGN_SIGNED, batch, f"its checkpoint is {error}")
        return replace(finding, signers=error.signers)
    except VerificationError as error:
        return batch_finding(FindingKind.BATCH_ALTERED, batch, f"its row does not match what was signed: {error}")
    stolen = keys.compromised_by(signers, batch.ingested_at)
    if stolen is not None:
        what = f"it is signed by {fingerprint(stolen.public_key)}, a key that was compromised by then"
        return batch_finding(FindingKind.SIGNED_BY_COMPROMISED_KEY, batch, what)
    return None


def _check_batch(batch: Batch, keys: TrustedKeys) -> list[VerifierKey]:
    name = LogName.parse(batch.origin)
    checkpoint, note = open_checkpoint(batch.checkpoint)
    try:
        signers = keys.check(checkpoint, note)
    except UnknownKeyError:
        # Either origin may have been altered, which must be distinguished from a signature by an unknown key.
        note.verify(keys.every(batch.origin))
        raise
    if note.text != checkpoint.text():
        raise VerificationError("the checkpoint has more lines than a batch's checkpoint")
    if len(set(signers)) != len(note.signatures):
        raise VerificationError("the checkpoint has signatures that were not made by the log's keys")
    for column, stored, signed in (
        ("Origin", batch.origin, checkpoint.origin),
        ("LogId", batch.log_id, name.log_id),
        ("TreeSize", batch.tree_size, checkpoint.size),
        ("RootHash", batch.root_hash, checkpoint.root),
        ("RecordCount", batch.record_count, batch.tree_size - batch.first_leaf),
    ):
        if stored != signed:
            raise VerificationError(f"{column} does not agree with the checkpoint")
    if compute_batch_id(batch) != batch.batch_id:
        raise VerificationError("a column was altered: the batch ID is not the digest of the row")
    if batch.record_count <= 0:
        raise VerificationError("the batch has no records")
    if batch.canonical_version not in versions_of(name.stream):
        raise VerificationError(f"canonical version {batch.canonical_version} is not supported by this Lognotary")
    CompactRange.from_bytes(batch.first_leaf, batch.frontier)
    return signers


def frontier_root(batch: Batch) -> bytes:
    """Return the root of the tree before a batch, from its Frontier; empty if the Frontier cannot be read."""
    try:
        return CompactRange.from_bytes(batch.first_leaf, batch.frontier).root()
    except VerificationError:
        return b""


def batch_finding(kind: FindingKind, batch: Batch, what: str, *, record_count: int | None = None) -> Finding:
    """Make a finding about a whole batch."""
    return Finding(
        kind,
        f"batch {batch.sequence} of {batch.origin}: {what}",
        log_id=batch.log_id,
        origin=batch.origin,
        batch_id=batch.batch_id,
        sequence=batch.sequence,
        record_count=batch.record_count if record_count is None else record_count,
        row_hash=row_hash([getattr(batch, field.name) for field in fields(batch)]),
    )
