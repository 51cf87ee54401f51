"""Legal holds stay in force while a server runs, whatever other servers on the same storage do."""

from __future__ import annotations

import asyncio
import logging

from server.api.administration import Administration
from server.process.pools import Pool
from server.retry.trouble import Trouble
from storage.errors import StorageError

__all__ = ["keep_holds"]

_logger = logging.getLogger(__name__)

_AGAIN = 60.0  # seconds


async def keep_holds(pool: Pool, administration: Administration) -> None:
    """Look at regular intervals whether holds are in force, in threads of a pool; never ends."""
    trouble = Trouble(_logger, "whether legal holds are in force is not known", "legal holds are looked after again")
    while True:
        await asyncio.sleep(_AGAIN)
        try:
            await pool.run(administration.keep_holds)
        except StorageError as error:
            trouble.goes_on(str(error))
        else:
            trouble.ends()
