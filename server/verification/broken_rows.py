"""Broken rows of a log's batches, by the gap between valid batches that they may fill."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from server.notary.batch import Batch
from server.notary.chain import Gap
from server.notary.checkpoint import Checkpoint

__all__ = ["BrokenRows"]

_Keyed = list[tuple[int, int]]  # a size or number, and the place of its row


class BrokenRows:
    """Rows that are taken gap by gap.

    There may be as many rows and gaps as the log has batches, so that rows are found by their sizes and numbers
    instead of being compared with each gap.
    """

    def __init__(self, rows: Iterable[Batch], signed: Mapping[Batch, Checkpoint]) -> None:
        """Take all broken rows of a log.

        Args:
            rows: the rows, each once.
            signed: the checkpoints of those whose signature is valid.
        """
        self._rows = dict(enumerate(rows))
        sizes = {place: signed[row].size if row in signed else row.tree_size for place, row in self._rows.items()}
        self._by_size: _Keyed = sorted((size, place) for place, size in sizes.items())
        # What is signed of a row says where it belongs; its number says so only if nothing is.
        self._by_number: _Keyed = sorted(
            (row.sequence, place) for place, row in self._rows.items() if row not in signed
        )

    def take(self, gap: Gap) -> list[Batch]:
        """Return and remove the rows that may be those of batches missing in a gap, in the order given."""
        sized = _take_between(self._by_size, gap.first_leaf + 1, gap.end_leaf + 1)
        numbered = _take_between(self._by_number, gap.first_sequence, gap.after.sequence)
        return [self._rows.pop(place) for place in sorted({*sized, *numbered}) if place in self._rows]


def _take_between(keyed: _Keyed, first: int, end: int) -> list[int]:
    begin, until = bisect_left(keyed, (first, -1)), bisect_left(keyed, (end, -1))
    places = [place for _, place in keyed[begin:until]]
    del keyed[begin:until]
    return places
