"""How long records are kept: setting it in storage, around what the logs state about it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from server.notary.origin import Stream
from server.process.lifecycle import retry_until_available
from server.process.pools import Pool
from server.settings.settings import Settings
from storage.engine import Engine
from storage.retention import read_retention_days, set_retention_days

__all__ = ["enforced_retention", "retention_days"]


def retention_days(settings: Settings) -> dict[Stream, int | None]:
    """Return for how many days each stream is kept, None for ever."""
    return {Stream.AUDIT: settings.retention_audit, Stream.OPERATIONAL: settings.retention_operational}


@contextlib.asynccontextmanager
async def enforced_retention(
    pool: Pool, settings: Settings, engine: Engine, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Lengthen the time that records are kept, let the block state how long that is, and then shorten it.

    So nothing vanishes before it is stated that it may.

    Raises:
        StorageError: a table cannot be used.
        StoppedError: ``stop`` was set while storage was not there.
    """
    wanted = retention_days(settings)
    kept = await retry_until_available(pool, lambda: read_retention_days(engine), stop)
    longer = {
        stream: days
        for stream, days in wanted.items()
        if (before := kept[stream]) is not None and (days is None or days > before)
    }
    await retry_until_available(pool, lambda: set_retention_days(engine, longer), stop)
    yield
    await retry_until_available(pool, lambda: set_retention_days(engine, wanted), stop)
