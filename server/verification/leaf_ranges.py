"""Ranges of leaves that are asked often: there may be as many as an administrator likes to make."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

__all__ = ["LeafRanges"]


class LeafRanges:
    """Ranges ``(first, end)`` of leaves; ``end`` is the leaf after the last."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """Take ranges in any order, which may overlap."""
        in_order = sorted(ranges)
        self._firsts = [first for first, _ in in_order]
        self._furthest = list(accumulate((end for _, end in in_order), max))

    def cover(self, first: int, last: int) -> bool:
        """Return whether one of the ranges has all leaves from ``first`` to ``last``; O(log n)."""
        at = bisect_right(self._firsts, first)
        return at > 0 and last < self._furthest[at - 1]
