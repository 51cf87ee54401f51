"""Retention: changing it in storage before or after the logs state the change."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from server.notary.origin import Stream
from server.process.pools import Pool
from server.process.storage_wait import retry_until_available
from server.retry.trouble import Trouble
from server.settings.settings import Settings
from storage.disclosures import set_disclosure_days
from storage.engine import Engine
from storage.retention import read_retention_days, set_retention_days

__all__ = ["enforced_retention", "retention_days"]


def retention_days(settings: Settings) -> dict[Stream, int | None]:
    """Return the retention of each stream in days, None for forever."""
    return {
        Stream.AUDIT: settings.retention_audit,
        Stream.OPERATIONAL: settings.retention_operational,
        Stream.SPANS: settings.retention_spans,
    }


@contextlib.asynccontextmanager
async def enforced_retention(
    pool: Pool, settings: Settings, engine: Engine, stop: asyncio.Event, waiting: Trouble
) -> AsyncIterator[None]:
    """Lengthen retention on entering the block, which states it in the logs; shorten retention on leaving the block.

    So no record is dropped before the logs have stated that it may be.

    Raises:
        StorageError: retention cannot be set on a table.
        StoppedError: ``stop`` was set while storage was unavailable.
    """
    wanted = retention_days(settings)
    kept = await retry_until_available(pool, lambda: read_retention_days(engine), stop, waiting)
    longer = {
        stream: days
        for stream, days in wanted.items()
        if (before := kept[stream]) is not None and (days is None or days > before)
    }
    await retry_until_available(pool, lambda: set_retention_days(engine, longer), stop, waiting)
    yield
    await retry_until_available(pool, lambda: set_retention_days(engine, wanted), stop, waiting)
    days = settings.retention_disclosures
    await retry_until_available(pool, lambda: set_disclosure_days(engine, days), stop, waiting)
