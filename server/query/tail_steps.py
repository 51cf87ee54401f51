"""Steps of a tail, and the records that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from server.notary.origin import Stream
from server.query.checked_rows import Checked
from server.query.resolve import Query

__all__ = ["MOST_BEHIND", "Missed", "MissedWhy", "TailStep", "Wanted"]

MOST_BEHIND = 100_000
"""Leaves by which a tail may be behind while it falls back further, if nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Records that somebody follows.

    Attributes:
        query: the query.
        streams: the streams whose records are looked for, at least one.
        rehash: as for ``gather_evidence``.
        most_behind: number of leaves by which the tail may be behind while it falls back further.
    """

    query: Query
    streams: tuple[Stream, ...]
    rehash: bool = True
    most_behind: int = MOST_BEHIND


class MissedWhy(Enum):
    """Why leaves were left out."""

    TOO_SLOW = "more were committed than the tail could send"
    NOT_STORED = "they are not stored any more"


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
        positions: LogId -> number of leaves of the log that the tail has left behind, after this step.
        behind: number of leaves that it has still before it.
    """

    rows: list[Checked]
    missed: list[Missed]
    positions: Mapping[str, int]
    behind: int
