"""Storing the entries of a journal in the background, and waiting until all are stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Collection
from typing import Protocol

from server.log.journal import Journal
from server.process.pools import Pool

__all__ = ["StoringWriter", "stored", "storing"]

_logger = logging.getLogger(__name__)
_LOOK_AGAIN = 0.05  # seconds between checks of the journals


class StoringWriter(Protocol):
    """The part of a stream's writer that stores its journal."""

    @property
    def journal(self) -> Journal:
        """The journal with the batches that are not in storage yet."""

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be stored now; empty if they can."""

    def store_appended(self) -> None:
        """Store entries as they are appended to the journal, until the writer gives up and ``wake`` is called."""

    def wake(self) -> None:
        """Make ``store_appended`` check whether the writer gives up."""


@contextlib.asynccontextmanager
async def storing(pool: Pool, writer: StoringWriter, give_up: threading.Event) -> AsyncIterator[None]:
    """Store entries of a journal in a thread until the block ends; the end of the block sets ``give_up``."""
    thread = threading.Thread(target=writer.store_appended, name="store")
    thread.start()
    try:
        yield
    finally:
        give_up.set()
        writer.wake()
        await pool.run(thread.join)


async def stored(writers: Collection[StoringWriter], give_up: threading.Event) -> None:
    """Wait until all journals are stored, while storage accepts entries and ``give_up`` is not set."""
    while any(len(writer.journal) for writer in writers):
        if give_up.is_set() or any(writer.trouble for writer in writers):
            left = sum(len(writer.journal) for writer in writers)
            _logger.warning("%d batches stay in the journal: the next start stores them", left)
            return
        await asyncio.sleep(_LOOK_AGAIN)
