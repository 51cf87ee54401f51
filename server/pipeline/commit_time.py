"""Expected duration of a commit, from those before it: what nearly all take, not what they take on average."""

from __future__ import annotations

__all__ = ["CommitTime"]

_WEIGHT = 1 / 4  # of the last commit
_DEVIATIONS = 2.0  # above the mean; RFC 6298 takes four for a timeout, but to be early has a price here


class CommitTime:
    """Estimate of the next commit's duration, as RFC 6298 estimates a round trip. Pure: it measures nothing."""

    def __init__(self) -> None:
        """Start without measurements."""
        self._mean: float | None = None
        self._deviation = 0.0

    def add(self, seconds: float) -> None:
        """Add the duration of a commit, in seconds."""
        if self._mean is None:
            self._mean = seconds
            return
        off = seconds - self._mean
        self._deviation += (abs(off) - self._deviation) * _WEIGHT
        self._mean += off * _WEIGHT

    @property
    def expected(self) -> float:
        """Seconds that the next commit may take; 0 while nothing is known."""
        return (self._mean or 0.0) + _DEVIATIONS * self._deviation
