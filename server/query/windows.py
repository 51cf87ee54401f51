"""Windows of time in which a search looks for rows: small ones first, so that a page reads little more than it shows.

An order by time alone would make storage read all rows of a condition for the first page. A window that has too few
rows is followed by a larger one, up to all the time that is left. How much larger depends on how many rows were found,
and on how long that took: if an index finds few rows, a statement costs more than the rows that it reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Growing", "Window", "Windows"]

_FIRST = 60 * 10**9  # nanoseconds of the first window
_LARGEST_STEP = 32  # times as long as the window before
_LARGEST_STEP_IF_QUICK = 720  # after a minute twelve hours, then all the rest
_QUICK = 0.025  # seconds in which a window was read
_LONGEST = 300 * 86_400 * 10**9  # nanoseconds: a longer one has all the rest
_END = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Window:
    """Times in [first, end), in nanoseconds since the epoch; ends that are None are open."""

    first: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a search, from a time on.

    Attributes:
        start: time from which windows begin, in nanoseconds since the epoch; the first one has all that is before it,
            in the direction of the search.
        latest_first: True if windows go back in time.
        last: time behind which rows are few or none, so that one window has them all; None if that is not known.
        clock: function that returns seconds that only grow.
    """

    start: int
    latest_first: bool
    last: int | None = None
    clock: Callable[[], float] = time.monotonic

    def growing(self, at: int | None) -> Growing:
        """Return the windows from a time on, in nanoseconds since the epoch; None for the first page."""
        return Growing(self, self.start if at is None else at)


@dataclass(slots=True)
class Growing:
    """Windows, one after the other.

    Attributes:
        windows: the windows of the search.
        at: time from which the next window begins, in nanoseconds since the epoch.
    """

    windows: Windows
    at: int
    _width: int = field(default=0, init=False)
    _found: int = field(default=0, init=False)
    _since: float = field(default=0.0, init=False)
    _ended: bool = field(default=False, init=False)

    def next(self, found: int, wanted: int) -> Window | None:
        """Return the next window; None after the last one. The time from the last call is what that window took.

        Args:
            found: number of rows that all windows up to now had.
            wanted: number of rows that are wanted, more than ``found``.
        """
        if self._ended:
            return None
        is_first = self._width == 0
        self._width = _FIRST if is_first else self._next_width(found - self._found, wanted - found)
        self._found = found
        self._since = self.windows.clock()
        begin = None if is_first else self.at
        later = not self.windows.latest_first
        edge = self.at + self._width if later else self.at - self._width
        self._ended = self._width > _LONGEST or not 0 < edge < _END or self._is_beyond(edge)
        self.at = edge
        end = None if self._ended else edge
        return Window(begin, end) if later else Window(end, begin)

    def _next_width(self, found: int, missing: int) -> int:
        is_quick = self.windows.clock() - self._since < _QUICK
        largest = self._width * (_LARGEST_STEP_IF_QUICK if is_quick else _LARGEST_STEP)
        if not found:
            return largest
        # Twice as long as the missing rows would take if they were as dense.
        return min(largest, max(self._width, 2 * self._width * missing // found))

    def _is_beyond(self, edge: int) -> bool:
        last = self.windows.last
        return last is not None and (edge <= last if self.windows.latest_first else edge >= last)
