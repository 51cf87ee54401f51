"""Answers about as much of a range of time as the limits of a query admit: all of it, or else its latest part."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from server.query.errors import QueryTooExpensiveError
from server.query.limits import LimitedEngine, QueryLimits
from storage.engine import Engine

__all__ = ["Narrowed", "answer_latest"]

_Answer = TypeVar("_Answer")

_SHARE = 4  # of the range that was too much, the latest fourth comes next
_ATTEMPTS = 12  # at most: the last one is about some minutes of decades
_SHORTEST = 0.5  # seconds that an attempt needs at least


@dataclass(frozen=True, slots=True)
class Narrowed(Generic[_Answer]):
    """An answer.

    Attributes:
        answer: the answer.
        since: start of the range that the answer covers, in nanoseconds since the epoch.
        is_partial: True if ``since`` is later than the start of the requested range.
    """

    answer: _Answer
    since: int | None
    is_partial: bool


def answer_latest(
    engine: Engine,
    limits: QueryLimits,
    since: int | None,
    bounds: Callable[[Engine], tuple[int, int]],
    ask: Callable[[Engine, int | None], _Answer],
    cut: Callable[[int], int] = lambda at: at,
    clock: Callable[[], float] = time.monotonic,
) -> Narrowed[_Answer]:
    """Answer about a range of time; if that reaches a limit, about its latest part that does not.

    Each attempt has half of the time that is left.

    Args:
        engine: the storage.
        limits: limits of the query; those of rows and memory are for each attempt.
        since: start of the range, in nanoseconds since the epoch; None for the earliest record.
        bounds: function that returns the start and end of the range; called only for a part of it.
        ask: function that answers from an engine about times from a start on.
        cut: function that returns the start of a part that is near a time, and not before it.
        clock: function that returns seconds that only grow.

    Raises:
        QueryTooExpensiveError: each part reached a limit; the error names the limit that the whole range reached.
        StorageError: storage cannot be read.
    """
    end = clock() + limits.seconds

    def limited() -> LimitedEngine:
        return LimitedEngine(engine, replace(limits, seconds=max(0.0, end - clock()) / 2), clock)

    try:
        return Narrowed(ask(limited(), since), since, is_partial=False)
    except QueryTooExpensiveError as error:
        whole = error
    first, last = bounds(engine)
    width = last - first
    for _ in range(_ATTEMPTS):
        width //= _SHARE
        begin = cut(last - width)
        if begin >= last or end - clock() < _SHORTEST:
            break
        with suppress(QueryTooExpensiveError):
            return Narrowed(ask(limited(), begin), begin, is_partial=True)
    raise whole
