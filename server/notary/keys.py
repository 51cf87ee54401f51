"""Verifier keys (C2SP signed-note v1.0.0, "Verifier keys"), and signature checks for each key type.

A key is written as ``<name>+<8 hex digits of key ID>+<base64(type || key)>``.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from server.notary.cosignature import MAX_TIME, cosigned_message, timed_message
from server.notary.errors import KeyMaterialError, VerificationError

__all__ = ["KeyType", "VerifierKey", "check_key_name"]

_MAX_COSIGNER_NAME = 255  # bytes, C2SP tlog-cosignature


class KeyType(Enum):
    """Signature type of a key, by the type byte of C2SP signed-note.

    ED25519: Ed25519 over the note's text.
    ED25519_COSIGNATURE: a time, and Ed25519 over it and a checkpoint's text (C2SP tlog-cosignature).
    ML_DSA_44: a time, and ML-DSA-44 over it and a checkpoint without extension lines (C2SP tlog-cosignature).
    """

    ED25519 = 1
    ED25519_COSIGNATURE = 4
    ML_DSA_44 = 6

    @property
    def algorithm(self) -> str:
        """The algorithm's name, for messages."""
        return "ML-DSA-44" if self is KeyType.ML_DSA_44 else "Ed25519"

    @property
    def public_key_size(self) -> int:
        """The size of a public key in bytes (RFC 8032, FIPS 204)."""
        return 1312 if self is KeyType.ML_DSA_44 else 32

    @property
    def timed(self) -> bool:
        """True if signatures of this type begin with a time."""
        return self is not KeyType.ED25519


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named public key.

    Attributes:
        name: the key's name; for a log's key, the log's origin.
        public_key: 32 bytes (Ed25519, RFC 8032) or 1312 bytes (ML-DSA-44, FIPS 204).
        key_type: type of its signatures.
    """

    name: str
    public_key: bytes
    key_type: KeyType = KeyType.ED25519

    def __post_init__(self) -> None:
        check_key_name(self.name)
        size = self.key_type.public_key_size
        if len(self.public_key) != size:
            raise KeyMaterialError(
                f"an {self.key_type.algorithm} public key has {size} bytes, not {len(self.public_key)}"
            )
        if self.key_type is KeyType.ML_DSA_44 and len(self.name.encode()) > _MAX_COSIGNER_NAME:
            raise KeyMaterialError(f"the name of an ML-DSA-44 key must have at most {_MAX_COSIGNER_NAME} bytes")

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || 0x0A || type || public key)."""
        return sha256(self.name.encode() + b"\n" + self._material).digest()[:4]

    @property
    def _material(self) -> bytes:
        return bytes((self.key_type.value,)) + self.public_key

    def verify(self, text: str, signature: bytes) -> None:
        """Check one signature.

        An ML-DSA-44 signature is over a checkpoint's first three lines, and is refused if the text has more.

        Args:
            text: the note's text; for all types but plain Ed25519, a checkpoint's.
            signature: the bytes after the key ID in a signature line.

        Raises:
            VerificationError: the signature is not by this key for this text.
            MalformedError: an ML-DSA-44 signature is over text that is not a checkpoint of three lines.
        """
        try:
            self._verify(text, signature)
        except (InvalidSignature, ValueError) as error:
            raise VerificationError(f"the signature of {self.name}+{self.key_id.hex()} is wrong") from error
        except UnsupportedAlgorithm as error:
            raise VerificationError(
                f"the signature of {self.name}+{self.key_id.hex()} cannot be checked: {error}"
            ) from error

    def _verify(self, text: str, signature: bytes) -> None:
        if self.key_type is KeyType.ED25519:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
            return
        time, bare = _split_time(signature)
        if self.key_type is KeyType.ED25519_COSIGNATURE:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(bare, timed_message(text, time))
        else:
            MLDSA44PublicKey.from_public_bytes(self.public_key).verify(bare, cosigned_message(text, self.name, time))

    def signed_time(self, signature: bytes) -> int | None:
        """Return the time that a signature claims, in seconds since 1970; None if it claims none.

        The time is only a claim of the signer, and meaningless until :meth:`verify` has accepted the signature.

        Raises:
            VerificationError: the signature is too short to hold a time, or the time is out of range.
        """
        if not self.key_type.timed:
            return None
        try:
            time, _ = _split_time(signature)
        except ValueError as error:
            raise VerificationError(f"the signature of {self.name}+{self.key_id.hex()} is wrong: {error}") from error
        return time or None

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._material).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a verifier key.

        Raises:
            KeyMaterialError: the text is not a verifier key, or its type is not supported.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            material = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise KeyMaterialError("a verifier key looks like name+1234abcd+AbcD...") from error
        key = cls(name, material[1:], _parse_type(material[:1]))
        if key.key_id.hex() != key_id:
            raise KeyMaterialError(f"the key ID is {key.key_id.hex()}, not {key_id}: the key was mistyped or altered")
        return key


def check_key_name(name: str) -> None:
    """Check that a key name is valid.

    Raises:
        KeyMaterialError: the name is empty, or contains a space, a control character or a plus sign.
    """
    if not name or any(c.isspace() or c < " " or c == "+" or "\ud800" <= c <= "\udfff" for c in name):
        raise KeyMaterialError(f"a key name must not be empty or contain spaces, control characters or '+': {name!r}")


def _parse_type(byte: bytes) -> KeyType:
    try:
        return KeyType(int.from_bytes(byte, "big"))
    except ValueError as error:
        raise KeyMaterialError(
            f"a verifier key of type {int.from_bytes(byte, 'big')} cannot be used, only types 1 (Ed25519), "
            "4 (Ed25519 cosignature) and 6 (ML-DSA-44)"
        ) from error


def _split_time(signature: bytes) -> tuple[int, bytes]:
    """Read a ``timestamped_signature`` (C2SP tlog-cosignature)."""
    if len(signature) <= 8:
        raise ValueError("too short for a time and a signature")
    time = int.from_bytes(signature[:8], "big")
    if time > MAX_TIME:
        raise ValueError("the time of the signature is out of range")
    return time, signature[8:]
