"""Rate limit of log lines about what others cause, so that nobody can fill the log."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable

__all__ = ["RateLimit"]


class RateLimit:
    """One permission for each kind of event in an interval; thread-safe."""

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without events.

        Args:
            interval: seconds between two permissions for the same kind.
            clock: monotonic clock in seconds.
        """
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._permitted: dict[Hashable, float] = {}
        self._left_out: Counter[Hashable] = Counter()

    def take(self, kind: Hashable) -> int | None:
        """Return the number of events that were left out since the last permission; None if this one is left out too.

        Args:
            kind: one of a small number of kinds.
        """
        with self._lock:
            now = self._clock()
            if kind in self._permitted and now - self._permitted[kind] < self._interval:
                self._left_out[kind] += 1
                return None
            self._permitted[kind] = now
            return self._left_out.pop(kind, 0)
