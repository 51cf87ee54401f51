"""Signed notes (C2SP signed-note v1.0.0).

A note is its text, an empty line, and signature lines ``— <key name> <base64(key ID || signature)>``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from server.notary.errors import KeyMaterialError, MalformedError, VerificationError
from server.notary.keys import VerifierKey, check_key_name

__all__ = ["NoteSignature", "SignedNote", "UnknownKeyError", "check_text", "parse_note"]

_MAX_SIGNATURES = 64
_MAX_NOTE = 1 << 20


class UnknownKeyError(VerificationError):
    """None of a note's signatures is by a key known to the verifier.

    Attributes:
        signers: names and IDs of the keys of all signatures; empty if a known key signed, but must not have.
    """

    def __init__(self, message: str, signers: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.signers = signers


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
        """Return the line as written in a note, newline included."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A parsed note. ``text`` ends with a newline, and is what was signed."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    def verify(self, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
        """Check the signatures by known keys; others are ignored.

        Callers that require signatures by several keys, or by a key of a certain type, check the returned keys.

        Returns:
            The known keys that signed the note, at least one, in the order of the signatures.

        Raises:
            UnknownKeyError: no signature is by a known key.
            VerificationError: a signature by a known key is invalid.
        """
        known = {(key.name, key.key_id): key for key in keys}
        signers = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is not None:
                key.verify(self.text, signature.signature)
                signers.append(key)
        if not signers:
            names = tuple(f"{s.name}+{s.key_id.hex()}" for s in self.signatures)
            raise UnknownKeyError(f"signed by no known key, but by {', '.join(names)}", names)
        return signers


def parse_note(note: str) -> SignedNote:
    """Parse a signed note; no signature is checked.

    Raises:
        MalformedError: the text is not a note as specified.
    """
    if len(note) > _MAX_NOTE:
        raise MalformedError("the note is longer than 1 MiB")
    text, separator, lines = note.rpartition("\n\n")
    if not separator:
        raise MalformedError("the note has no empty line before its signatures")
    text += "\n"
    check_text(text)
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
        check_key_name(parts[1])
        blob = base64.b64decode(parts[2], validate=True)
    except (KeyMaterialError, ValueError) as error:
        raise MalformedError(f"not a signature line: {line[:80]!r}") from error
    if base64.b64encode(blob).decode() != parts[2]:  # unused bits: one signature could be written in many ways
        raise MalformedError(f"the signature of {parts[1]!r} is not canonical base64 (RFC 4648, section 3.5)")
    if len(blob) < 5:
        raise MalformedError(f"the signature of {parts[1]!r} is too short")
    return NoteSignature(parts[1], blob[:4], blob[4:])


def check_text(text: str) -> None:
    """Check that a text is valid as the text of a note.

    Raises:
        MalformedError: the text does not end with a newline, has control characters, or is not valid Unicode.
    """
    if not text.endswith("\n"):
        raise MalformedError("a note's text must end with a newline")
    if any(character < " " and character != "\n" for character in text):
        raise MalformedError("a note's text must not contain control characters other than newlines")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MalformedError("a note's text must be valid Unicode") from error
