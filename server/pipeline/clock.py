"""The time at which records are received."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """Time in nanoseconds since the epoch that never goes back, whatever the system clock does; thread-safe."""

    def __init__(self, read: Callable[[], int] = time.time_ns) -> None:
        """Follow a clock.

        Args:
            read: returns its time, in nanoseconds since the epoch.
        """
        self._read = read
        self._last = 0
        self._lock = threading.Lock()

    def not_before(self, earliest: int) -> None:
        """Let no time be before one, such as when the last record was received that is stored."""
        with self._lock:
            self._last = max(self._last, earliest)

    def now(self) -> int:
        """Return the time."""
        with self._lock:
            self._last = max(self._last, self._read())
            return self._last

    def seconds(self) -> float:
        """Return the time in seconds."""
        return self.now() / 10**9
