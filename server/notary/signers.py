"""Signers of notes: signing keys, and the signature lines that they produce.

A key signs bytes (:class:`SigningKey`). The two kinds here hold their private keys in memory, and on disk in PKCS #8
PEM; a key in a hardware module is a third kind. A :class:`Signer` signs notes with a log's keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from server.notary.cosignature import cosigned_message, has_extension_lines
from server.notary.errors import KeyMaterialError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import NoteSignature, SignedNote, check_text

__all__ = ["Ed25519Key", "MlDsa44Key", "Signer", "SigningKey", "public_pem"]


class SigningKey(Protocol):
    """A private key in memory or hardware; its methods are thread-safe."""

    @property
    def key_type(self) -> KeyType:
        """Type of the key: Ed25519 or ML-DSA-44."""

    @property
    def public_key(self) -> bytes:
        """The raw public key: 32 bytes (Ed25519) or 1312 bytes (ML-DSA-44)."""

    def sign(self, message: bytes) -> bytes:
        """Sign a message; for ML-DSA-44, with an empty context.

        Raises:
            SigningError: the key cannot be reached, or did not sign.
        """


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """An Ed25519 private key in memory (RFC 8032)."""

    private_key: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> Ed25519Key:
        """Generate a key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> Ed25519Key:
        """Read a private key in PKCS #8 PEM without a password.

        Raises:
            KeyMaterialError: the text is not such a key, or not an Ed25519 key.
        """
        key = _load_pem(pem)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyMaterialError("the private key is not an Ed25519 key")
        return cls(key)

    @property
    def key_type(self) -> KeyType:
        """Ed25519."""
        return KeyType.ED25519

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.private_key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign a message; the signature has 64 bytes."""
        return self.private_key.sign(message)

    def to_pem(self) -> bytes:
        """Return the private key in PKCS #8 PEM, without a password."""
        return _to_pem(self.private_key)


@dataclass(frozen=True, slots=True)
class MlDsa44Key:
    """An ML-DSA-44 private key in memory (FIPS 204)."""

    private_key: MLDSA44PrivateKey

    @classmethod
    def generate(cls) -> MlDsa44Key:
        """Generate a key from the operating system's randomness.

        Raises:
            KeyMaterialError: the installed ``cryptography`` does not support ML-DSA.
        """
        try:
            return cls(MLDSA44PrivateKey.generate())
        except UnsupportedAlgorithm as error:
            raise KeyMaterialError(f"an ML-DSA-44 key cannot be created on this system: {error}") from error

    @classmethod
    def from_pem(cls, pem: bytes) -> MlDsa44Key:
        """Read a private key in PKCS #8 PEM without a password; it holds the 32-byte seed (RFC 9881).

        Raises:
            KeyMaterialError: the text is not such a key, or not an ML-DSA-44 key.
        """
        key = _load_pem(pem)
        if not isinstance(key, MLDSA44PrivateKey):
            raise KeyMaterialError("the private key is not an ML-DSA-44 key")
        return cls(key)

    @property
    def key_type(self) -> KeyType:
        """ML-DSA-44."""
        return KeyType.ML_DSA_44

    @property
    def public_key(self) -> bytes:
        """The raw public key, 1312 bytes."""
        return self.private_key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign a message with an empty context; the signature has 2420 bytes and differs each time."""
        return self.private_key.sign(message)

    def to_pem(self) -> bytes:
        """Return the private key's seed in PKCS #8 PEM, without a password."""
        return _to_pem(self.private_key)


@dataclass(frozen=True, slots=True)
class Signer:
    """The signing keys of a log, for notes under any key name.

    Attributes:
        ed25519: the key that signs every note.
        ml_dsa: a second key for checkpoints without extension lines, in case Ed25519 is broken.
    """

    ed25519: SigningKey
    ml_dsa: SigningKey | None = None

    def __post_init__(self) -> None:
        if self.ed25519.key_type is not KeyType.ED25519:
            raise KeyMaterialError("a log's first key must be an Ed25519 key")
        if self.ml_dsa is not None and self.ml_dsa.key_type is not KeyType.ML_DSA_44:
            raise KeyMaterialError("a log's second key must be an ML-DSA-44 key")

    @classmethod
    def generate(cls) -> Signer:
        """Create a signer with a new Ed25519 key in memory."""
        return cls(Ed25519Key.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> Signer:
        """Create a signer from an Ed25519 key in PKCS #8 PEM without a password.

        Raises:
            KeyMaterialError: the text is not such a key, or not an Ed25519 key.
        """
        return cls(Ed25519Key.from_pem(pem))

    def public_pem(self) -> bytes:
        """Return the Ed25519 public key in SubjectPublicKeyInfo PEM."""
        return public_pem(self.ed25519.public_key)

    def verifier_key(self, name: str) -> VerifierKey:
        """Return the Ed25519 public key under a name."""
        return VerifierKey(name, self.ed25519.public_key)

    def verifier_keys(self, name: str) -> tuple[VerifierKey, ...]:
        """Return the public keys under a name: the Ed25519 key, then the ML-DSA-44 key if there is one."""
        first = self.verifier_key(name)
        return (
            (first,) if self.ml_dsa is None else (first, VerifierKey(name, self.ml_dsa.public_key, KeyType.ML_DSA_44))
        )

    def sign(self, text: str, name: str) -> SignedNote:
        """Sign a note's text under a key name: with Ed25519, and a checkpoint also with ML-DSA-44 if there is a key.

        A checkpoint with extension lines is signed with Ed25519 alone, because an ML-DSA-44 signature would not cover
        them. The ML-DSA-44 signature has the time 0, as C2SP tlog-cosignature allows a cosigner that says nothing
        about time: a log's own signature means "this is my tree", and never "this is my largest tree now".

        Raises:
            MalformedError: the text does not end with a newline or has control characters, or is no checkpoint although
                there is an ML-DSA-44 key.
            SigningError: a key cannot be reached, or did not sign.
        """
        check_text(text)
        key_id = self.verifier_key(name).key_id
        signatures = [NoteSignature(name, key_id, self.ed25519.sign(text.encode()))]
        if self.ml_dsa is not None and not has_extension_lines(text):
            signatures.append(_sign_ml_dsa(self.ml_dsa, text, name))
        return SignedNote(text, tuple(signatures))


def public_pem(public_key: bytes) -> bytes:
    """Return a raw Ed25519 public key in SubjectPublicKeyInfo PEM."""
    return Ed25519PublicKey.from_public_bytes(public_key).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _sign_ml_dsa(key: SigningKey, text: str, name: str) -> NoteSignature:
    public = VerifierKey(name, key.public_key, KeyType.ML_DSA_44)
    signature = key.sign(cosigned_message(text, name, time=0))
    return NoteSignature(name, public.key_id, bytes(8) + signature)


def _load_pem(pem: bytes) -> object:
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError("it is not a private key in PEM format without a password") from error


def _to_pem(key: Ed25519PrivateKey | MLDSA44PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
