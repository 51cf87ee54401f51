"""Signed notes, the keys of logs, and statements."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ED25519, ML_DSA_44 = 1, 6
_SIZES = {ED25519: 32, ML_DSA_44: 1312}
_NOTE = re.compile(
    r"(([^\s+]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n((?:[^\x00-\x1f]+\n)?))\n((?:— \S+ [A-Za-z0-9+/=]+\n)+)"
)
_LINE = re.compile(r"lognotary/v1 ([1-9][0-9]{0,18}) (0|[1-9][0-9]{0,9}) ([a-z]+)((?: \S+)*)\n")
_BOUND = re.compile(r"(0|[1-9][0-9]{0,18}) (0|[1-9][0-9]{0,9})")
_KINDS = ("heartbeat", "keys", "retention", "witnessed", "timestamped")


class FaultError(Exception):
    """Something is not as it was signed; the message says what."""


class ForeignError(FaultError):
    """A note is signed by no key of its log."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key; its name is the origin of its log."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || 0A || type || public key)."""
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:4]

    @classmethod
    def parse(cls, word: str) -> Key:
        """Read a verifier key."""
        name, key_id, encoded = word.split("+", 2)
        material = base64.b64decode(encoded, validate=True)
        key = cls(name, material[0], material[1:])
        if key.key_id.hex() != key_id or _SIZES.get(key.kind) != len(key.public):
            raise ValueError(f"not a key of a log: {word}")
        return key


@dataclass(frozen=True, slots=True)
class Note:
    """A signed checkpoint; a signature is the key's name, its ID, and bytes."""

    text: str
    origin: str
    size: int
    root: bytes
    extension: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, text: str) -> Note:
        """Read a note. Raises FaultError."""
        match = _NOTE.fullmatch(text)
        if match is None:
            raise FaultError("it has no signed checkpoint")
        signatures = []
        for line in match[6].splitlines():
            _, name, encoded = line.split(" ")
            signature = base64.b64decode(encoded)
            if base64.b64encode(signature).decode() != encoded:
                raise FaultError("a signature is not canonical base64")
            signatures.append((name, signature[:4], signature[4:]))
        return cls(match[1], match[2], int(match[3]), base64.b64decode(match[4]), match[5], tuple(signatures))

    def check(self, allowed: Sequence[frozenset[Key]], also: Iterable[Key] = ()) -> None:
        """Check that all keys of one of the sets signed, and nobody else. Raises FaultError.

        Args:
            allowed: the sets of keys of which one must sign.
            also: keys that may sign in addition.
        """
        known = {(key.name, key.key_id): key for key in frozenset(also).union(*allowed)}
        signers = {known[name, key_id] for name, key_id, _ in self.signatures if (name, key_id) in known}
        for name, key_id, signature in self.signatures:
            if (name, key_id) in known:
                self._verify(known[name, key_id], signature)
        if not signers:
            raise ForeignError("it is signed by no key that was in use there")
        if not any(keys <= signers for keys in allowed):
            raise FaultError("a signature is missing")
        if len(signers) != len(self.signatures):
            raise FaultError("it has a signature that the log's keys did not make")

    def _verify(self, key: Key, signature: bytes) -> None:
        try:
            if key.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature, self.text.encode())
                return
            name, origin, time, bare = key.name.encode(), self.origin.encode(), signature[:8], signature[8:]
            message = b"subtree/v1\n\0" + bytes((len(name),)) + name + time + bytes((len(origin),)) + origin
            message += bytes(8) + self.size.to_bytes(8, "big") + self.root
            MLDSA44PublicKey.from_public_bytes(key.public).verify(bare, message)
        except (InvalidSignature, ValueError) as error:
            raise FaultError(f"the signature of {key.name}+{key.key_id.hex()} is wrong") from error


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement; ``words`` are those after its kind."""

    note: Note
    number: int
    time: int
    kind: str
    words: tuple[str, ...]

    @classmethod
    def parse(cls, note: Note) -> Statement:
        """Read the statement in a note. Raises FaultError."""
        match = _LINE.fullmatch(note.extension)
        if match is None or match[3] not in _KINDS or int(match[2]) >= 1 << 32:
            raise FaultError("its note is not a statement")
        statement = cls(note, int(match[1]), int(match[2]), match[3], tuple(match[4].split()))
        statement.bound()
        return statement

    def retention(self) -> int | None:
        """Return for how many seconds records are kept, None for ever."""
        return None if self.words[0] == "forever" else int(self.words[0])

    @property
    def rules(self) -> str:
        """SHA-256 of the rules of retention in ``Data``; empty if the statement has none."""
        has_rules = self.kind == "retention" and len(self.words) in (2, 4)
        return self.words[1] if has_rules and re.fullmatch("[0-9a-f]{64}", self.words[1]) else ""

    def bound(self) -> tuple[int, int] | None:
        """Return the receipt bound (entry, seconds), None if there is none. Raises FaultError."""
        words = {"heartbeat": self.words, "retention": self.words[2 if self.rules else 1 :]}.get(self.kind)
        if self.kind == "retention" and not (self.words and re.fullmatch("forever|[1-9][0-9]{0,11}", self.words[0])):
            raise FaultError("it does not say how long records are kept")
        if not words:
            return None
        match = _BOUND.fullmatch(" ".join(words))
        if match is None or int(match[2]) > self.time:
            raise FaultError("its receipt bound cannot be read")
        return int(match[1]), int(match[2])

    def key_change(self) -> tuple[frozenset[Key], frozenset[Key]]:
        """Return the keys before and after a change of keys. Raises FaultError."""
        try:
            at = self.words.index("after")
            after, before = (frozenset(map(Key.parse, words)) for words in (self.words[:at], self.words[at + 1 :]))
        except (ValueError, IndexError) as error:
            raise FaultError("it does not say which keys replace which") from error
        if any(key.name != self.note.origin for key in before | after):
            raise FaultError("it names keys of another log")
        if not ed25519(before) or not ed25519(after):
            raise FaultError("it does not name an Ed25519 key on both sides")
        self.note.check([ed25519(before | after)])
        return before, after


@dataclass(frozen=True, slots=True)
class Span:
    """Keys of a log, and where they sign: from which to which size and number of a statement, both included."""

    keys: frozenset[Key]
    sizes: tuple[int, int]
    numbers: tuple[int, int]


def ed25519(keys: Iterable[Key]) -> frozenset[Key]:
    """Return the keys that sign statements."""
    return frozenset(key for key in keys if key.kind == ED25519)


def read_keys(text: str) -> list[Key]:
    """Read a file of keys: PEM, a key without a name, or one verifier key a line."""
    if "-----BEGIN" not in text:
        return [Key.parse(line) for line in text.split()]
    public = load_pem_public_key(text.encode())
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError("the public key is not an Ed25519 key")  # noqa: TRY004 - as for any other bad file
    return [Key("", ED25519, public.public_bytes_raw())]


def key_spans(origin: str, given: Iterable[Key], changes: Sequence[Statement]) -> list[Span]:
    """Return who signs a log where: the given keys, and the keys that its changes of keys lead to.

    Args:
        origin: the log.
        given: the keys that the verifier was given.
        changes: the log's ``keys`` statements that are signed by the keys they name, by number.
    """
    own = frozenset(Key(origin, key.kind, key.public) for key in given if key.name in ("", origin))
    chains: list[list[Statement]] = []
    for change in changes:
        chain = next((c for c in chains if c[-1].key_change()[1] == change.key_change()[0]), None)
        if chain is None:
            chains.append([change])
        else:
            chain.append(change)
    spans = []
    for chain in chains:
        sets = [chain[0].key_change()[0], *(change.key_change()[1] for change in chain)]
        if not any(ed25519(keys) & own for keys in sets):
            continue  # nothing leads to it from a key that was given
        sizes = [0, *(change.note.size for change in chain), 1 << 63]
        numbers = [1, *(change.number for change in chain), 1 << 63]
        spans += [Span(k, (sizes[i], sizes[i + 1]), (numbers[i], numbers[i + 1])) for i, k in enumerate(sets)]
    return spans or [Span(frozenset((key,)), (0, 1 << 63), (1, 1 << 63)) for key in own]
