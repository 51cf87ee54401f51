"""Files that somebody deletes while the server needs them: a warning, before the next start fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from server.process.pools import Pool
from server.retry.trouble import Trouble

__all__ = ["watch_files"]

_logger = logging.getLogger(__name__)

_INTERVAL = 5.0  # seconds


async def watch_files(pool: Pool, checks: Mapping[str, Callable[[], str]], interval: float = _INTERVAL) -> None:
    """Look for files at regular intervals, and log which are missing; never ends.

    Args:
        pool: pool in whose threads the checks run.
        checks: functions that return what is missing, empty if nothing is, by the names of the files.
        interval: seconds between looks.
    """
    troubles = {name: Trouble(_logger, f"{name} missing", f"{name} there again") for name in checks}
    while True:
        for name, check in checks.items():
            if missing := await pool.run(check):
                troubles[name].goes_on(missing)
            else:
                troubles[name].ends()
        await asyncio.sleep(interval)
