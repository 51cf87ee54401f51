"""What a server or a worker does before all else: heed signals, reach storage, hold its writer's name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator

from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError, StorageError
from storage.migrate import migrate
from storage.url import StorageUrl
from storage.writers import RENEWAL, WriterName, claim, release, renew

__all__ = ["reach_storage", "sole_writer", "stop_on_signals"]

_logger = logging.getLogger(__name__)

_CONNECT_PAUSE = 2.0  # seconds between attempts to reach storage at start


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, which then do nothing else."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def reach_storage(url: StorageUrl, stop: asyncio.Event) -> Engine | None:
    """Connect and migrate; wait while the server is not there.

    Returns:
        The storage; None if ``stop`` was set meanwhile.

    Raises:
        StorageConfigError, StorageBusyError: the storage can never be used like this.
    """
    while not stop.is_set():
        try:
            return await asyncio.to_thread(_connect_and_migrate, url)
        except (NotAppliedError, OutcomeUnknownError) as error:
            _logger.warning("waiting for storage at %s: %s", url, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _CONNECT_PAUSE)
    return None


def _connect_and_migrate(url: StorageUrl) -> Engine:
    engine = connect(url)
    try:
        for migration in migrate(engine):
            _logger.info("applied migration %d (%s)", migration.number, migration.name)
    except BaseException:
        engine.close()
        raise
    return engine


@contextlib.asynccontextmanager
async def sole_writer(engine: Engine, name: WriterName) -> AsyncIterator[None]:
    """Hold a name against servers elsewhere; an exclusive engine needs no such care.

    Raises:
        StorageConfigError: a server in another place writes under the same name.
        StorageError: storage is not reached.
    """
    if engine.info.exclusive:
        yield
        return
    await asyncio.to_thread(claim, engine, name)
    renewal = asyncio.create_task(_renew(engine, name))
    try:
        yield
    finally:
        renewal.cancel()
        try:
            await asyncio.to_thread(release, engine, name)
        except StorageError as error:
            _logger.warning("storage does not know that this server has stopped: %s", error)


async def _renew(engine: Engine, name: WriterName) -> None:
    while True:
        await asyncio.sleep(RENEWAL)
        try:
            await asyncio.to_thread(renew, engine, name)
        except StorageError as error:
            _logger.warning("storage does not know that this server still writes: %s", error)
