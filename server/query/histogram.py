"""Histograms: how many records a query finds in each step of a range of time, also by the values of a field."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from server.errors.base import LognotaryError
from server.notary.origin import Stream
from server.query.counted_fields import CountedField
from server.query.limits import LimitedEngine, QueryLimits
from server.query.narrowing import answer_latest
from server.query.plausible_times import FIRST_YEAR, default_end
from server.query.resolve import Query
from server.query.steps import number_of_steps, step_for
from storage.conditions import NEVER
from storage.counted_rows import Rows
from storage.counting import Group, count_all, count_by_time, time_span
from storage.engine import Engine

__all__ = ["MOST_BUCKETS", "Histogram", "HistogramWanted", "TooManyStepsError", "histogram"]

MOST_BUCKETS = 1000
"""Steps of a histogram, at most."""

_LAST = (1 << 63) - 1  # the last time, in nanoseconds since the epoch: in the year 2262


class TooManyStepsError(LognotaryError):
    """The step is too short for the range of time."""


@dataclass(frozen=True, slots=True)
class HistogramWanted:
    """A histogram that somebody asks for.

    Attributes:
        query: the query, which says nothing about evidence.
        streams: the streams whose records are counted, at least one.
        since: start of the range, in nanoseconds since the epoch; None for the first record since ``FIRST_YEAR``, or
            of all if there is none: one record of a clock that was never set would make all others one bucket.
        until: end of the range; None for right after the last record before the ``default_end`` of searches: one record
            of a clock that is years ahead would make all others one bucket.
        buckets: number of steps, at most, from 2 to ``MOST_BUCKETS``.
        step: nanoseconds of a step; None for the shortest one that ``buckets`` admits.
        by: field by whose values records are split; None for no field.
        groups: number of values, at most; all others are one group.
    """

    query: Query
    streams: tuple[Stream, ...]
    since: int | None = None
    until: int | None = None
    buckets: int = 60
    step: int | None = None
    by: CountedField | None = None
    groups: int = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """Numbers of records by time.

    Attributes:
        edges: begins of the buckets, and the end of the last one, in nanoseconds since the epoch; no edges if there is
            no record and no range was given. Only the first and the last bucket are shorter than a step.
        step: nanoseconds of a step.
        groups: the groups, the largest first and others last; their counts are by the number of the bucket, from 0.
        is_partial: True if a limit was reached, so that the range is only the latest part of what was asked for.
        later: number of records after the range, if its end was not given.
        earlier: number of records before the range, if its start was not given.
    """

    edges: tuple[int, ...]
    step: int
    groups: tuple[Group, ...]
    is_partial: bool
    later: int = 0
    earlier: int = 0


def histogram(
    engine: Engine, wanted: HistogramWanted, limits: QueryLimits, clock: Callable[[], int] = time.time_ns
) -> Histogram:
    """Count.

    Args:
        engine: the storage.
        wanted: the histogram.
        limits: limits of the query.
        clock: function that returns the current time in nanoseconds since the epoch.

    Raises:
        QueryTooExpensiveError: a limit was reached, even for the latest part of the range.
        TooManyStepsError: the step is too short for the range; the message says which one is not.
        StorageError: storage cannot be read.
    """
    rows = _rows(wanted)
    since, until = wanted.since, wanted.until
    limited = LimitedEngine(engine, limits)
    later = earlier = 0
    if (since is None or until is None) and rows:
        last = default_end(since, until, clock())
        if last is not None:
            later = count_all(limited, [replace(one, since=last) for one in rows])
            rows = [replace(one, until=last) for one in rows]
        span = time_span(limited, rows)
        if span is not None and since is None and span[0] < FIRST_YEAR <= span[1]:
            earlier = count_all(limited, [replace(one, until=FIRST_YEAR) for one in rows])
            span = time_span(limited, [replace(one, since=FIRST_YEAR) for one in rows])
        if span is not None:
            since = span[0] if since is None else since
            until = span[1] + 1 if until is None else until
    if since is None or until is None:
        return Histogram((), 0, (), is_partial=False, later=later, earlier=earlier)
    step = wanted.step or step_for(since, until, wanted.buckets)
    _check_steps(since, until, step)
    start, end = since // step * step, until
    if not rows:
        return Histogram(_edges(since, until, step), step, (), is_partial=False, later=later, earlier=earlier)

    def ask(engine: Engine, begin: int | None) -> list[Group]:
        # The last time that storage knows cannot be excluded by an end after it.
        within = [replace(one, since=begin, until=end if end <= _LAST else None) for one in rows]
        by = wanted.by.counted if wanted.by else None
        return count_by_time(engine, within, start, step, by, wanted.groups)

    found = answer_latest(
        engine,
        replace(limits, seconds=limited.seconds_left),
        since,
        lambda _: (start, end),
        ask,
        cut=lambda at: -(-at // step) * step,
    )
    begin = since if found.since is None else found.since
    left_out = begin // step - since // step
    for group in found.answer:
        group.counts = {number - left_out: count for number, count in group.counts.items()}
    return Histogram(_edges(begin, until, step), step, tuple(found.answer), found.is_partial, later, earlier)


def _rows(wanted: HistogramWanted) -> list[Rows]:
    conditions = {stream: wanted.query.condition(stream) for stream in wanted.streams}
    return [
        Rows(stream, condition, wanted.since, wanted.until)
        for stream, condition in conditions.items()
        if condition != NEVER
    ]


def _check_steps(since: int, until: int, step: int) -> None:
    number = number_of_steps(since, until, step)
    if number > MOST_BUCKETS:
        fitting = step_for(since, until, MOST_BUCKETS)
        raise TooManyStepsError(
            f"{number:,} steps would cover the range of time, which may have {MOST_BUCKETS:,}: give a shorter range, "
            f"such as one until now, or a step of at least {-(-fitting // 10**9):,} s"
        )


def _edges(since: int, until: int, step: int) -> tuple[int, ...]:
    return since, *range((since // step + 1) * step, until, step), until
