"""Hashing of every record: compiled if available, otherwise the same in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from server.notary import leaf_rows, map_order, merkle
from server.notary.canonical import Kind
from server.notary.cursor import FIXED_SIZES
from server.notary.leaf_rows import LeafHashes, LeafRange, LeafState
from server.notary.record_filter import RecordFilter
from server.notary.row_blocks import BLOCK_LIMITS, BlockLimits, rows_of_blocks

try:
    from server.notary import _native
except ImportError:  # there was no compiler, or no libcrypto
    COMPILED = False
else:
    COMPILED = True

__all__ = ["COMPILED", "MapSorter", "codes", "hash_blocks", "hash_pairs", "holds", "map_sorter"]

MapSorter = Callable[[bytes], tuple[bytes, bool]]
"""Function that sorts the maps of a record, as ``map_order.sort_maps`` does."""


def hash_pairs(nodes: bytes) -> bytes:
    """Hash each pair of sibling nodes into their parent, as ``merkle.hash_pairs`` does.

    Raises:
        MalformedError: the length is not a multiple of 32.
    """
    return _native.hash_pairs(nodes) if COMPILED else merkle.hash_pairs(nodes)


def hash_blocks(
    pieces: Iterable[bytes],
    kinds: Sequence[Kind],
    version: int,
    first_leaf: int,
    ranges: Sequence[LeafRange],
    wanted: RecordFilter | None = None,
    limits: BlockLimits = BLOCK_LIMITS,
) -> LeafHashes:
    """Hash the records of a part of a log, as ``leaf_rows.hash_rows`` does; the compiled code does not hold the GIL.

    Args:
        pieces: blocks (``row_blocks``) with the rows in any order, cut into pieces anywhere.
        kinds: the kinds that make up the canonical record.
        version: version of the canonical records.
        first_leaf: the first leaf of the part.
        ranges: the batches of the part, in order; the last one ends it.
        wanted: filter of the records to keep; None to keep none.
        limits: limits on what is read.

    Raises:
        MalformedError: the bytes are not such blocks, or a row claims a leaf outside the part.
        RowTooLongError: a row or a block exceeds a limit.
        ValueError: the ranges are not in order, or a batch ID is not 16 bytes long.
    """
    if not COMPILED:
        rows = rows_of_blocks(pieces, kinds, limits)
        return leaf_rows.hash_rows(rows, kinds, version, first_leaf, ranges, wanted)
    expected = [(part.end_leaf, part.batch_id) for part in ranges]
    program, most = (None, 0) if wanted is None else (wanted.program, wanted.most_bytes)
    hashes, states, kept, dropped = _native.hash_blocks(
        pieces, codes(kinds), version, first_leaf, expected, limits, program, most
    )
    records = tuple((leaf, record) for leaf, record in kept if states[leaf - first_leaf] == LeafState.HASHED)
    return LeafHashes(first_leaf, hashes, states, records, dropped)


def map_sorter(kinds: Sequence[Kind]) -> MapSorter:
    """Return the sorter of maps for records of some kinds; it raises MalformedError if bytes are not such a record."""
    return _native.MapSorter(codes(kinds)) if COMPILED else lambda record: map_order.sort_maps(record, kinds)


def holds(program: bytes, kinds: bytes, leaf: int, record: bytes) -> bool:
    """Return whether the compiled filter admits the record of a leaf; ``kinds`` are the ``codes`` of its columns.

    Raises:
        MalformedError: the record ends too early.
        ValueError: the program is malformed.
    """
    return _native.holds(program, kinds, leaf, record)


def codes(kinds: Sequence[Kind]) -> bytes:
    """Return kinds in the form that the compiled code reads."""
    return b"".join(map(_code, kinds))


def _code(kind: Kind) -> bytes:
    if kind.element is not None:
        return bytes((_native.ARRAY,)) + _code(kind.element)
    return bytes((FIXED_SIZES.get(kind) or (_native.MAP if kind is Kind.MAP else _native.STRING),))
