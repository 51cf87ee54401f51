"""Reads of a tail: the ranges of a statement, the leaves that are no longer stored, and the size of rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from server.notary.origin import Stream
from server.query.log_heads import Committed
from storage.bound import reading_whole_logs
from storage.engine import Engine
from storage.new_batches import LeafRange, next_leaf, read_missing
from storage.stored_records import StoredRecord

__all__ = ["FEWEST_ROWS", "is_same", "mean_size", "merged"]

FEWEST_ROWS = 3
"""Minimum number of rows in a read; two of them may be equal."""


def merged(ranges: Sequence[Committed], stream: Stream) -> list[LeafRange]:
    """Return the ranges of a stream, with adjacent ranges merged."""
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


def pass_missing(
    engine: Engine, streams: Iterable[Stream], ranges: list[Committed], plan: deque[Committed]
) -> list[LeafRange]:
    """Return the leaves of ranges that are not stored.

    If no leaf of the last range is stored, and the plan continues with the leaves after it, the range is extended up to
    the next stored leaf: a log without a trusted signature may claim any number of leaves.

    Raises:
        StorageError: storage cannot be read.
    """
    missing: list[LeafRange] = []
    for stream in streams:
        with reading_whole_logs():  # a record that the caller may not see is not missing
            gaps = read_missing(engine, stream, merged(ranges, stream))
        for gap in gaps:
            last = ranges[-1]
            if gap.log_id == last.log_id and gap.first <= last.first and gap.end == last.end:
                ranges[-1] = _extended(engine, last, plan)
                missing.append(replace(gap, end=ranges[-1].end))
            else:
                missing.append(gap)
    return missing


def _extended(engine: Engine, one: Committed, plan: deque[Committed]) -> Committed:
    rest = plan[0] if plan else None
    if rest is None or rest.log_id != one.log_id or rest.first != one.end:
        return one
    with reading_whole_logs():
        stored = next_leaf(engine, one.stream, one.log_id, rest.first)
    end = rest.end if stored is None else min(stored, rest.end)
    plan.popleft()
    if end < rest.end:
        plan.appendleft(replace(rest, first=end))
    return replace(one, end=end)
