"""The clock for times of receipt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """Clock in nanoseconds since the epoch that never goes back, even if the system clock does; thread-safe."""

    def __init__(self, read: Callable[[], int] = time.time_ns) -> None:
        """Follow a system clock.

        Args:
            read: function that returns the system clock's time, in nanoseconds since the epoch.
        """
        self._read = read
        self._last = 0
        self._lock = threading.Lock()

    def not_before(self, earliest: int) -> None:
        """Set a lower bound of all later times, such as the time of receipt of the last stored record."""
        with self._lock:
            self._last = max(self._last, earliest)

    def now(self) -> int:
        """Return the time in nanoseconds since the epoch."""
        with self._lock:
            self._last = max(self._last, self._read())
            return self._last

    def seconds(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.now() / 10**9
