"""Steps of time that people know: seconds, minutes, hours, days."""

from __future__ import annotations

__all__ = ["number_of_steps", "step_for"]

_SECOND = 10**9
_DAY = 86_400 * _SECOND
_STEPS = (
    *(digit * int(10**power) for power in range(9) for digit in (1, 2, 5)),
    *(seconds * _SECOND for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * 60 * _SECOND for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * 3600 * _SECOND for hours in (1, 2, 3, 6, 12)),
    *(digit * int(10**power) * _DAY for power in range(6) for digit in (1, 2, 5)),
)


def step_for(since: int, until: int, most: int) -> int:
    """Return the shortest step of which at most so many, at least 2, cover a range of time.

    Args:
        since: start of the range, in nanoseconds since the epoch.
        until: end of the range.
        most: number of steps.

    Returns:
        The step, in nanoseconds.
    """
    return next(step for step in _STEPS if number_of_steps(since, until, step) <= most)


def number_of_steps(since: int, until: int, step: int) -> int:
    """Return how many steps cover a range of time, if steps begin at multiples of them since the epoch."""
    return -(-until // step) - since // step
