"""Reads of a tail: which ranges a statement reads, and how many rows."""

from __future__ import annotations

from collections.abc import Sequence

from server.notary.origin import Stream
from server.query.log_heads import Committed
from storage.new_batches import LeafRange
from storage.stored_records import StoredRecord

__all__ = ["FEWEST_ROWS", "is_same", "mean_size", "merged"]

FEWEST_ROWS = 3
"""Rows that are read at a time, at least, of which two may be equal."""


def merged(ranges: Sequence[Committed], stream: Stream) -> list[LeafRange]:
    """Return the ranges of a stream, with those that are side by side as one."""
    found: dict[str, list[LeafRange]] = {}
    for one in ranges:
        if one.stream is not stream or one.first == one.end:
            continue
        own = found.setdefault(one.log_id, [])
        if own and own[-1].end == one.first:
            own[-1] = LeafRange(one.log_id, own[-1].first, one.end)
        else:
            own.append(LeafRange(one.log_id, one.first, one.end))
    return [one for own in found.values() for one in own]


def is_same(one: StoredRecord, other: StoredRecord) -> bool:
    """Return whether two rows claim the same place and have the same record."""
    return (one.leaf_index, one.batch_id, one.canonical) == (other.leaf_index, other.batch_id, other.canonical)


def mean_size(rows: Sequence[StoredRecord]) -> int:
    """Return the mean size of the records of rows, in bytes, rounded up."""
    return sum(len(row.canonical) for row in rows) // len(rows) + 1
