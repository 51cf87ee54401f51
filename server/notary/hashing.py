"""Hashing of every record: compiled if available, otherwise the same in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.notary import leaf_rows, merkle
from server.notary.canonical import Kind
from server.notary.leaf_rows import FIXED_SIZES, LeafHashes, LeafRange

try:
    from server.notary import _native
except ImportError:  # there was no compiler, or no libcrypto
    COMPILED = False
else:
    COMPILED = True

__all__ = ["COMPILED", "hash_pairs", "hash_rows"]


def hash_pairs(nodes: bytes) -> bytes:
    """Hash each pair of sibling nodes into their parent, as ``merkle.hash_pairs`` does.

    Raises:
        MalformedError: the length is not a multiple of 32.
    """
    return _native.hash_pairs(nodes) if COMPILED else merkle.hash_pairs(nodes)


def hash_rows(
    pieces: Iterable[bytes], kinds: Sequence[Kind], version: int, first_leaf: int, ranges: Sequence[LeafRange]
) -> LeafHashes:
    """Hash the records of a part of a log, as ``leaf_rows.hash_rows`` does, without holding the GIL.

    Raises:
        MalformedError: the bytes are not such rows, or a row claims a leaf outside the part.
        ValueError: the ranges are not in order, or a batch ID is not 16 bytes long.
    """
    if not COMPILED:
        return leaf_rows.hash_rows(pieces, kinds, version, first_leaf, ranges)
    codes = b"".join(map(_code, kinds))
    expected = [(part.end_leaf, part.batch_id) for part in ranges]
    return LeafHashes(first_leaf, *_native.hash_rows(pieces, codes, version, first_leaf, expected))


def _code(kind: Kind) -> bytes:
    if kind.element is not None:
        return bytes((_native.ARRAY,)) + _code(kind.element)
    return bytes((FIXED_SIZES.get(kind) or (_native.MAP if kind is Kind.MAP else _native.STRING),))
