"""Hashing of record rows, in any order, into the leaf hashes of a part of a log.

A row consists of a record's claims and the record: its batch ID (16 bytes), its leaf (8 bytes, little-endian), whether
the columns beside the record are right (1 byte: 0 if they are not), and then the canonical record as RowBinary writes
it, except that maps are as they are stored, with their keys in any order.

This is the definition, in plain Python. Storage sends rows in blocks (``server.notary.row_blocks``);
``server.notary.hashing`` has the compiled function that hashes the rows of blocks in the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from server.notary.canonical import Kind, canonical_columns, has_version, leaf_of, mark_of
from server.notary.errors import MalformedError
from server.notary.map_order import sort_maps
from server.notary.merkle import HASH_SIZE
from server.notary.origin import Stream
from server.notary.record_filter import KeptRecord, RecordFilter

__all__ = ["MOST_SORTED_PAIRS", "LeafHashes", "LeafRange", "LeafState", "hash_rows", "row_kinds"]

MOST_SORTED_PAIRS = 1 << 16
"""Maximum number of pairs of a map that is sorted. Lognotary stores maps in order, so sorting need not be fast."""

_HEAD = struct.Struct("<16sQ?")


class LeafState(IntEnum):
    """State of a leaf after all rows have been read."""

    NONE = 0
    """There is no row."""
    HASHED = 1
    """There is exactly one row, and it is right; its record was hashed."""
    SPOILT = 2
    """The rows must be examined: there are several; or the row names another batch; or the columns beside its record
    are wrong; or its record does not begin as records of its version do, has a map in which the values of a repeated
    key are not in order, or has a map that is too large to be sorted."""


@dataclass(frozen=True, slots=True)
class LeafRange:
    """Consecutive leaves whose rows must name the same batch.

    Attributes:
        end_leaf: the leaf after the last one. The range starts at the end of the previous range.
        batch_id: ID of the batch as RowBinary writes it, 16 bytes; None if rows may name any batch.
    """

    end_leaf: int
    batch_id: bytes | None


@dataclass(frozen=True, slots=True)
class LeafHashes:
    """The leaf hashes of a part of a log.

    Attributes:
        first_leaf: the first leaf.
        hashes: 32 bytes for each leaf; zeros unless its state is HASHED.
        states: one byte for each leaf, a ``LeafState``.
        kept: records that pass the filter and whose leaves are HASHED, in any order.
        dropped: True if there may be more such records, because some were dropped for lack of room.
    """

    first_leaf: int
    hashes: bytes
    states: bytes
    kept: Sequence[KeptRecord] = ()
    dropped: bool = False

    def of(self, first_leaf: int, end_leaf: int) -> bytes | None:
        """Return the hashes of the leaves [first_leaf, end_leaf), 32 bytes each; None if not all are HASHED."""
        first, end = first_leaf - self.first_leaf, end_leaf - self.first_leaf
        if self.states.count(LeafState.HASHED, first, end) != end - first:
            return None
        return self.hashes[first * HASH_SIZE : end * HASH_SIZE]


def row_kinds(stream: Stream, version: int) -> list[Kind]:
    """Return the kinds that make up the canonical records of a version; a mark is as long as a time."""
    mark = [Kind.TIME] if mark_of(version) else []
    return [*mark, *(column.kind for column in canonical_columns(stream, version))]


def hash_rows(
    rows: Iterable[bytes],
    kinds: Sequence[Kind],
    version: int,
    first_leaf: int,
    ranges: Sequence[LeafRange],
    wanted: RecordFilter | None = None,
) -> LeafHashes:
    """Hash the records of a part of a log, and keep the records that a filter admits.

    Args:
        rows: the rows, in any order.
        kinds: the kinds that make up the canonical record.
        version: version of the canonical records.
        first_leaf: the first leaf of the part.
        ranges: the batches of the part, in order; the last one ends it.
        wanted: filter of the records to keep; None to keep none.

    Raises:
        MalformedError: a row claims a leaf outside the part, or its record does not consist of these kinds.
        ValueError: the ranges are not in order, or a batch ID is not 16 bytes long.
    """
    expected: list[bytes | None] = []
    for part in ranges:
        if part.end_leaf < first_leaf + len(expected):
            raise ValueError("the ranges are not in order")
        if part.batch_id is not None and len(part.batch_id) != 16:
            raise ValueError("a batch ID has 16 bytes")
        expected += [part.batch_id] * (part.end_leaf - first_leaf - len(expected))
    hashes: list[bytes] = [bytes(HASH_SIZE)] * len(expected)
    states = bytearray(len(expected))
    kept: list[KeptRecord] = []
    room = wanted.most_bytes if wanted is not None else 0
    dropped = False
    for row in rows:
        batch_id, leaf, right_beside = _HEAD.unpack_from(row)
        place = leaf - first_leaf
        if not 0 <= place < len(expected):
            raise MalformedError("a row claims a leaf that was not asked for")
        record, is_right = b"", False
        if states[place] == LeafState.NONE and right_beside and expected[place] in (None, batch_id):
            record, is_right = sort_maps(row[_HEAD.size :], kinds, MOST_SORTED_PAIRS)
        if is_right and has_version(record, version):
            hashes[place] = leaf_of(record)
            states[place] = LeafState.HASHED
            if wanted is not None and not dropped and wanted.holds(leaf, record):
                kept.append((leaf, record))
                room -= len(record)
                dropped = room < 0
        else:
            hashes[place] = bytes(HASH_SIZE)
            states[place] = LeafState.SPOILT
    right = tuple((leaf, record) for leaf, record in kept if states[leaf - first_leaf] == LeafState.HASHED)
    return LeafHashes(first_leaf, b"".join(hashes), bytes(states), right, dropped)
