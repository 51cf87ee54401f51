"""Checkpoints: a log's origin, size and root hash as a signed note (C2SP tlog-checkpoint v1.0.0)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from server.notary.errors import MalformedError
from server.notary.merkle import HASH_SIZE
from server.notary.note import SignedNote, Signer, parse_note

__all__ = ["Checkpoint", "open_checkpoint", "sign_checkpoint"]

_MAX_SIZE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log's signer commits to.

    Attributes:
        origin: the log's name.
        size: number of entries.
        root: root hash of the Merkle tree over them, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a checkpoint's text; extension lines are ignored.

        Raises:
            MalformedError: the text is no checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0]:
            raise MalformedError("a checkpoint has an origin, a size and a root hash, one a line")
        origin, size, root = lines[0], lines[1], lines[2]
        if "+" in origin or any(character.isspace() for character in origin):
            raise MalformedError(f"an origin is the name of a key, which has no space and no '+': {origin[:80]!r}")
        if not (size.isascii() and size.isdigit()) or str(int(size[:20])) != size or int(size) > _MAX_SIZE:
            raise MalformedError(f"not a tree size: {size[:40]!r}")
        try:
            root_hash = base64.b64decode(root, validate=True)
        except ValueError as error:
            raise MalformedError("the root hash is not base64") from error
        if len(root_hash) != HASH_SIZE:
            raise MalformedError(f"the root hash has {len(root_hash)} bytes and not {HASH_SIZE}")
        return cls(origin, int(size), root_hash)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> SignedNote:
    """Sign a checkpoint under the log's origin as key name."""
    return signer.sign(checkpoint.text(), checkpoint.origin)


def open_checkpoint(note: str) -> tuple[Checkpoint, SignedNote]:
    """Parse a signed checkpoint; no signature is checked.

    Raises:
        MalformedError: it is no signed checkpoint.
    """
    signed = parse_note(note)
    return Checkpoint.parse(signed.text), signed
