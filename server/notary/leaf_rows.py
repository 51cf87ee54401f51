"""Hashing of record rows, in any order, into the leaf hashes of a part of a log.

A row consists of a record's claims and the record: the ID of its batch (16 bytes), its leaf (8 bytes, little-endian),
whether what stands beside the record is right (1 byte, not 0), and then the canonical record, as RowBinary writes it,
but with maps as they are stored: in any order of keys. RowBinary does not mark where columns end, so they are parsed:
``server.notary.canonical`` says how each is encoded.

This is the definition, in plain Python. Storage sends rows as blocks (``server.notary.row_blocks``), from which
``server.notary.hashing`` has a compiled function that does the same.
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
from server.notary.row_walker import FIXED_SIZES, MOST_BYTES, Walker

__all__ = ["MOST_SORTED", "LeafHashes", "LeafRange", "LeafState", "hash_rows", "row_kinds"]

MOST_SORTED = 1 << 16
"""Pairs of a map that are sorted, at most. Lognotary stores maps in order, so that others need not be sorted fast."""

_HEAD = struct.Struct("<16sQ?")
_STRING, _MAP, _ARRAY = 0, -1, -2  # among sizes of columns


class LeafState(IntEnum):
    """State of a leaf after all rows have been read."""

    NONE = 0
    """There is no row."""
    HASHED = 1
    """There is exactly one, and it is as it must be; the leaf is its hash."""
    SPOILT = 2
    """There are several, or it names another batch, or what stands beside it is wrong, or the values of a key that is
    repeated in a map are not in order, or a map that is not in order is too large, or it begins as no record of its
    version does: the rows must be looked at."""


@dataclass(frozen=True, slots=True)
class LeafRange:
    """Consecutive leaves whose rows must name the same batch.

    Attributes:
        end_leaf: the leaf after the last one. The range starts at the end of the previous range.
        batch_id: the ID as RowBinary writes it, 16 bytes; None for any.
    """

    end_leaf: int
    batch_id: bytes | None


@dataclass(frozen=True, slots=True)
class LeafHashes:
    """The leaf hashes of a part of a log, for leaves with correct rows.

    Attributes:
        first_leaf: the first leaf.
        hashes: 32 bytes for each leaf; zeros unless its state is HASHED.
        states: one byte for each leaf, a ``LeafState``.
        kept: the records that pass a filter and whose leaves are HASHED, in any order.
        dropped: True if there are more of them, which are dropped.
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
    """Return the kinds that make up the canonical records of a version, with the mark, which is as long as a time."""
    mark = [Kind.TIME] if mark_of(version) else []
    return [*mark, *(column.kind for column in canonical_columns(stream, version))]


def hash_rows(
    pieces: Iterable[bytes],
    kinds: Sequence[Kind],
    version: int,
    first_leaf: int,
    ranges: Sequence[LeafRange],
    wanted: RecordFilter | None = None,
) -> LeafHashes:
    """Hash the records of a part of a log, and keep the records that a filter admits.

    Args:
        pieces: rows in any order, cut into pieces anywhere.
        kinds: the kinds that make up the canonical record.
        version: version of the canonical records.
        first_leaf: the first leaf of the part.
        ranges: the batches of the part, in order; the last one ends it.
        wanted: filter of the records to keep; None to keep none.

    Raises:
        MalformedError: the bytes are not such rows, or a row claims a leaf outside the part.
        ValueError: the ranges are not in order, or a batch ID is not 16 bytes long.
    """
    expected: list[bytes | None] = []
    for part in ranges:
        if part.end_leaf < first_leaf + len(expected):
            raise ValueError("the ranges do not follow on each other")
        if part.batch_id is not None and len(part.batch_id) != 16:
            raise ValueError("a batch ID has 16 bytes")
        expected += [part.batch_id] * (part.end_leaf - first_leaf - len(expected))
    hashes: list[bytes] = [bytes(HASH_SIZE)] * len(expected)
    states = bytearray(len(expected))
    kept: list[KeptRecord] = []
    room = wanted.most_bytes if wanted is not None else 0
    dropped = False
    for row in _rows(pieces, kinds):
        batch_id, leaf, right_beside = _HEAD.unpack_from(row)
        place = leaf - first_leaf
        if not 0 <= place < len(expected):
            raise MalformedError("a row claims a leaf that was not asked for")
        record, is_right = b"", False
        if states[place] == LeafState.NONE and right_beside and expected[place] in (None, batch_id):
            record, is_right = sort_maps(row[_HEAD.size :], kinds, MOST_SORTED)
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


def _rows(pieces: Iterable[bytes], kinds: Sequence[Kind]) -> Iterable[bytes]:
    sizes = [_size_code(kind) for kind in kinds]
    rest = b""
    for piece in pieces:
        data = rest + piece
        start = 0
        while start < len(data):
            end = _end_of_usual_row(data, start, sizes) or _end_of_row(data, start, kinds)
            if end is None:
                break
            yield data[start:end]
            start = end
        rest = data[start:]
    if rest:
        raise MalformedError("the rows end within one")


def _size_code(kind: Kind) -> int:
    if kind.element is not None:
        return _ARRAY
    return FIXED_SIZES.get(kind, _MAP if kind is Kind.MAP else _STRING)


def _end_of_usual_row(data: bytes, start: int, sizes: Sequence[int]) -> int | None:
    """Fast path of ``_end_of_row``; None if the row needs the slow path."""
    at = start + _HEAD.size
    try:
        for size in sizes:
            if size > 0:
                at += size
                continue
            strings = 1
            if size == _ARRAY:
                if data[at]:
                    return None
                strings = 0
                at += 1
            if size == _MAP:
                strings = 2 * data[at]
                if strings >= 0x100:
                    return None
                at += 1
            for _ in range(strings):
                length = data[at]
                at += 1
                if length >= 0x80:
                    if data[at] >= 0x80:
                        return None
                    length += (data[at] << 7) - 0x80
                    at += 1
                at += length
    except IndexError:
        return None
    return at if at <= len(data) and at - start <= MOST_BYTES else None


def _end_of_row(data: bytes, start: int, kinds: Sequence[Kind]) -> int | None:
    walker = Walker(data, start)
    if not walker.skip(_HEAD.size):
        return None
    return walker.at if all(walker.skip_column(kind) for kind in kinds) else None
