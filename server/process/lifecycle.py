"""Process lifecycle: signals, holding the lease on the writer's name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import NoReturn

from server.process.background import background
from server.process.pools import Pool
from server.process.storage_wait import retry_until_available
from server.retry.trouble import Trouble
from storage.engine import Engine
from storage.errors import CutOffError, LeaseHeldError, LeaseLostError, StorageError
from storage.lease import FencedEngine, Lease, claim_lease
from storage.writers import LEASE, RENEWAL, WriterName

__all__ = [
    "Signals",
    "call_on_event",
    "ignore_signals",
    "install_signal_handlers",
    "run_on_event",
    "run_once",
    "sole_writer",
]

_logger = logging.getLogger(__name__)

_SAME_REQUEST = 0.3  # seconds within which several signals are one request to stop
_HELD_PAUSE = 1.0  # seconds between claims of a name whose lease is expected to run out


@dataclass(frozen=True, slots=True)
class Signals:
    """Events that signals set.

    Attributes:
        stop: set by SIGTERM and SIGINT; a second one of them ends the process at once.
        reread: set by SIGHUP: the signing keys and the audit rules may have changed.
        reread_certificates: set by SIGHUP: the certificates of ports may have changed.
        received: when signals asked to stop, in seconds of a monotonic clock.
        before_end: functions that are called before the process ends at once, such as one that ends its workers; must
            not block.
        left: functions that return what such an end leaves for the next start, and where; empty for nothing; must not
            block.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reread: asyncio.Event = field(default_factory=asyncio.Event)
    reread_certificates: asyncio.Event = field(default_factory=asyncio.Event)
    received: list[float] = field(default_factory=list)
    before_end: list[Callable[[], None]] = field(default_factory=list)
    left: list[Callable[[], str]] = field(default_factory=list)

    def ask_to_stop(self, number: int) -> None:
        """Handle a signal that asks to stop: the first one in order, a second one at once."""
        now = time.monotonic()
        self.received.append(now)
        # A wrapper (timeout, make, a container's init) passes on the Ctrl-C that the whole terminal got: that is one.
        if now - self.received[0] > _SAME_REQUEST:
            _logger.warning("ending at once, as asked a second time; %s", self.kept())
            self.end_now(128 + number)
        self.stop.set()

    def ask_to_reread(self) -> None:
        """Handle a signal after files have changed."""
        self.reread.set()
        self.reread_certificates.set()

    def kept(self) -> str:
        """Return a sentence about what an end without order keeps; may be called in any thread."""
        left = [what for what in (look() for look in self.left) if what]
        if left:
            return "; ".join(left)
        return f"what was acknowledged is {'in storage' if self.left else 'kept'}"

    def end_now(self, status: int) -> NoReturn:
        """End the process without waiting for anything; may be called in any thread."""
        for call in self.before_end:
            with contextlib.suppress(Exception):
                call()
        _logger.info("stopped")
        logging.shutdown()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(status)


def install_signal_handlers() -> Signals:
    """Have signals set events from now on."""
    signals = Signals()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.ask_to_stop, number)
    loop.add_signal_handler(signal.SIGHUP, signals.ask_to_reread)
    return signals


def ignore_signals() -> None:
    """Ignore requests to stop from now on: the process is ending, and Python's own handler would print an error."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


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


@contextlib.asynccontextmanager
async def sole_writer(
    pool: Pool,
    engine: Engine,
    name: WriterName,
    stop: asyncio.Event,
    give_up: threading.Event,
    patience: float = LEASE + RENEWAL,
    waiting: Trouble | None = None,
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
        waiting: has the reason while storage is awaited.

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

    waiting = waiting or Trouble(_logger, "waiting for storage", "storage can be used,")
    lease = await _claim(pool, lambda: claim_lease(engine, name, end), stop, patience, waiting)
    try:
        with background("lease renewal", _renew(pool, lease), stop):
            yield FencedEngine(engine, lease)
    finally:
        try:
            await pool.run(lease.release)
        except StorageError as error:
            # The next server of this name in the same place does not wait for it.
            _logger.warning("could not record this server's shutdown in storage: %s", error)
        if lease.lost is not None:  # says more than what it led to
            raise lease.lost


async def _claim(
    pool: Pool, claim: Callable[[], Lease], stop: asyncio.Event, patience: float, waiting: Trouble
) -> Lease:
    loop = asyncio.get_running_loop()
    waits_until: float | None = None
    while True:
        try:
            return await retry_until_available(pool, claim, stop, waiting)
        except LeaseHeldError as error:
            # At the same location on another machine, or before this one was booted: likely this server itself, which
            # was killed and has not released its lease. If not, the other one renews it.
            if not error.same_location or (waits_until is not None and loop.time() > waits_until):
                raise
            if waits_until is None:
                waits_until = loop.time() + patience
                waiting.goes_on(f"waiting up to {patience:.0f} seconds for the lease to run out: {error}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _HELD_PAUSE)


async def _renew(pool: Pool, lease: Lease) -> None:
    trouble = Trouble(_logger, "the lease on the writer's name cannot be renewed", "the lease is renewed")
    while True:
        await asyncio.sleep(RENEWAL)
        try:
            await pool.run(lease.renew)
        except LeaseLostError:  # was told
            return
        except CutOffError:  # the process stops
            return
        except StorageError as error:
            trouble.goes_on(str(error))
        else:
            trouble.ends()
