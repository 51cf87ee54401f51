"""Exponential backoff between attempts."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["backoff"]


def backoff(first: float, longest: float) -> Iterator[float]:
    """Yield the seconds to wait after each failed attempt, without end.

    Args:
        first: seconds to wait after the first failed attempt; doubled after each further one.
        longest: maximum pause in seconds.
    """
    pause = min(first, longest)
    while True:
        yield pause
        pause = min(2 * pause, longest)
