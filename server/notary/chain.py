"""Checking a log's batches, each by itself."""

from __future__ import annotations

from collections.abc import Iterable
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

__all__ = [
    "Gap",
    "TrustedKeys",
    "batch_finding",
    "check_batch",
    "check_checkpoint",
    "frontier_root",
    "parse_public_keys",
]


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

    @property
    def count(self) -> int:
        """How many batches are not there, by the numbers of those around them."""
        return max(1, self.after.sequence - self.first_sequence)


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
    # Either origin may have been altered: then it must be told from a signature by an unknown key.
    note.verify([*keys.for_origin(batch.origin), *keys.for_origin(checkpoint.origin)])
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


def frontier_root(batch: Batch) -> bytes:
    """Return the root of the tree before a batch, by its Frontier; empty where that cannot be read."""
    try:
        return CompactRange.from_bytes(batch.first_leaf, batch.frontier).root()
    except VerificationError:
        return b""


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
