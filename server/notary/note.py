"""Signed notes and verifier keys (C2SP signed-note v1.0.0), with Ed25519 signatures.

A note is its text, an empty line, and signature lines ``— <key name> <base64(key ID || signature)>``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from server.notary.errors import KeyMaterialError, MalformedError, VerificationError

__all__ = ["NoteSignature", "SignedNote", "Signer", "UnknownKeyError", "VerifierKey", "parse_note"]

_ED25519 = b"\x01"  # signature type byte, C2SP signed-note
_MAX_SIGNATURES = 64
_MAX_NOTE = 1 << 20


class UnknownKeyError(VerificationError):
    """None of a note's signatures is by a key that the verifier knows."""


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line of a note.

    Attributes:
        name: the key's name.
        key_id: its 4-byte ID.
        signature: the signature's bytes; their meaning depends on the key's type.
    """

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line as it stands in a note, newline included."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A parsed note. ``text`` ends with a newline, and is what was signed."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    def verify(self, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
        """Check the signatures of the keys that are known; others are ignored.

        Returns:
            The known keys that signed the note, at least one.

        Raises:
            UnknownKeyError: no signature is by a known key.
            VerificationError: a signature of a known key is wrong.
        """
        known = {(key.name, key.key_id): key for key in keys}
        signers = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is not None:
                key.verify(self.text.encode(), signature.signature)
                signers.append(key)
        if not signers:
            names = ", ".join(f"{s.name}+{s.key_id.hex()}" for s in self.signatures)
            raise UnknownKeyError(f"signed by no known key, but by {names}")
        return signers


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named Ed25519 public key.

    Attributes:
        name: the key's name; for a log's key, the log's origin.
        public_key: 32 bytes (RFC 8032).
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != 32:
            raise KeyMaterialError(f"an Ed25519 public key has 32 bytes, not {len(self.public_key)}")

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key)."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check one signature.

        Raises:
            VerificationError: the signature is not this key's for this message.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise VerificationError(f"the signature of {self.name}+{self.key_id.hex()} is wrong") from error

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a verifier key, ``<name>+<8 hex digits of key ID>+<base64(type || key)>``.

        Raises:
            KeyMaterialError: the text is no such key, or of another type than Ed25519.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            material = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise KeyMaterialError("a verifier key looks like name+1234abcd+AbcD...") from error
        if material[:1] != _ED25519:
            raise KeyMaterialError("only Ed25519 verifier keys (type 1) can be used")
        key = cls(name, material[1:])
        if key.key_id.hex() != key_id:
            raise KeyMaterialError(f"the key ID is {key.key_id.hex()} and not {key_id}: mistyped, or altered")
        return key


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 private key; signs notes under any key name."""

    private_key: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> Signer:
        """Make a new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> Signer:
        """Read a private key in PKCS #8 PEM without a password.

        Raises:
            KeyMaterialError: the text is no such key, or no Ed25519 key.
        """
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise KeyMaterialError(f"no readable private key: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyMaterialError("the private key is not an Ed25519 key")
        return cls(key)

    def to_pem(self) -> bytes:
        """Return the private key in PKCS #8 PEM, without a password."""
        return self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def public_pem(self) -> bytes:
        """Return the public key in SubjectPublicKeyInfo PEM."""
        return self.private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def verifier_key(self, name: str) -> VerifierKey:
        """Return the public key under a name."""
        public = self.private_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return VerifierKey(name, public)

    def sign(self, text: str, name: str) -> SignedNote:
        """Sign a note's text under a key name.

        Raises:
            MalformedError: the text does not end with a newline or has control characters.
        """
        _check_text(text)
        key_id = self.verifier_key(name).key_id
        return SignedNote(text, (NoteSignature(name, key_id, self.private_key.sign(text.encode())),))


def parse_note(note: str) -> SignedNote:
    """Parse a signed note; no signature is checked.

    Raises:
        MalformedError: it is no note of the specification.
    """
    if len(note) > _MAX_NOTE:
        raise MalformedError("the note is longer than 1 MiB")
    text, separator, lines = note.rpartition("\n\n")
    if not separator:
        raise MalformedError("the note has no empty line before its signatures")
    text += "\n"
    _check_text(text)
    if not lines.endswith("\n"):
        raise MalformedError("the note does not end with a newline")
    signatures = tuple(_parse_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > _MAX_SIGNATURES:
        raise MalformedError(f"the note has more than {_MAX_SIGNATURES} signatures")
    return SignedNote(text, signatures)


def _parse_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise MalformedError(f"not a signature line: {line[:80]!r}")
    try:
        _check_name(parts[1])
        blob = base64.b64decode(parts[2], validate=True)
    except (KeyMaterialError, ValueError) as error:
        raise MalformedError(f"not a signature line: {line[:80]!r}") from error
    if len(blob) < 5:
        raise MalformedError(f"the signature of {parts[1]!r} is too short")
    return NoteSignature(parts[1], blob[:4], blob[4:])


def _check_name(name: str) -> None:
    if not name or any(c.isspace() or c < " " or c == "+" or "\ud800" <= c <= "\udfff" for c in name):
        raise KeyMaterialError(f"a key name is not empty and has no space, control character or '+': {name!r}")


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise MalformedError("a note's text ends with a newline")
    if any(character < " " and character != "\n" for character in text):
        raise MalformedError("a note's text has no control characters but newlines")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MalformedError("a note's text is not Unicode text") from error
