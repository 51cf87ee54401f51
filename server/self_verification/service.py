"""Self-verification as a part of a server: one thread, for as long as the server runs."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from server.data_dir.seen_logs import remember_seen
from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement
from server.notary.trust import TrustedKeys
from server.own_records.sender import OwnRecords
from server.process.pools import Pool
from server.retry.trouble import Trouble
from server.self_verification.audit_trail import AuditTrail
from server.self_verification.progress_file import read_progress, write_progress
from server.self_verification.scrubber import Scrubber, Subject
from server.self_verification.status import SelfVerification
from server.self_verification.throttle import Clock, WorkStoppedError, clock_until
from server.settings.settings import Settings
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import StorageError
from storage.interrupt import Interrupt, InterruptedQueryError
from storage.url import StorageUrl

__all__ = ["PROGRESS_FILE", "self_verification"]

_logger = logging.getLogger(__name__)

PROGRESS_FILE = "self-verification.json"
"""The name of the file in the data directory that has how far it came."""

_CONNECT_PAUSE = 10.0  # seconds between attempts to reach storage
_AFTER_FAILURE = 600.0  # seconds until it is tried again after an error that nobody foresaw


@contextlib.asynccontextmanager
async def self_verification(
    pool: Pool,
    settings: Settings,
    keys: Callable[[], TrustedKeys],
    remembered: Callable[[], Sequence[Checkpoint | Statement]],
    own_records: OwnRecords,
) -> AsyncIterator[Callable[[], SelfVerification | None]]:
    """Verify the whole storage, pass after pass until the block ends, over dedicated connections.

    Args:
        pool: the thread pool in which its end is awaited.
        settings: the server's settings; ``self_verify`` is the interval, or None if off.
        keys: returns the trusted public keys, which may change at any time.
        remembered: returns checkpoints and statements that storage must contain.
        own_records: client that sends findings.

    Yields:
        A thread-safe function that returns the status; None if self-verification is off.
    """
    interval = settings.self_verify
    if interval is None:
        yield lambda: None
        return
    stop = threading.Event()
    interrupt = Interrupt()
    clock = clock_until(stop)
    file = settings.data_dir / PROGRESS_FILE
    scrubber = Scrubber(
        Subject(keys, remembered, seen=partial(remember_seen, settings.data_dir)),
        interval,
        clock,
        AuditTrail(own_records),
        read_progress(file),
        lambda progress: write_progress(file, progress),
    )
    # Not a thread of the event loop's: those are few, and it would take one for good.
    thread = threading.Thread(
        target=_run, args=(scrubber, settings.storage, clock, interrupt), name="self-verification"
    )
    thread.start()
    try:
        yield lambda: scrubber.status
    finally:
        stop.set()
        interrupt.set()
        await pool.run(thread.join)


def _run(scrubber: Scrubber, url: StorageUrl, clock: Clock, interrupt: Interrupt) -> None:
    with (
        contextlib.suppress(WorkStoppedError, InterruptedQueryError),
        contextlib.closing(_connect(url, clock, interrupt)) as engine,
    ):
        while True:
            try:
                scrubber.run(engine)
            except (WorkStoppedError, InterruptedQueryError):
                raise
            except Exception:
                # What is stored may be anything, and a check that has ended unnoticed is worse than none.
                _logger.exception("self-verification failed; retrying in %.0f s", _AFTER_FAILURE)
            clock.wait(_AFTER_FAILURE)


def _connect(url: StorageUrl, clock: Clock, interrupt: Interrupt) -> Engine:
    trouble = Trouble(_logger, "self-verification is waiting for storage", "self-verification has storage")
    while True:
        try:
            engine = connect(url, interrupt=interrupt)
        except StorageError as error:
            trouble.goes_on(str(error))
        else:
            trouble.ends()
            return engine
        clock.wait(_CONNECT_PAUSE)
