"""Ranges of leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.verification.leaf_ranges import LeafRanges

LEAF = st.integers(0, 12)


@given(st.lists(st.tuples(LEAF, LEAF), max_size=8), LEAF, LEAF)
def test_leaves_are_covered_if_one_range_has_them_all(ranges: list[tuple[int, int]], first: int, length: int) -> None:
    last = first + length
    assert LeafRanges(ranges).cover(first, last) == any(begin <= first and last < end for begin, end in ranges)


def test_neighbouring_ranges_are_not_one_range() -> None:
    assert not LeafRanges([(0, 5), (5, 9)]).cover(4, 5)
