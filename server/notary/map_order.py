"""The order of pairs in the maps of a canonical record: by key, and then by value.

ClickHouse may store the pairs of different keys in any order (buckets), but keeps pairs with equal keys in their order.
If a key is repeated, readers see the first of its values. A record with sorted maps does not show which value that is,
so the values of a repeated key must be stored in order.

This is the definition, in plain Python. ``server.notary.hashing`` has the compiled sorter that does the same.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from server.notary.canonical_columns import Kind
from server.notary.cursor import Cursor
from server.notary.errors import MalformedError

__all__ = ["sort_maps"]

_Pair = tuple[bytes, bytes, bytes]  # key, value, and both with their lengths
_NOT_ONE_RECORD = "the bytes are not one record"


def sort_maps(record: bytes, kinds: Sequence[Kind], most: int = sys.maxsize) -> tuple[bytes, bool]:
    """Sort the maps of a record that was read as it is stored.

    Args:
        record: the record.
        kinds: the kinds that make up the record (``leaf_rows.row_kinds``).
        most: maximum number of pairs of a map that is sorted.

    Returns:
        The canonical record, and whether the values of each repeated key are stored in order. No record, and False, if
        a map with more pairs than ``most`` is not in order.

    Raises:
        MalformedError: the bytes are not one record.
    """
    try:
        return _sort_maps(record, kinds, most)
    except EOFError:
        raise MalformedError(_NOT_ONE_RECORD) from None


def _sort_maps(record: bytes, kinds: Sequence[Kind], most: int) -> tuple[bytes, bool]:
    cursor = Cursor(record)
    copied = 0
    parts: list[bytes] = []
    values_in_order = True
    for kind in kinds:
        if Kind.MAP not in (kind, kind.element):
            cursor.skip_value(kind)
            continue
        for _ in range(1 if kind is Kind.MAP else cursor.take_length()):
            count, begin = cursor.take_length(), cursor.at
            pairs = [cursor.take_pair() for _ in range(count)]
            if _are_in_order(pairs):
                continue
            if count > most:
                return b"", False
            pairs.sort(key=itemgetter(0))
            if not _are_in_order(pairs):
                values_in_order = False
                pairs.sort(key=itemgetter(0, 1))
            parts += [record[copied:begin], *(encoded for _, _, encoded in pairs)]
            copied = cursor.at
    if cursor.at != len(record):
        raise MalformedError(_NOT_ONE_RECORD)
    return (b"".join([*parts, record[copied:]]) if parts else record), values_in_order


def _are_in_order(pairs: Sequence[_Pair]) -> bool:
    return all(before[:2] <= after[:2] for before, after in pairwise(pairs))
