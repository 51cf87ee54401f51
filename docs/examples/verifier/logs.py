"""One log: its tree, its batches, and which of its records may have expired."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from notes import FaultError, Note, Span, Statement
from rows import BATCH, CANONICAL, encode

EMPTY_ROOT = sha256(b"").digest()
_ORIGIN = re.compile(r"(?:[A-Za-z0-9._-]+/)+(audit|access|operational|spans)/[A-Za-z0-9._-]+")
_HOUR = 3600

Row = Mapping[str, Any]
"""A row of ``log_batches``, by column."""


def text(value: bytes) -> str:
    """Return a String of ClickHouse as text; bytes that are not UTF-8 are escaped."""
    return value.decode(errors="backslashreplace")


def printable(line: str) -> str:
    """Escape what a terminal could take for a command: anybody may have written it."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in line)


def log_id_of(origin: str) -> str:
    """Return the LogId of an origin."""
    return sha256(origin.encode()).hexdigest()[:16]


class Record(NamedTuple):
    """One stored record, reduced to what is checked."""

    table: str
    batch_id: UUID
    leaf_hash: bytes
    timestamp: int
    ingested_at: int
    fault: str


class Tree:
    """The right edge of a Merkle tree, and the hashes on tile levels that were added to it."""

    def __init__(self, batch: Row) -> None:
        """Start with the tree before a batch. Raises FaultError."""
        frontier: bytes = batch["Frontier"]
        self.size: int = batch["FirstLeaf"]
        self.nodes = [frontier[at : at + 32] for at in range(0, len(frontier), 32)]
        if len(frontier) != 32 * self.size.bit_count():
            raise FaultError("Frontier does not fit FirstLeaf")
        self.added: dict[tuple[int, int, int], bytes] = {}  # by level, tile and the offset of the first hash
        self._starts: dict[tuple[int, int], int] = {}

    def append(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        node, number, height = leaf, self.size, 0
        self._add(0, number, node)
        while number & 1:
            node, number, height = sha256(b"\1" + self.nodes.pop() + node).digest(), number >> 1, height + 1
            if height % 8 == 0:
                self._add(height // 8, number, node)
        self.nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root hash."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = sha256(b"\1" + node + root).digest()
        return root

    def _add(self, level: int, number: int, node: bytes) -> None:
        tile, offset = divmod(number, 256)
        start = self._starts.setdefault((level, tile), offset)
        self.added[level, tile, start] = self.added.get((level, tile, start), b"") + node


@dataclass
class Log:
    """A log: the keys that sign it, and what was found to be signed.

    Attributes:
        origin: the log's name.
        spans: who signs it where.
        statements: its statements, by number.
        batches: its batches, in order.
    """

    origin: str
    spans: Sequence[Span]
    statements: dict[int, Statement] = field(default_factory=dict)
    batches: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        match = _ORIGIN.fullmatch(self.origin)
        if match is None:
            raise FaultError(f"{self.origin} is not the name of a log")
        self.stream = "audit" if match[1] == "access" else match[1]  # audit records of who looked

    def check_batch(self, row: Row) -> None:
        """Check a row of ``log_batches`` by itself. Raises FaultError."""
        note = Note.parse(text(row["Checkpoint"]))
        note.check([span.keys for span in self.spans if span.sizes[0] <= note.size <= span.sizes[1]])
        if note.extension:
            raise FaultError("Checkpoint has a fourth line")
        signed = {"Origin": note.origin.encode(), "LogId": log_id_of(note.origin).encode(), "TreeSize": note.size}
        signed |= {"RootHash": note.root, "RecordCount": note.size - row["FirstLeaf"], "BatchId": batch_id(row, note)}
        if wrong := [column for column, value in signed.items() if row[column] != value]:
            raise FaultError(f"{', '.join(wrong)} do not match the rest of the row")
        if row["RecordCount"] < 1:
            raise FaultError("it adds no record")
        if self.stream not in CANONICAL.get(row["CanonicalVersion"], ()):
            raise FaultError(f"there is no version {row['CanonicalVersion']} of the canonical record of {self.stream}")
        Tree(row)

    def has_expired(self, batch: Row, now: int) -> bool:
        """Return whether the signed statements allow that a batch's records are gone; ``now`` is in seconds."""
        ordered = [statement for _, statement in sorted(self.statements.items())]
        kept = [(statement.time, statement.retention()) for statement in ordered if statement.kind == "retention"]
        ends = [*(time for time, _ in kept[1:]), now]
        before = max((end - age for (_, age), end in zip(kept, ends, strict=False) if age is not None), default=0)
        received: int = batch["IngestedAt"]
        has_bounds = False
        for statement in ordered:
            bound = statement.bound()
            has_bounds = has_bounds or bound is not None
            if bound is None and not has_bounds and statement.kind in ("heartbeat", "keys", "retention"):
                bound = (statement.note.size, statement.time - _HOUR)
            if bound is not None and bound[0] <= batch["FirstLeaf"]:
                received = max(received, bound[1] * 10**9)
        return 0 < received <= before * 10**9


def batch_id(row: Row, note: Note) -> UUID:
    """Compute the BatchId of a row; of its checkpoint only the signed text counts."""
    digest = sha256()
    for column, kind in BATCH.items():
        if column != "BatchId":
            digest.update(encode(note.text.encode() if column == "Checkpoint" else row[column], kind))
    first = bytearray(digest.digest()[:16])
    first[6], first[8] = first[6] & 0x0F | 0x80, first[8] & 0x3F | 0x80
    return UUID(bytes=bytes(first))
