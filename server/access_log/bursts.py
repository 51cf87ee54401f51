"""Events that come in bursts: the first ones of each minute are recorded, others are counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

__all__ = ["Bursts"]

_MINUTE = 60.0
_MOST_KEYS = 4096


@dataclass(slots=True)
class _Burst:
    began: float
    taken: int = 0
    skipped: int = 0


class Bursts:
    """Counts of events by key, in minutes; thread-safe."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Let this many events of a key through in a minute."""
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._bursts: dict[Hashable, _Burst] = {}

    def take(self, key: Hashable) -> int | None:
        """Return the number of events of a key that were skipped since the last one that was not; None to skip this."""
        now = self._clock()
        with self._lock:
            burst = self._bursts.get(key)
            if burst is None:
                if len(self._bursts) >= _MOST_KEYS:
                    self._bursts.pop(next(iter(self._bursts)))
                burst = self._bursts[key] = _Burst(now)
            elif now - burst.began >= _MINUTE:
                burst.began, burst.taken = now, 0
            if burst.taken >= self._most:
                burst.skipped += 1
                return None
            burst.taken += 1
            skipped, burst.skipped = burst.skipped, 0
            return skipped
