"""Trusted keys of a verifier: the keys it was given, and those that signed key changes lead to.

A log's keys change by a statement signed by both the old and the new key. So any one public key is enough to verify
a log: each change leads from the keys before it to the keys after it, and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import KeyMaterialError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import SignedNote, UnknownKeyError
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.notary.statement import KeyChange, Statement, open_statement

__all__ = [
    "KeySpan",
    "TrustedKeys",
    "check_checkpoint",
    "fingerprint",
    "fingerprints",
    "follow_key_changes",
    "parse_public_keys",
    "read_public_pem",
]


@dataclass(frozen=True, slots=True)
class KeySpan:
    """Keys that sign a log over a span of sizes.

    Attributes:
        keys: the keys; all sign.
        first: entries in the smallest checkpoint of a batch that they sign.
        last: entries in the largest such checkpoint, None if the span is open.
        first_number: number of the first statement that they sign.
        last_number: number of the last such statement, None if the span is open.
    """

    keys: tuple[VerifierKey, ...]
    first: int
    last: int | None
    first_number: int
    last_number: int | None

    def covers(self, size: int) -> bool:
        """Return whether checkpoints of batches of this size are signed by these keys."""
        return self.first <= size and (self.last is None or size <= self.last)

    def covers_statement(self, number: int) -> bool:
        """Return whether a statement is signed by these keys."""
        return self.first_number <= number and (self.last_number is None or number <= self.last_number)


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The public keys that a verifier trusts, and the streams that need not be signed.

    Attributes:
        named: verifier keys, each good for the log whose origin is its name.
        unnamed: raw Ed25519 public keys, good for any log.
        of_owners: owner -> raw Ed25519 public keys, each good for the owner's logs: those of the origins
            ``<owner>/<stream>/<writer>``, where the owner of a tenant's logs is ``<deployment>/<tenant>``.
        compromised: fingerprint of a public key -> time since which it is compromised, in nanoseconds
            since the epoch.
        spans: key spans of logs whose keys have changed, by origin.
        unsigned_streams: streams that may have unsigned records.
    """

    named: tuple[VerifierKey, ...] = ()
    unnamed: tuple[bytes, ...] = ()
    compromised: Mapping[str, int] = field(default_factory=dict)
    spans: Mapping[str, Sequence[KeySpan]] = field(default_factory=dict)
    unsigned_streams: frozenset[Stream] = frozenset()
    of_owners: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)

    def __add__(self, other: TrustedKeys) -> TrustedKeys:
        """Return the union of both sets of keys, and of both sets of unsigned streams."""
        return TrustedKeys(
            self.named + other.named,
            self.unnamed + other.unnamed,
            {**self.compromised, **other.compromised},
            {**self.spans, **other.spans},
            self.unsigned_streams | other.unsigned_streams,
            {
                owner: self.of_owners.get(owner, ()) + other.of_owners.get(owner, ())
                for owner in (*self.of_owners, *other.of_owners)
            },
        )

    def expects_unsigned(self, stream: Stream) -> bool:
        """Return whether a stream may have rows without a log, which are then not a finding.

        Streams that are not signed have such rows, and so do spans, which a Collector may write to storage itself.
        """
        return stream is Stream.SPANS or stream in self.unsigned_streams

    def for_origin(self, origin: str) -> list[VerifierKey]:
        """Return the keys given for a log."""
        return [
            *(key for key in self.named if key.name == origin),
            *(VerifierKey(origin, key) for key in self.of_owners.get(origin.rsplit("/", 2)[0], ())),
            *(VerifierKey(origin, key) for key in self.unnamed),
        ]

    def every(self, origin: str) -> list[VerifierKey]:
        """Return all keys that have ever signed a log."""
        return [*self.for_origin(origin), *(key for span in self.spans.get(origin, ()) for key in span.keys)]

    def check(self, checkpoint: Checkpoint, note: SignedNote) -> list[VerifierKey]:
        """Check that a batch's checkpoint is signed by the keys that sign its log at its size.

        Returns:
            The keys that signed it.

        Raises:
            UnknownKeyError: none of its signatures is by a key in use at that size.
            VerificationError: a signature is invalid or missing.
        """
        covering = [set(span.keys) for span in self.spans.get(checkpoint.origin, ()) if span.covers(checkpoint.size)]
        return self._check(checkpoint.origin, note, covering)

    def check_statement(self, statement: Statement, note: SignedNote) -> list[VerifierKey]:
        """Check that a statement is signed by the keys in use at its number.

        Returns and raises as ``check``.
        """
        origin = statement.checkpoint.origin
        covering = [span.keys for span in self.spans.get(origin, ()) if span.covers_statement(statement.number)]
        return self._check(origin, note, [set(_ed25519(keys)) for keys in covering])

    def _check(self, origin: str, note: SignedNote, covering: Sequence[set[VerifierKey]]) -> list[VerifierKey]:
        if not self.spans.get(origin):
            return note.verify(self.for_origin(origin))
        try:
            signers = note.verify(set().union(*covering))
        except UnknownKeyError:
            note.verify(self.every(origin))
            raise UnknownKeyError(
                "signed by a key that was not in use at this position of the log: it was replaced"
            ) from None
        if not any(keys <= set(signers) for keys in covering):
            raise VerificationError("a signature is missing: not all of the log's keys signed it")
        return signers

    def compromised_by(self, keys: Iterable[VerifierKey], time: int) -> VerifierKey | None:
        """Return a key that was compromised at a time, in nanoseconds since the epoch; None if there is none."""
        for key in keys:
            since = self.compromised.get(fingerprint(key.public_key))
            if since is not None and time >= since:
                return key
        return None


