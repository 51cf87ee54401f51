"""Readiness probe of storage, in the background: ``/readyz`` reads its last result and never waits for storage."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from server.process.pools import Pool
from server.retry.trouble import Trouble
from storage.clock import read_clock
from storage.engine import Engine
from storage.errors import StorageError

__all__ = ["StorageProbe"]

_logger = logging.getLogger(__name__)

_INTERVAL = 2.0  # seconds between looks
_SILENCE = 10.0  # seconds after which storage that said nothing does not answer


class StorageProbe:
    """Looks again and again whether storage answers."""

    def __init__(
        self, engine: Engine, now: Callable[[], float] = time.monotonic, room: Callable[[], str] = str
    ) -> None:
        """Prepare to look.

        Args:
            engine: the storage.
            now: returns the time, in seconds.
            room: returns why storage has no room for records, empty if it has.
        """
        self._engine = engine
        self._room = room
        self._trouble = Trouble(_logger, "storage is away", "storage is back")
        self._now = now
        self._seen = now(), ""  # when storage answered last, and the error since then; replaced as a whole
        self.clock_offset = 0.0
        """Seconds that this machine's clock is ahead of storage's, as seen last."""

    async def run(self, pool: Pool) -> None:
        """Look until cancelled, in a pool in which nothing else may keep it waiting."""
        while True:
            await pool.run(self.look)
            await asyncio.sleep(_INTERVAL)

    def look(self) -> None:
        """Look once; blocks as long as storage does."""
        try:
            asked = time.time()
            stored = read_clock(self._engine)
            self.clock_offset = (asked + time.time()) / 2 - stored
            trouble = self._room()
        except StorageError as error:
            reason = str(error)
            reason = reason if reason.startswith("storage ") else f"storage cannot be used: {reason}"
            self._seen = self._seen[0], reason
            self._trouble.goes_on(reason)
            return
        self._seen = self._now(), trouble
        if trouble:
            self._trouble.goes_on(trouble)
        else:
            self._trouble.ends()

    def not_ready(self) -> str:
        """Return why storage cannot be used, empty if it can; does not block."""
        answered, error = self._seen
        silent = self._now() - answered
        return error or (f"storage has not answered for {silent:.0f} s" if silent > _SILENCE else "")
