"""Process lifecycle: signals, waiting for storage, holding the lease on the writer's name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from server.process.background import background
from server.process.pools import Pool
from server.retry.backoff import backoff
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import LeaseHeldError, LeaseLostError, NotAppliedError, OutcomeUnknownError, StorageError
from storage.lease import FencedEngine, Lease, claim_lease
from storage.migrate import migrate
from storage.url import StorageUrl
from storage.writers import LEASE, RENEWAL, WriterName

__all__ = [
    "Signals",
    "StoppedError",
    "call_on_event",
    "install_signal_handlers",
    "reach_storage",
    "retry_until_available",
    "run_on_event",
    "run_once",
    "sole_writer",
]

_logger = logging.getLogger(__name__)

_HELD_PAUSE = 1.0  # seconds between claims of a name whose lease is expected to run out
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0  # seconds between attempts to do what needs storage
# Statements of a writer at the same time: commits of two logs, a heartbeat, what witnesses said, a change of keys. So
# there are always some left for the lease and the probe.
_CLIENTS = 8

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """The server was told to stop before it could serve."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Events that signals set.

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


async def run_on_event(pool: Pool, event: asyncio.Event, work: Callable[[], object]) -> None:
    """Do blocking work in a pool whenever an event is set; never ends."""
    while True:
        await event.wait()
        event.clear()
        await pool.run(work)


async def call_on_event(event: asyncio.Event, work: Callable[[], object]) -> None:
    """Call a function on the event loop whenever an event is set; never ends. The function must not block."""
    while True:
        await event.wait()
        event.clear()
        work()


async def run_once(event: asyncio.Event, work: Callable[[], object]) -> None:
    """Do something when an event is set."""
    await event.wait()
    work()


async def retry_until_available(
    pool: Pool, work: Callable[[], _Result], stop: asyncio.Event, where: str = ""
) -> _Result:
    """Do work that needs storage, and retry it while storage is unavailable or refuses it.

    Args:
        pool: pool whose threads do it.
        work: function that does the work.
        stop: event that ends retries.
        where: name of the storage in log lines.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
        LeaseLostError: another server has the lease on the writer's name.
    """
    pauses = backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
    while not stop.is_set():
        try:
            return await pool.run(work)
        except LeaseLostError:  # waiting does not bring it back
            raise
        except (NotAppliedError, OutcomeUnknownError) as error:
            _logger.warning("waiting for storage%s: %s", where and f" at {where}", error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), next(pauses))
    raise StoppedError


async def reach_storage(pool: Pool, url: StorageUrl, stop: asyncio.Event) -> Engine:
    """Connect and migrate; wait while the server is not there.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
    """
    return await retry_until_available(pool, lambda: _connect_and_migrate(url), stop, str(url))


def _connect_and_migrate(url: StorageUrl) -> Engine:
    engine = connect(url, clients=_CLIENTS)
    try:
        for migration in migrate(engine):
            _logger.info("applied migration %d (%s)", migration.number, migration.name)
    except BaseException:
        engine.close()
        raise
    return engine


@contextlib.asynccontextmanager
async def sole_writer(
    pool: Pool,
    engine: Engine,
    name: WriterName,
    stop: asyncio.Event,
    give_up: threading.Event,
    patience: float = LEASE + RENEWAL,
) -> AsyncIterator[Engine]:
    """Hold the lease on a writer's name until the block ends; an exclusive engine needs none.

    Should another server take the name over, ``stop`` and ``give_up`` are set, and the block ends with an error.

    Args:
        pool: where the lease is renewed; nothing else may run in its threads, or renewals come too late.
        engine: the storage.
        name: the name.
        stop: stops the server.
        give_up: once set, nothing is stored any more.
        patience: seconds to wait for the lease of a server with the same host name and path, which may be this server
            before a reboot or a move.

    Yields:
        The engine to write with, which sends nothing without the lease.

    Raises:
        StoppedError: ``stop`` was set before the lease was acquired.
        LeaseHeldError: a server in another place holds the name, or one at the same location for all of ``patience``.
        LeaseLostError: a server in another place has taken the name over.
    """
    if engine.info.exclusive:
        yield engine
        return
    loop = asyncio.get_running_loop()

    def end(error: LeaseLostError) -> None:
        _logger.error("%s", error)
        give_up.set()
        loop.call_soon_threadsafe(stop.set)

    lease = await _claim(pool, lambda: claim_lease(engine, name, end), stop, patience)
    try:
        with background("lease renewal", _renew(pool, lease), stop):
            yield FencedEngine(engine, lease)
    finally:
        try:
            await pool.run(lease.release)
        except StorageError as error:
            _logger.warning("the lease on the writer's name is not released: %s", error)
        if lease.lost is not None:  # says more than what it led to
            raise lease.lost


async def _claim(pool: Pool, claim: Callable[[], Lease], stop: asyncio.Event, patience: float) -> Lease:
    loop = asyncio.get_running_loop()
    waits_until: float | None = None
    while True:
        try:
            return await retry_until_available(pool, claim, stop)
        except LeaseHeldError as error:
            # At the same location on another machine, or before this one was booted: likely this server itself, which
            # was killed and has not released its lease. If not, the other one renews it.
            if not error.same_location or (waits_until is not None and loop.time() > waits_until):
                raise
            if waits_until is None:
                waits_until = loop.time() + patience
                _logger.warning("waiting up to %.0f seconds for the lease to run out: %s", patience, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _HELD_PAUSE)


async def _renew(pool: Pool, lease: Lease) -> None:
    while True:
        await asyncio.sleep(RENEWAL)
        try:
            await pool.run(lease.renew)
        except LeaseLostError:  # was told
            return
        except StorageError as error:
            _logger.warning("the lease on the writer's name is not renewed: %s", error)
