"""Checkpoints: a log's origin, size and root hash as a signed note (C2SP tlog-checkpoint v1.0.0)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from server.notary.cosignature import read_tree_head
from server.notary.counted import entries_of
from server.notary.note import SignedNote, parse_note
from server.notary.signers import Signer

__all__ = ["Checkpoint", "described", "open_checkpoint", "sign_checkpoint"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """State of a log that its signer commits to.

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
            MalformedError: the text is not a checkpoint.
        """
        return cls(*read_tree_head(text))


def described(checkpoint: Checkpoint) -> str:
    """Return the words for a checkpoint in messages."""
    return f"the checkpoint of {checkpoint.origin} after {entries_of(checkpoint.size)}"


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> SignedNote:
    """Sign a checkpoint under the log's origin as key name."""
    return signer.sign(checkpoint.text(), checkpoint.origin)


def open_checkpoint(note: str) -> tuple[Checkpoint, SignedNote]:
    """Parse a signed checkpoint; no signature is checked.

    Raises:
        MalformedError: the note is not a signed checkpoint.
    """
    signed = parse_note(note)
    return Checkpoint.parse(signed.text), signed
