"""Self-verification as a part of a server: one thread, for as long as the server runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from server.self_verification.audit_trail import AuditTrail
from server.self_verification.bookmark import read_bookmark, write_bookmark
from server.self_verification.pace import Clock, StoppedError, clock_until
from server.self_verification.status import SelfVerification
from server.self_verification.walk import Subject, Walker
from server.setting_values import Address

__all__ = ["BOOKMARK", "self_verification"]

_logger = logging.getLogger(__name__)

BOOKMARK = "self-verification.json"
"""The name of the file in the data directory that has how far it came."""

_AFTER_FAILURE = 600.0  # seconds until it is tried again after an error that nobody foresaw


@contextlib.asynccontextmanager
async def self_verification(
    interval: float | None, subject: Subject, otlp_grpc: Address, data_dir: Path
) -> AsyncIterator[Callable[[], SelfVerification | None]]:
    """Verify all that is stored, again and again, until the block ends.

    Args:
        interval: seconds in which all is to be verified once; None for never.
        subject: what is verified. Its engine is used by one thread, from the beginning to the end of the block.
        otlp_grpc: where the server receives OTLP over gRPC, which findings are sent to.
        data_dir: where to remember how far it came.

    Yields:
        What returns how it stands, from any thread; None where it is off.
    """
    if interval is None:
        yield lambda: None
        return
    stop = threading.Event()
    file = data_dir / BOOKMARK
    clock = clock_until(stop)
    walker = Walker(
        subject,
        interval,
        clock,
        AuditTrail(otlp_grpc),
        read_bookmark(file),
        lambda bookmark: write_bookmark(file, bookmark),
    )
    # Not a thread of the event loop's: those are few, and it would take one for good.
    thread = threading.Thread(target=_run, args=(walker, clock), name="self-verification", daemon=True)
    thread.start()
    try:
        yield lambda: walker.status
    finally:
        stop.set()
        await asyncio.to_thread(thread.join)


def _run(walker: Walker, clock: Clock) -> None:
    with contextlib.suppress(StoppedError):
        while True:
            try:
                walker.run()
            except StoppedError:
                raise
            except Exception:
                # What is stored may be anything, and a check that has ended unnoticed is worse than none.
                _logger.exception("self-verification failed; it goes on in %.0f s", _AFTER_FAILURE)
            clock.wait(_AFTER_FAILURE)
