"""Events that come in bursts: the first ones of each minute are recorded, others are counted.

One object counts the events of all ports of a process, so that they have one limit.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass

__all__ = ["Bursts", "Skipped"]

_MINUTE = 60.0
_MOST_IN_ALL = 600  # events of all keys in a minute
_MOST_KEYS = 4096  # keys whose skipped events are counted apart


@dataclass(frozen=True, slots=True)
class Skipped:
    """Numbers of events that were skipped, and that no event before has told.

    Attributes:
        same: those of the same key, in this minute and the one before.
        others: those of keys that had no event since.
    """

    same: int = 0
    others: int = 0


class Bursts:
    """Counts of events by key, in minutes; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most_in_all: int = _MOST_IN_ALL) -> None:
        """Create counts.

        Args:
            clock: returns the time in seconds.
            most_in_all: number of events of all keys that are let through in a minute.
        """
        self._most_in_all = most_in_all
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._taken: Counter[Hashable] = Counter()
        self._skipped: Counter[Hashable] = Counter()
        self._before: Counter[Hashable] = Counter()  # skipped in the minute before
        self._others = 0

    def take(self, key: Hashable, most: int) -> Skipped | None:
        """Return the events that were skipped since the last one that was not; None to skip this one.

        Args:
            key: kind of the event.
            most: number of events of this key that are let through in a minute.
        """
        with self._lock:
            if self._clock() - self._began >= _MINUTE:
                self._began = self._clock()
                self._others += self._before.total()
                self._before, self._skipped = self._skipped, Counter()
                self._taken.clear()
            if self._taken[key] >= most or self._taken.total() >= self._most_in_all:
                if key in self._skipped or len(self._skipped) < _MOST_KEYS:
                    self._skipped[key] += 1
                else:
                    self._others += 1
                return None
            self._taken[key] += 1
            same = self._skipped.pop(key, 0) + self._before.pop(key, 0)
            others, self._others = self._others, 0
            return Skipped(same, others)
