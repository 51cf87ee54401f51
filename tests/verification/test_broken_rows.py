"""Broken rows of batches, and the gaps that they may fill."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from server.notary.batch import Batch
from server.notary.chain import Gap
from server.notary.checkpoint import Checkpoint
from server.verification.broken_rows import BrokenRows

SMALL = st.integers(0, 14)


def batch(place: int, sequence: int, first_leaf: int, tree_size: int) -> Batch:
    count = max(0, tree_size - first_leaf)
    return Batch("log", "a/audit/b", UUID(int=place), sequence, first_leaf, tree_size, count, 0, 0, 0, b"", b"", "", 1)


@st.composite
def gaps(draw: st.DrawFn) -> list[Gap]:
    """Gaps in the order of their leaves, between batches whose numbers are anything: numbers are not signed."""
    ends = sorted(draw(st.sets(SMALL, min_size=2, max_size=8)))
    valid = [batch(100 + end, draw(SMALL), end - 1, end) for end in ends]
    found = [Gap(before, after) for before, after in pairwise(valid)]
    return [Gap(None, valid[0]), *found] if draw(st.booleans()) else found


ROWS = st.lists(st.tuples(SMALL, SMALL, SMALL, st.one_of(st.none(), SMALL)), max_size=10)


@given(ROWS, gaps())
def test_a_row_is_taken_for_the_first_gap_that_it_may_fill(
    drawn: list[tuple[int, int, int, int | None]], found: list[Gap]
) -> None:
    rows = [batch(place, sequence, first, size) for place, (sequence, first, size, _) in enumerate(drawn)]
    signed = {
        row: Checkpoint("a/audit/b", size, b"")
        for row, (_, _, _, size) in zip(rows, drawn, strict=True)
        if size is not None
    }

    def fills(row: Batch, gap: Gap) -> bool:
        if row in signed:
            return gap.first_leaf < signed[row].size <= gap.end_leaf
        numbered = gap.first_sequence <= row.sequence < gap.after.sequence
        return gap.first_leaf < row.tree_size <= gap.end_leaf or numbered

    broken, left = BrokenRows(rows, signed), list(rows)
    for gap in found:
        filling = [row for row in left if fills(row, gap)]
        assert broken.take(gap) == filling
        left = [row for row in left if row not in filling]
