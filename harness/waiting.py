"""Waiting for a condition instead of for a while."""

import asyncio
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], within: float = 60.0) -> None:
    """Return once a condition holds.

    Raises:
        TimeoutError: When it does not within that many seconds.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the condition was not met within {within:.0f} s")
        time.sleep(0.02)


async def until(condition: Callable[[], object], within: float = 60.0) -> None:
    """Return once a condition holds that this event loop brings about; raises as ``wait_for``."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is looked at has no events
            await asyncio.sleep(0.005)
