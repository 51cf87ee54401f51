"""Waiting for conditions instead of fixed times."""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 240.0
"""Seconds within which anything comes about that ever will, also on a machine that is busy with other things."""


def wait_for(condition: Callable[[], object], within: float = PATIENCE, *, every: float = 0.02) -> None:
    """Return once a condition holds.

    Args:
        condition: the condition.
        within: seconds in which the condition must hold.
        every: seconds between checks of the condition.

    Raises:
        TimeoutError: the condition does not hold within that many seconds.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the condition was not met within {within:.0f} s")
        time.sleep(every)


async def until(condition: Callable[[], object], within: float = PATIENCE) -> None:
    """Return once a condition holds, while this event loop runs; raises as ``wait_for``."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is looked at has no events
            await asyncio.sleep(0.005)
