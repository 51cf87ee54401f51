"""Checking a log's batches: each by itself, and that each goes on from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.notary.batch import Batch, compute_batch_id
from server.notary.canonical import CANONICAL_VERSION
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import KeyMaterialError, VerificationError
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import CompactRange
from server.notary.note import UnknownKeyError, VerifierKey
from server.notary.origin import LogName

__all__ = ["Gap", "TrustedKeys", "check_batch", "check_checkpoint", "choose_next", "goes_on_from", "parse_public_keys"]


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The public keys that a verifier believes.

    Attributes:
        named: verifier keys, each good for the log whose origin is its name.
        unnamed: raw Ed25519 public keys, good for any log.
    """

    named: tuple[VerifierKey, ...] = ()
    unnamed: tuple[bytes, ...] = ()

    def for_origin(self, origin: str) -> list[VerifierKey]:
        """Return the keys that may sign a log's checkpoints."""
        return [
            *(key for key in self.named if key.name == origin),
            *(VerifierKey(origin, key) for key in self.unnamed),
        ]


def parse_public_keys(texts: Iterable[str]) -> TrustedKeys:
    """Read public keys: PEM (SubjectPublicKeyInfo), or lines of verifier keys.

    Raises:
        KeyMaterialError: a text is neither.
    """
    named: list[VerifierKey] = []
    unnamed: list[bytes] = []
    for text in texts:
        if "-----BEGIN" in text:
            unnamed.append(_read_pem(text))
        else:
            named += [VerifierKey.parse(line) for line in text.splitlines() if line.strip()]
    if not named and not unnamed:
        raise KeyMaterialError("no public key was given")
    return TrustedKeys(tuple(named), tuple(unnamed))


def _read_pem(text: str) -> bytes:
    try:
        key = serialization.load_pem_public_key(text.encode())
    except ValueError as error:
        raise KeyMaterialError(f"no readable public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyMaterialError("the public key is not an Ed25519 key")
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


@dataclass(frozen=True, slots=True)
class Gap:
    """Batches of a log that are not there: after ``before`` (None: from the first), before ``after``."""

    before: Batch | None
    after: Batch

    @property
    def first_leaf(self) -> int:
        """The first leaf that is not covered."""
        return self.before.tree_size if self.before else 0

    @property
    def end_leaf(self) -> int:
        """The leaf after the last that is not covered."""
        return self.after.first_leaf

    @property
    def first_sequence(self) -> int:
        """The number of the first batch that is not there."""
        return self.before.sequence + 1 if self.before else 1


def check_batch(batch: Batch, keys: TrustedKeys) -> Finding | None:
    """Check a batch's row by itself: its signature, and that its columns are what was signed."""
    try:
        _check_batch(batch, keys)
    except UnknownKeyError as error:
        return batch_finding(FindingKind.BATCH_FOREIGN_SIGNED, batch, f"its checkpoint is {error}")
    except VerificationError as error:
        return batch_finding(FindingKind.BATCH_ALTERED, batch, f"its row is not what was signed: {error}")
    return None


def _check_batch(batch: Batch, keys: TrustedKeys) -> None:
    name = LogName.parse(batch.origin)
    checkpoint, note = open_checkpoint(batch.checkpoint)
    note.verify(keys.for_origin(checkpoint.origin))
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
        raise VerificationError("a column was altered, the batch ID is no longer its digest")
    if batch.record_count <= 0:
        raise VerificationError("a batch has at least one record")
    if batch.canonical_version != CANONICAL_VERSION:
        raise VerificationError(f"canonical version {batch.canonical_version} is not known to this Lognotary")
    CompactRange.from_bytes(batch.first_leaf, batch.frontier)


def goes_on_from(batch: Batch, before: Batch | None) -> bool:
    """Tell whether a batch follows directly on another, by number, size and root hash.

    Args:
        batch: a batch that ``check_batch`` found good.
        before: the one before it, None for the log's beginning.
    """
    if before is None:
        return batch.sequence == 1 and batch.first_leaf == 0
    return (
        batch.sequence == before.sequence + 1
        and batch.first_leaf == before.tree_size
        and CompactRange.from_bytes(batch.first_leaf, batch.frontier).root() == before.root_hash
    )


def choose_next(candidates: Sequence[Batch], before: Batch | None, *, from_start: bool) -> tuple[Batch, list[Finding]]:
    """Choose which of the good batches of one number the log goes on with.

    Args:
        candidates: good batches of the same number, at least one.
        before: the batch chosen before, None at the beginning.
        from_start: the log is read from its first batch.

    Returns:
        The batch, and findings about the others, and about the batch if it belongs to another history.
    """
    if before is None and not from_start:
        chosen = candidates[0]
    else:
        chosen = next((batch for batch in candidates if goes_on_from(batch, before)), candidates[0])
    findings = []
    expected = before.sequence + 1 if before else 1
    in_turn = chosen.sequence == expected
    if (before is not None or from_start) and in_turn and not goes_on_from(chosen, before):
        findings.append(
            batch_finding(FindingKind.LOG_FORKED, chosen, "it is signed, but does not go on from the batch before it")
        )
    others = list(candidates)
    others.remove(chosen)
    for other in others:
        if other == chosen:
            findings.append(batch_finding(FindingKind.BATCH_DUPLICATED, other, "its row is stored more than once"))
        else:
            findings.append(
                batch_finding(FindingKind.LOG_FORKED, other, "another batch of the same number is signed too")
            )
    return chosen, findings


def check_checkpoint(note: str, keys: TrustedKeys) -> Checkpoint:
    """Read a checkpoint that somebody kept, and check its signature.

    Raises:
        VerificationError: it is no checkpoint, or signed by no known key.
    """
    checkpoint, signed = open_checkpoint(note)
    signed.verify(keys.for_origin(checkpoint.origin))
    return checkpoint


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
    )
