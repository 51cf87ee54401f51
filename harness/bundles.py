"""In-memory logs, and evidence bundles of their records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from server.notary.bundle import build_bundle
from server.notary.canonical import (
    CANONICAL_VERSION,
    Kind,
    Value,
    canonical_columns,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_uint64,
    leaf_of,
    mark_of,
)
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.cosignature import cosigned_message, timed_message
from server.notary.disclosure import OpenedValue
from server.notary.keys import KeyType, VerifierKey
from server.notary.merkle import CompactRange
from server.notary.note import NoteSignature, SignedNote
from server.notary.origin import LogName, Stream
from server.notary.proofs import inclusion_path
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.statement import Statement, StatementKind, key_change_words, sign_statement

__all__ = ["Cosigner", "MemoryLog", "audit_record", "encode_record", "signer_of"]

_ENCODERS: dict[Kind, Callable[..., bytes]] = {
    Kind.TIME: encode_time,
    Kind.UINT8: encode_uint8,
    Kind.UINT32: encode_uint32,
    Kind.STRING: encode_string,
    Kind.WORD: encode_string,
    Kind.MAP: lambda pairs: encode_map(sorted(pairs)),
    Kind.UINT64: encode_uint64,
}
_EMPTY: dict[Kind, Value] = {Kind.STRING: b"", Kind.WORD: b"", Kind.MAP: []}


def encode_record(stream: Stream, values: dict[str, Value], version: int = CANONICAL_VERSION) -> bytes:
    """Encode a canonical record of a version; omitted columns are empty or 0."""
    return mark_of(version) + b"".join(
        _encode(column.kind, values.get(column.name)) for column in canonical_columns(stream, version)
    )


def _encode(kind: Kind, value: Any) -> bytes:
    if kind.element is not None:
        return encode_array([_encode(kind.element, element) for element in value or ()])
    return _ENCODERS[kind](_EMPTY.get(kind, 0) if value is None else value)


def audit_record(number: int, version: int = CANONICAL_VERSION) -> bytes:
    """Return an audit record with a value in every kind of column."""
    return encode_record(
        Stream.AUDIT,
        {
            "Timestamp": 1_767_225_600_000_000_000 + number,
            "IngestedAt": 1_767_225_601_000_000_000 + number,
            "SeverityNumber": 9,
            "Flags": 1,
            "ServiceName": b"accounts",
            "Body": f"role.grant: пользователь {number} ✓".encode(),
            "LogAttributes": [(b"audit.actor.id", b"alice"), (b"raw", b"\xff\xfe"), (b"time", b"noon")],
            "ActorId": b"alice",
            "ActorType": b"user",
            "Action": b"role.grant",
            "TargetId": f"user-{number}".encode(),
            "TargetType": b"user",
            "SourceId": b"203.0.113.7",
            "Outcome": b"success",
            "Category": b"admin",
            "Tenant": b"shop",
            "Description": "Роль выдана".encode(),
        },
        version,
    )


def signer_of(seed: int, *, ml_dsa: bool = False) -> Signer:
    """Return a log's signer, deterministic by seed."""
    return Signer(
        Ed25519Key(Ed25519PrivateKey.from_private_bytes(bytes((seed,)) * 32)),
        MlDsa44Key(MLDSA44PrivateKey.from_seed_bytes(bytes((seed,)) * 32)) if ml_dsa else None,
    )


@dataclass(frozen=True)
class Cosigner:
    """A witness."""

    name: str
    seed: int
    key_type: KeyType = KeyType.ED25519_COSIGNATURE

    @cached_property
    def _key(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        seed = bytes((self.seed,)) * 32
        if self.key_type is KeyType.ML_DSA_44:
            return MLDSA44PrivateKey.from_seed_bytes(seed)
        return Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def verifier_key(self) -> VerifierKey:
        return VerifierKey(self.name, self._key.public_key().public_bytes_raw(), self.key_type)

    def cosign(self, note: SignedNote, time: int) -> SignedNote:
        """Return the note with an additional cosignature."""
        ml_dsa = self.key_type is KeyType.ML_DSA_44
        message = cosigned_message(note.text, self.name, time) if ml_dsa else timed_message(note.text, time)
        signature = NoteSignature(
            self.name, self.verifier_key.key_id, time.to_bytes(8, "big") + self._key.sign(message)
        )
        return SignedNote(note.text, (*note.signatures, signature))


@dataclass(frozen=True)
class MemoryLog:
    """A log with all its records in memory."""

    records: Sequence[bytes]
    name: LogName = field(default_factory=lambda: LogName("shop", Stream.AUDIT, "a"))

    @property
    def origin(self) -> str:
        return self.name.origin

    def root(self, start: int, end: int) -> bytes:
        leaves = b"".join(leaf_of(record) for record in self.records[start:end])
        return CompactRange().extend(leaves)[0].root()

    def path(self, index: int, size: int) -> list[bytes]:
        return inclusion_path(index, size, lambda level, number: self.root(number << level, (number + 1) << level))

    def head(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, size, self.root(0, size))

    def checkpoint(self, size: int, signer: Signer) -> SignedNote:
        return sign_checkpoint(self.head(size), signer)

    def key_change(self, size: int, number: int, before: Signer, after: Signer) -> str:
        words = key_change_words(after.verifier_keys(self.origin), before.verifier_keys(self.origin))
        statement = Statement(self.head(size), number, 1_767_225_700 + number, StatementKind.KEYS, words)
        return sign_statement(statement, [before, after]).note

    def bundle(
        self,
        index: int,
        checkpoint: SignedNote,
        *,
        key_changes: Sequence[str] = (),
        keys: Sequence[VerifierKey] = (),
        timestamp: bytes | None = None,
        opened: Sequence[OpenedValue] = (),
    ) -> dict[str, bytes]:
        size = Checkpoint.parse(checkpoint.text).size
        return build_bundle(
            record=self.records[index],
            origin=self.origin,
            leaf_index=index,
            path=self.path(index, size),
            checkpoint=str(checkpoint),
            verifier_keys=list(map(str, keys)),
            key_changes=key_changes,
            timestamp=timestamp,
            opened=opened,
        )