def _ed25519(keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Return the keys that sign statements: ML-DSA-44 keys do not sign extension lines (C2SP tlog-cosignature)."""
    return [key for key in keys if key.key_type is KeyType.ED25519]


def fingerprint(public_key: bytes) -> str:
    """Return the first 16 hex digits of SHA-256(public key): the name of a key for people."""
    return sha256(public_key).hexdigest()[:16]


def fingerprints(signer: Signer) -> str:
    """Return the fingerprints of a signer's keys, with a space between: the Ed25519 key's first."""
    keys = (signer.ed25519,) if signer.ml_dsa is None else (signer.ed25519, signer.ml_dsa)
    return " ".join(fingerprint(key.public_key) for key in keys)


def follow_key_changes(keys: TrustedKeys, changes: Mapping[str, Sequence[KeyChange]]) -> TrustedKeys:
    """Return the trusted keys, extended by those that key changes lead to.

    A change is not followed from a key that was compromised when it was signed.

    Args:
        keys: the trusted keys.
        changes: key changes of each log, in order, by origin.
    """
    spans = {
        origin: tuple(span for chain in _chains(made) for span in _believed(keys, origin, chain))
        for origin, made in changes.items()
        if made
    }
    return replace(keys, spans={**keys.spans, **{origin: found for origin, found in spans.items() if found}})


def _chains(changes: Sequence[KeyChange]) -> list[list[KeyChange]]:
    """Chain key changes: each follows the change whose new keys are its old keys."""
    chains: list[list[KeyChange]] = []
    for change in changes:
        before = set(change.before)
        chain = next((chain for chain in chains if set(chain[-1].after) == before), None)
        if chain is None:
            chains.append([change])
        else:
            chain.append(change)
    return chains


def _believed(keys: TrustedKeys, origin: str, chain: Sequence[KeyChange]) -> list[KeySpan]:
    sets = [chain[0].before, *(change.after for change in chain)]
    # Anybody can name an ML-DSA-44 key in a change: it did not sign that.
    given = set(_ed25519(keys.for_origin(origin)))
    good = [bool(given & set(some)) for some in sets]
    for at, change in enumerate(chain):
        if good[at] and not keys.compromised_by(change.before, change.time * 10**9):
            good[at + 1] = True
    for at, change in reversed(list(enumerate(chain))):
        if good[at + 1] and not keys.compromised_by(change.after, change.time * 10**9):
            good[at] = True
    ends = [*chain, None]
    return [
        KeySpan(
            some,
            first=chain[at - 1].size if at else 0,
            last=end.size if end else None,
            first_number=chain[at - 1].number if at else 1,
            last_number=end.number if end else None,
        )
        for at, (some, end) in enumerate(zip(sets, ends, strict=True))
        if good[at]
    ]


def check_checkpoint(note: str, keys: TrustedKeys) -> Checkpoint | Statement:
    """Read a kept checkpoint or statement, and check its signature.

    Raises:
        VerificationError: the note is not a checkpoint, or is signed by no known key.
    """
    checkpoint, signed = open_checkpoint(note)
    plain = signed.text == checkpoint.text()
    known = keys.every(checkpoint.origin)
    signed.verify(known if plain else _ed25519(known))
    return checkpoint if plain else open_statement(note)[0]


def parse_public_keys(texts: Iterable[str]) -> TrustedKeys:
    """Read public keys: PEM (SubjectPublicKeyInfo), or lines of verifier keys.

    Raises:
        KeyMaterialError: a text is neither.
    """
    named: list[VerifierKey] = []
    unnamed: list[bytes] = []
    for text in texts:
        if "-----BEGIN" in text:
            unnamed.append(read_public_pem(text))
        else:
            named += [VerifierKey.parse(line) for line in text.splitlines() if line.strip()]
    if not named and not unnamed:
        raise KeyMaterialError("no public key was given")
    return TrustedKeys(tuple(named), tuple(unnamed))


def read_public_pem(text: str) -> bytes:
    """Read an Ed25519 public key in SubjectPublicKeyInfo PEM; returns its 32 bytes.

    Raises:
        KeyMaterialError: the text is not such a key.
    """
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError(f"the public key cannot be read: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyMaterialError("the public key is not an Ed25519 key")
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
