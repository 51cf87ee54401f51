"""How fast requests go through, and what follows: how many may wait, and when a refused one should come back."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["AdaptiveWindow"]

_TARGET = 1.0  # seconds that a request should wait for its acknowledgement, at most, from when it is here
_TOO_LONG = 2.2  # seconds; between the two nothing changes: storage is not equally fast all the time
_FIRST_WINDOW = 16 << 20  # bytes, while nothing is known
# A storage that is slow whatever it gets would else get less and less: so many bytes, or so many requests.
_LEAST_WINDOW = 2 << 20
_LEAST_REQUESTS = 4

_SHORTEST, _LONGEST = 1.0, 30.0  # seconds that a refused sender is told to wait
_JITTER = 0.25  # of that, up or down: those who were refused together should not come back together
_RATE_SECONDS = 5.0  # over which requests that went through are counted
_QUEUE_SECONDS = 3.0  # over which refused ones are


class _Recent:
    """Counts what happened lately: what is older counts less and less."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._count = 0.0
        self._at = 0.0

    def add(self, now: float) -> None:
        self._count = self.count(now) + 1
        self._at = now

    def count(self, now: float) -> float:
        return self._count * math.exp(min(0.0, self._at - now) / self._seconds)


class AdaptiveWindow:
    """Follows how long requests wait. Pure: told the time.

    The window is how many bytes may be on their way to storage at the same time. Every request that went through
    says what it should have been: with so many bytes on their way when it came, it took so many seconds, thus in
    the seconds that it should have taken so many bytes go through. The window follows downwards where it took too
    long, and upwards where it was made use of. That needs no rate to be known, which nobody can tell of a storage
    that has little to do, and it is right for one that answers faster when it gets more.
    """

    def __init__(self, most: int, uniform: Callable[[float, float], float]) -> None:
        """Begin without knowledge.

        Args:
            most: bytes that the window never exceeds.
            uniform: returns a random number between two, as ``random.uniform``.
        """
        self._most = most
        self._uniform = uniform
        self._window = float(min(most, _FIRST_WINDOW))
        self._through = _Recent(_RATE_SECONDS)
        self._refused = _Recent(_QUEUE_SECONDS)

    @property
    def size(self) -> int:
        """Bytes that may be on their way at the same time."""
        return int(self._window)

    def on_ack(self, size: int, on_their_way: int, seconds: float, now: float) -> None:
        """Learn from a request that was acknowledged.

        Args:
            size: its bytes.
            on_their_way: bytes that were on their way when it set out, its own included.
            seconds: how long it took.
            now: the time, in seconds.
        """
        self._through.add(now)
        fitting = on_their_way * _TARGET / max(seconds, 1e-3)
        if seconds > _TOO_LONG:
            self._window = max(self._least(size), min(self._window, fitting))
        elif seconds < _TARGET:
            # At most twice what was tried.
            self._window = min(self._most, max(self._window, min(fitting, 2.0 * on_their_way)))

    def on_timeout(self, size: int) -> None:
        """Learn from a request of a size that was not acknowledged in time: only the least may wait for now."""
        self._window = self._least(size)

    def _least(self, size: int) -> float:
        return min(self._most, max(_LEAST_WINDOW, _LEAST_REQUESTS * size))

    def retry_after(self, in_flight: int, now: float) -> float:
        """Return after how many seconds a request that is refused now should come back.

        As long as those take that are here, and those that were refused before it: it is behind them all.

        Args:
            in_flight: requests that are here.
            now: the time, in seconds.
        """
        self._refused.add(now)
        a_second = max(self._through.count(now) / _RATE_SECONDS, 1.0)
        seconds = (in_flight + self._refused.count(now)) / a_second
        return min(max(seconds, _SHORTEST), _LONGEST) * self._uniform(1 - _JITTER, 1 + _JITTER)
