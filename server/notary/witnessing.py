"""Request and response bodies of ``add-checkpoint`` (C2SP tlog-witness).

A witness cosigns a log's checkpoint after checking a consistency proof from the checkpoint it
cosigned before. Its answer is trusted only if its signature is valid.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.notary.checkpoint import Checkpoint
from server.notary.counted import entries_of
from server.notary.errors import MalformedError, VerificationError
from server.notary.keys import VerifierKey
from server.notary.merkle import HASH_SIZE
from server.notary.note import NoteSignature, SignedNote, UnknownKeyError, parse_note

__all__ = [
    "MAX_PROOF_LINES",
    "Cosignature",
    "add_checkpoint_body",
    "open_cosignatures",
    "read_cosignature",
    "read_witness_size",
]

MAX_PROOF_LINES = 63
"""Hashes that a consistency proof in ``add-checkpoint`` has at most."""

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_MAX_SIZE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified cosignature of a checkpoint by a witness.

    Attributes:
        key: the witness's key.
        time: time of signing by the witness's clock, in seconds since 1970.
        signature: the signature line.
    """

    key: VerifierKey
    time: int
    signature: NoteSignature


def add_checkpoint_body(note: SignedNote, old: int, proof: Sequence[bytes]) -> bytes:
    """Write the body of an ``add-checkpoint`` request.

    Args:
        note: the signed checkpoint, without extension lines.
        old: size of the checkpoint that the witness cosigned last, 0 if none.
        proof: the consistency proof from ``old`` to the checkpoint (RFC 6962, section 2.1.2).

    Raises:
        MalformedError: the arguments form no valid request: the note is not a plain checkpoint, ``old`` is greater than
            its size, or the proof does not have at most 63 hashes.
    """
    checkpoint = Checkpoint.parse(note.text)
    if note.text != checkpoint.text():
        raise MalformedError("a checkpoint with extension lines cannot be sent to witnesses")
    if not 0 <= old <= checkpoint.size:
        raise MalformedError(f"a checkpoint of {entries_of(checkpoint.size)} cannot follow one of {old}")
    if len(proof) > MAX_PROOF_LINES or any(len(node) != HASH_SIZE for node in proof):
        raise MalformedError(f"a consistency proof has at most {MAX_PROOF_LINES} hashes of {HASH_SIZE} bytes")
    lines = [f"old {old}\n", *(f"{base64.b64encode(node).decode()}\n" for node in proof), "\n", str(note)]
    return "".join(lines).encode()


def read_cosignature(answer: bytes, text: str, key: VerifierKey) -> Cosignature:
    """Read the answer of a witness that cosigned: signature lines; lines by other keys are ignored.

    Args:
        answer: the body of the witness's answer.
        text: the text of the checkpoint that was sent.
        key: the witness's key.

    Raises:
        UnknownKeyError: there is no line by this key.
        VerificationError: the key's signature is not for this checkpoint, or has no time.
        MalformedError: the answer does not consist of signature lines.
    """
    found = open_cosignatures(answer, text, [key])
    if not found:
        raise UnknownKeyError(f"the answer has no signature by {key.name}+{key.key_id.hex()}")
    return found[0]


def open_cosignatures(lines: bytes, text: str, keys: Iterable[VerifierKey]) -> list[Cosignature]:
    """Check signature lines over a checkpoint, and return the cosignatures of known witnesses; others are ignored.

    Args:
        lines: signature lines, each with its newline.
        text: the checkpoint's text.
        keys: the witnesses' keys.

    Raises:
        VerificationError: the signature of a known witness is invalid, or has no time.
        MalformedError: the lines are not signature lines.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found = []
    for signature in _parse_lines(lines, text):
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            key.verify(text, signature.signature)
            found.append(Cosignature(key, _signed_time(key, signature), signature))
    return found


def read_witness_size(answer: bytes) -> int:
    """Return the witness's size from the answer to a request that named a different size.

    Args:
        answer: the body of an answer with status 409, of type ``text/x.tlog.size``.

    Raises:
        MalformedError: the answer is not a tree size on a line.
    """
    match = _SIZE.fullmatch(answer)
    if match is None or int(match[1]) > _MAX_SIZE:
        raise MalformedError(f"not a tree size: {answer[:40]!r}")
    return int(match[1])


def _parse_lines(lines: bytes, text: str) -> tuple[NoteSignature, ...]:
    try:
        note = parse_note(f"{text}\n{lines.decode()}")
    except UnicodeDecodeError as error:
        raise MalformedError("signature lines must be UTF-8 text") from error
    if note.text != text:  # an empty line among them would make the first ones part of the text
        raise MalformedError("there is an empty line between the signature lines")
    return note.signatures


def _signed_time(key: VerifierKey, signature: NoteSignature) -> int:
    time = key.signed_time(signature.signature)
    if time is None:
        raise VerificationError(f"the cosignature of {key.name} does not say when it was made")
    return time
