"""What a server or a worker does before all else: heed signals, reach storage, hold its writer's name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError, StorageError
from storage.migrate import migrate
from storage.url import StorageUrl
from storage.writers import RENEWAL, WriterName, claim, release, renew

__all__ = ["Signals", "background", "heed_signals", "reach_storage", "sole_writer", "whenever"]

_logger = logging.getLogger(__name__)

_CONNECT_PAUSE = 2.0  # seconds between attempts to reach storage at start


@dataclass(frozen=True, slots=True)
class Signals:
    """What others want of this process.

    Attributes:
        stop: set by SIGTERM and SIGINT, which then do nothing else.
        reread: set by SIGHUP: the signing keys may have changed.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reread: asyncio.Event = field(default_factory=asyncio.Event)


def heed_signals() -> Signals:
    """Have signals set events from now on."""
    signals = Signals()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.stop.set)
    loop.add_signal_handler(signal.SIGHUP, signals.reread.set)
    return signals


@contextlib.contextmanager
def background(work: Coroutine[Any, Any, None]) -> Iterator[None]:
    """Run something beside the block, until that ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


async def whenever(event: asyncio.Event, work: Callable[[], object]) -> None:
    """Do blocking work in a thread whenever an event is set; never ends."""
    while True:
        await event.wait()
        event.clear()
        await asyncio.to_thread(work)


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
