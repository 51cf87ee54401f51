"""Readiness probe of storage, in the background: ``/readyz`` reads its last result and never waits for storage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from server.process.pools import Pool
from storage.clock import read_clock
from storage.engine import Engine
from storage.errors import StorageError

__all__ = ["StorageProbe"]

_INTERVAL = 2.0  # seconds between looks
_SILENCE = 10.0  # seconds after which storage that said nothing does not answer


class StorageProbe:
    """Looks again and again whether storage answers."""

    def __init__(self, engine: Engine, now: Callable[[], float] = time.monotonic) -> None:
        """Prepare to look.

        Args:
            engine: the storage.
            now: returns the time, in seconds.
        """
        self._engine = engine
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
        except StorageError as error:
            reason = str(error)
            self._seen = self._seen[0], reason if reason.startswith("storage ") else f"storage cannot be used: {reason}"
        else:
            self._seen = self._now(), ""

    def not_ready(self) -> str:
        """Return why storage cannot be used, empty if it can; does not block."""
        answered, error = self._seen
        silent = self._now() - answered
        return error or (f"storage has not answered for {silent:.0f} s" if silent > _SILENCE else "")
