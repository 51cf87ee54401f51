"""What a server or a worker does before all else: heed signals, reach storage, hold its writer's name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError, StorageError
from storage.migrate import migrate
from storage.url import StorageUrl
from storage.writers import RENEWAL, WriterName, claim, release, renew

__all__ = [
    "Signals",
    "StoppedError",
    "background",
    "install_signal_handlers",
    "reach_storage",
    "retry_until_available",
    "run_on_event",
    "run_once",
    "sole_writer",
]

_logger = logging.getLogger(__name__)

_PAUSE = 2.0  # seconds between attempts to do what needs storage

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """The server was told to stop before it could serve."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What others want of this process.

    Attributes:
        stop: set by SIGTERM and SIGINT, which then do nothing else.
        reread: set by SIGHUP: the signing keys may have changed.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reread: asyncio.Event = field(default_factory=asyncio.Event)


def install_signal_handlers() -> Signals:
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


async def run_on_event(event: asyncio.Event, work: Callable[[], object]) -> None:
    """Do blocking work in a thread whenever an event is set; never ends."""
    while True:
        await event.wait()
        event.clear()
        await asyncio.to_thread(work)


async def run_once(event: asyncio.Event, work: Callable[[], object]) -> None:
    """Do something when an event is set."""
    await event.wait()
    work()


async def retry_until_available(work: Callable[[], _Result], stop: asyncio.Event, where: str = "") -> _Result:
    """Do work that needs storage in a thread, again and again while storage is not there or refuses it.

    Args:
        work: what is to be done.
        stop: once set, it is not tried again.
        where: what storage is called in the log.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
    """
    while not stop.is_set():
        try:
            return await asyncio.to_thread(work)
        except (NotAppliedError, OutcomeUnknownError) as error:
            _logger.warning("waiting for storage%s: %s", where and f" at {where}", error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PAUSE)
    raise StoppedError


async def reach_storage(url: StorageUrl, stop: asyncio.Event) -> Engine:
    """Connect and migrate; wait while the server is not there.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
    """
    return await retry_until_available(lambda: _connect_and_migrate(url), stop, str(url))


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
async def sole_writer(engine: Engine, name: WriterName, stop: asyncio.Event) -> AsyncIterator[None]:
    """Hold a name against servers elsewhere; an exclusive engine needs no such care.

    Raises:
        StoppedError: ``stop`` was set while storage was not there.
        StorageConfigError: a server in another place writes under the same name.
    """
    if engine.info.exclusive:
        yield
        return
    await retry_until_available(lambda: claim(engine, name), stop)
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
