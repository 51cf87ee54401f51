"""The order of pairs in the maps of a canonical record: by key, and then by value.

ClickHouse may store the pairs of different keys in any order (buckets), but keeps pairs of equal keys in their order.
Readers see the first of the values of a repeated key. A record whose maps are sorted does not tell which one that is,
so that the values of a repeated key must be stored in order.

This is the definition, in plain Python. ``server.notary.hashing`` has the compiled function that does the same.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from server.notary.canonical_columns import Kind
from server.notary.errors import MalformedError
from server.notary.row_walker import Walker

__all__ = ["sort_maps"]

_Pair = tuple[bytes, bytes, bytes]  # key, value, and both with their lengths


def sort_maps(record: bytes, kinds: Sequence[Kind], most: int = sys.maxsize) -> tuple[bytes, bool]:
    """Sort the maps of a record that was read as it is stored.

    Args:
        record: the record.
        kinds: the kinds that make it up (``leaf_rows.row_kinds``).
        most: pairs of a map that are sorted, at most.

    Returns:
        The canonical record; and whether the values of each repeated key are stored in order. False, and no record, if
        a map of more pairs than ``most`` is not in order.

    Raises:
        MalformedError: the bytes are not one record.
    """
    walker = Walker(record, 0)
    copied = 0
    parts: list[bytes] = []
    values_in_order = True
    for kind in kinds:
        if Kind.MAP not in (kind, kind.element):
            if not walker.skip_column(kind):
                raise MalformedError("the bytes are not one record")
            continue
        for _ in range(1 if kind is Kind.MAP else _length(walker)):
            count, begin = _length(walker), walker.at
            pairs = [_pair(walker) for _ in range(count)]
            if _are_in_order(pairs):
                continue
            if count > most:
                return b"", False
            pairs.sort(key=itemgetter(0))
            if not _are_in_order(pairs):
                values_in_order = False
                pairs.sort(key=itemgetter(0, 1))
            parts += [record[copied:begin], *(encoded for _, _, encoded in pairs)]
            copied = walker.at
    if walker.at != len(record):
        raise MalformedError("the bytes are not one record")
    return (b"".join([*parts, record[copied:]]) if parts else record), values_in_order


def _length(walker: Walker) -> int:
    length = walker.read_length()
    if length is None:
        raise MalformedError("the bytes are not one record")
    return length


def _pair(walker: Walker) -> _Pair:
    pair = walker.read_pair()
    if pair is None:
        raise MalformedError("the bytes are not one record")
    return pair


def _are_in_order(pairs: Sequence[_Pair]) -> bool:
    return all(before[:2] <= after[:2] for before, after in pairwise(pairs))
