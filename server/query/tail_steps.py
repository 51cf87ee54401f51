"""Steps of a tail, and the choice of its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from server.notary.origin import Stream
from server.query.checked_rows import Checked
from server.query.resolve import Query

__all__ = ["MOST_BEHIND", "Missed", "MissedWhy", "TailStep", "Wanted"]

MOST_BEHIND = 100_000
"""Number of leaves that a tail may be behind before it skips leaves, unless a request says otherwise."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Choice of the records that a tail follows.

    Attributes:
        query: the query.
        streams: streams to follow, at least one.
        rehash: as for ``gather_evidence``.
        most_behind: number of leaves that the tail may be behind before it skips leaves.
    """

    query: Query
    streams: tuple[Stream, ...]
    rehash: bool = True
    most_behind: int = MOST_BEHIND


class MissedWhy(Enum):
    """Reason why leaves were left out."""

    TOO_SLOW = "more were committed than the tail could send"
    NOT_STORED = "they are no longer stored"


@dataclass(frozen=True, slots=True)
class Missed:
    """Leaves [first, end) of a log that were left out."""

    origin: str
    first: int
    end: int
    why: MissedWhy


@dataclass(frozen=True, slots=True)
class TailStep:
    """A step of a tail.

    Attributes:
        rows: records with their evidence, in the order of commits.
        missed: leaves that were left out, before the records.
        positions: position in each log after this step, as ``name_positions`` returns it.
        behind: number of committed leaves after these positions.
    """

    rows: list[Checked]
    missed: list[Missed]
    positions: Mapping[str, int]
    behind: int
