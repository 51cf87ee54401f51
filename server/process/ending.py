"""The end of a process: in order if that takes seconds, otherwise at once.

Whatever is acknowledged is in storage, or fsynced in the journal, so a process may end at any time. Ending in order
only saves senders a retry, and the next start some work. So storage that hangs must not keep a process from ending: a
supervisor would kill it, and a person at a terminal would think that it is stuck.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator

from server.process.background import background
from server.process.lifecycle import Signals
from storage.interrupt import Interrupt

__all__ = ["FLUSH_GRACE", "bounded_end", "end_without_threads"]

_logger = logging.getLogger(__name__)

FLUSH_GRACE = 4.0
"""Seconds that storage may take for the accepted records when a process stops."""

_CUT_AFTER = 5.0  # seconds until statements that still run are cut off
_END_AFTER = 9.0  # seconds until the process ends, whatever still runs
_LINGERING = 1.0  # seconds that threads may take to end after all else has ended


@contextlib.contextmanager
def bounded_end(signals: Signals, statements: Interrupt) -> Iterator[None]:
    """Let the process end within seconds once ``Signals.stop`` is set, whatever hangs; enter it before all else.

    Args:
        signals: the signals.
        statements: interrupt of all statements to storage; set when there was enough time for them.
    """
    with background("limit of the shutdown", _limit(signals, statements), signals.stop):
        yield


async def _limit(signals: Signals, statements: Interrupt) -> None:
    await signals.stop.wait()
    _logger.info("shutting down: committing accepted requests, refusing new ones")
    # In a thread: the event loop may be what hangs, and has ended when the interpreter waits for threads.
    watchdog = threading.Timer(_END_AFTER, _end_by_force, (signals,))
    watchdog.daemon = True
    watchdog.start()
    await asyncio.sleep(_CUT_AFTER)
    statements.set()


def _end_by_force(signals: Signals) -> None:
    _logger.warning("the shutdown took %.0f s and is cut short; %s", _END_AFTER, signals.kept())
    signals.end_now(0 if signals.received else 1)


def end_without_threads(status: int) -> int:
    """Return an exit status, unless threads still run that the interpreter would wait for: then exit with it now.

    Such a thread waits for storage that hangs, and nobody waits for the thread any more.
    """
    deadline = time.monotonic() + _LINGERING
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                _say_stopped(status)
                logging.shutdown()
                sys.stdout.flush()
                os._exit(status)
    _say_stopped(status)
    return status


def _say_stopped(status: int) -> None:
    if status == 0:  # otherwise the last line is why
        _logger.info("stopped")
