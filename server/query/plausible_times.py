"""Plausible times of records: senders choose them, and a clock may be years behind or ahead.

One such record must neither displace all others from a search, nor make a trace of a second last for centuries.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["FIRST_YEAR", "MOST_AHEAD", "Plausible", "default_end", "plausible_times"]

_SECOND = 10**9
_HOUR = 3600 * _SECOND

FIRST_YEAR = 946_684_800 * _SECOND
"""The year 2000, in nanoseconds since the epoch. Earlier times are those of clocks that were not set."""

MOST_AHEAD = _HOUR
"""Nanoseconds by which the clocks of senders may be ahead: a search that names no end covers at least these."""

_MOST_AHEAD_IN_SUMMARIES = 86_400 * _SECOND


@dataclass(frozen=True, slots=True)
class Plausible:
    """Range of plausible times, in nanoseconds since the epoch.

    Attributes:
        first: the earliest one.
        end: time after the latest one.
    """

    first: int
    end: int

    def has(self, begin: int, end: int | None = None) -> bool:
        """Return whether a time is plausible, and the time at which something ended, if it is given."""
        return self.first <= begin < self.end and (end is None or end < self.end)


def plausible_times(now: int | None = None) -> Plausible:
    """Return the times that summaries of traces and actors rest on: from 2000 to a day after now."""
    return Plausible(FIRST_YEAR, (time.time_ns() if now is None else now) + _MOST_AHEAD_IN_SUMMARIES)


def default_end(since: int | None, until: int | None, now: int | None = None) -> int | None:
    """Return the end of a search in nanoseconds since the epoch, a full hour, if a request names none.

    A full hour, so that two calls soon after each other have the same answer.

    Args:
        since: start of the range that was requested.
        until: end of the range that was requested.
        now: the current time in nanoseconds since the epoch; None for the clock's.

    Returns:
        The first full hour that is at least ``MOST_AHEAD`` after now; None if there is an end, or if the range begins
        in the future: then it has none.
    """
    current = time.time_ns() if now is None else now
    if until is not None or (since is not None and since > current):
        return None
    return -(-(current + MOST_AHEAD) // _HOUR) * _HOUR
