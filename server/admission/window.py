"""Adaptive window on bytes in flight (like TCP's congestion window), and retry delays for refused requests."""

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

_SHORTEST, _LONGEST = 1.0, 30.0  # limits of the retry delay, in seconds
_JITTER = 0.25  # of that, up or down: those who were refused together should not come back together
_RATE_SECONDS = 5.0  # over which requests that went through are counted
_QUEUE_SECONDS = 3.0  # over which refused ones are


class _Recent:
    """Exponentially decaying count of recent events."""

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
    """Adaptive limit on bytes in flight, derived from the latency of requests. Pure: the time is an argument.

    The window is the number of bytes that may be on their way to storage at the same time. Like a congestion window, it
    follows the bandwidth-delay product. Every acknowledgement gives an estimate: with the bytes in flight at
    submission, the request took some seconds, so within the target latency a proportional number of bytes gets
    through. The window shrinks if the request took too long, and grows if the window was used. This needs no known
    rate, which cannot be measured on an idle storage, and it suits a storage whose throughput rises with load.
    """

    def __init__(self, most: int, uniform: Callable[[float, float], float]) -> None:
        """Start without measurements.

        Args:
            most: maximum size of the window in bytes.
            uniform: returns a random number between two, as ``random.uniform``.
        """
        self._most = most
        self._uniform = uniform
        self._window = float(min(most, _FIRST_WINDOW))
        self._through = _Recent(_RATE_SECONDS)
        self._refused = _Recent(_QUEUE_SECONDS)
        self._stuck = False  # since a request was not acknowledged in time

    @property
    def size(self) -> int:
        """Current size of the window in bytes."""
        return int(self._window)

    def on_ack(self, size: int, on_their_way: int, seconds: float, now: float) -> None:
        """Update the window after an acknowledgement.

        Args:
            size: size of the request in bytes.
            on_their_way: bytes in flight when it was submitted, including its own.
            seconds: latency of the request.
            now: the time, in seconds.
        """
        self._through.add(now)
        self._stuck = False
        fitting = on_their_way * _TARGET / max(seconds, 1e-3)
        if seconds > _TOO_LONG:
            self._window = max(self._least(size), min(self._window, fitting))
        elif seconds < _TARGET:
            # At most twice what was tried.
            self._window = min(self._most, max(self._window, min(fitting, 2.0 * on_their_way)))

    def on_timeout(self, size: int) -> None:
        """Shrink the window to its minimum after a request was not acknowledged in time."""
        self._window = self._least(size)
        self._stuck = True

    def _least(self, size: int) -> float:
        return min(self._most, max(_LEAST_WINDOW, _LEAST_REQUESTS * size))

    def retry_after(self, in_flight: int, now: float) -> float:
        """Return the retry delay, in seconds, for a request that is refused now.

        The delay covers the requests in flight and those refused before it, because it queues behind them.

        Args:
            in_flight: number of requests in flight.
            now: the time, in seconds.
        """
        self._refused.add(now)
        # After a pause nothing has gone through lately, though storage is as fast as before: the window is such that
        # the requests in flight take no longer than this, unless storage is stuck.
        expected = 0.0 if self._stuck else in_flight / _TOO_LONG
        a_second = max(self._through.count(now) / _RATE_SECONDS, expected, 1.0)
        seconds = (in_flight + self._refused.count(now)) / a_second
        return min(max(seconds, _SHORTEST), _LONGEST) * self._uniform(1 - _JITTER, 1 + _JITTER)
