"""Proofs that can be checked offline, as text (C2SP tlog-proof, ``c2sp.org/tlog-proof@v1``).

A proof is the index of an entry in a log, the inclusion proof, and the checkpoint to whose root it leads:

    c2sp.org/tlog-proof@v1
    [extra <base64>]
    index <number>
    <base64 hash>...

    <checkpoint>
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from server.notary.checkpoint import open_checkpoint
from server.notary.errors import MalformedError
from server.notary.merkle import HASH_SIZE

__all__ = ["TlogProof", "parse_tlog_proof"]

_VERSION = "c2sp.org/tlog-proof@v1"
_MAX_INDEX = (1 << 63) - 1
_MAX_PATH = 63  # of a tree of less than 2**63 leaves
_INDEX = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof that an entry is in a log, not checked yet.

    Attributes:
        index: the entry's index.
        path: the hashes of the inclusion proof, 32 bytes each, the leaf's sibling first (RFC 6962, section 2.1.1).
        checkpoint: the signed note, with cosignatures.
        extra: additional data of the application; not signed.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index <= _MAX_INDEX:
            raise MalformedError(f"an entry's index must be a number from 0 to 2^63 - 1, not {self.index}")
        if len(self.path) > _MAX_PATH or any(len(node) != HASH_SIZE for node in self.path):
            raise MalformedError(f"an inclusion proof has at most {_MAX_PATH} hashes of {HASH_SIZE} bytes")
        if self.extra == b"":
            raise MalformedError("empty extra data must be omitted")
        open_checkpoint(self.checkpoint)

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {base64.b64encode(self.extra).decode()}"]
        path = [base64.b64encode(node).decode() for node in self.path]
        return "\n".join((_VERSION, *extra, f"index {self.index}", *path, "", self.checkpoint))


def parse_tlog_proof(text: str) -> TlogProof:
    """Read a proof; neither the inclusion proof nor a signature is checked.

    Raises:
        MalformedError: the text is not a proof as specified.
    """
    head, separator, checkpoint = text.partition("\n\n")
    version, *lines = head.split("\n")
    if version != _VERSION or not separator:
        raise MalformedError(f"the proof does not begin with {_VERSION}, or has no empty line before its checkpoint")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _decode(lines.pop(0).removeprefix("extra "), "the extra data")
    if not lines or not lines[0].startswith("index "):
        raise MalformedError("the index is missing from the proof")
    index = lines[0].removeprefix("index ")
    if not _INDEX.fullmatch(index):
        raise MalformedError(f"not an index: {index[:40]!r}")
    if len(lines) > 1 + _MAX_PATH:
        raise MalformedError(f"the proof has more than {_MAX_PATH} hashes")
    path = tuple(_decode(line, "a hash of the inclusion proof") for line in lines[1:])
    return TlogProof(int(index), path, checkpoint, extra)


def _decode(encoded: str, what: str) -> bytes:
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise MalformedError(f"{what} is not base64: {encoded[:60]!r}") from error
    # One text for one value: Python reads over bits that the last digit has too many.
    if base64.b64encode(decoded).decode() != encoded:
        raise MalformedError(f"{what} is not canonical base64 (RFC 4648): {encoded[:60]!r}")
    return decoded
