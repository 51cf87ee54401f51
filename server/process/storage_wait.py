"""Waiting for storage while a process starts: attempts, the reason meanwhile, and changes of it in the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import TypeVar

from server.process.pools import Pool
from server.retry.backoff import backoff
from server.retry.trouble import Trouble
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError
from storage.free_space import disk_trouble
from storage.interrupt import Interrupt
from storage.migrate import migrate
from storage.stoppable import StoppableEngine
from storage.url import StorageUrl

__all__ = ["StoppedError", "StorageWait", "reach_storage", "retry_until_available"]

_logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0  # seconds between attempts to do what needs storage
# Statements of a writer at the same time: commits of two logs, a heartbeat, what witnesses said, a change of keys. So
# there are always some left for the lease and the probe.
_CLIENTS = 8

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """The server was told to stop before it could serve."""


class StorageWait(Trouble):
    """A start that waits for storage: the reason, and its changes in the log."""

    def __init__(self, url: StorageUrl) -> None:
        """Start without a reason to wait for the storage at a URL."""
        super().__init__(_logger, f"waiting for storage at {url}", f"storage at {url} can be used,")
        self._url = url

    def goes_on(self, cause: str, *, unexpected: BaseException | None = None) -> None:
        """Note a failed attempt; a full disk is named, whatever ClickHouse says."""
        super().goes_on(disk_trouble(self._url) or cause, unexpected=unexpected)


async def retry_until_available(
    pool: Pool, work: Callable[[], _Result], stop: asyncio.Event, waiting: Trouble, *, may_be_left: bool = False
) -> _Result:
    """Do work that needs storage, and retry it while storage is unavailable or refuses it.

    Args:
        pool: pool whose threads do it.
        work: function that does the work.
        stop: event that ends retries.
        waiting: has the reason meanwhile, and logs it.
        may_be_left: the work may go on in its thread once ``stop`` is set, because nothing depends on it then.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
        NotAppliedError, OutcomeUnknownError: storage refuses the work until somebody changes something.
        LeaseLostError: another server has the lease on the writer's name.
    """
    pauses = backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
    while not stop.is_set():
        try:
            result = await (_unless(stop, pool.run(work)) if may_be_left else pool.run(work))
        except (NotAppliedError, OutcomeUnknownError) as error:
            if not error.retryable:  # waiting does not change it
                raise
            if stop.is_set():  # why it failed matters to nobody any more, and may be the stop
                break
            waiting.goes_on(str(error))
        else:
            waiting.ends()
            return result
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), next(pauses))
    raise StoppedError


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, _Result]) -> _Result:
    """Return what work returns; raises StoppedError if ``stop`` is set before."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise StoppedError
        return working.result()
    finally:
        stopping.cancel()
        working.cancel()


async def reach_storage(
    pool: Pool, url: StorageUrl, stop: asyncio.Event, waiting: Trouble, ending: Interrupt
) -> Engine:
    """Connect and migrate; wait while the server is not there.

    Args:
        pool: pool whose threads do it.
        url: the storage.
        stop: event that ends the attempts.
        waiting: has the reason while it waits.
        ending: interrupt of everything that is sent to storage.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
    """
    return await retry_until_available(pool, lambda: _connect_and_migrate(url, ending), stop, waiting, may_be_left=True)


def _connect_and_migrate(url: StorageUrl, ending: Interrupt) -> Engine:
    engine = StoppableEngine(connect(url, clients=_CLIENTS, interrupt=ending))
    try:
        for migration in migrate(engine):
            _logger.info("applied migration %d (%s)", migration.number, migration.name)
    except BaseException:
        engine.close()
        raise
    return engine
