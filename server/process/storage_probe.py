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
from storage.errors import CutOffError, StorageError
from storage.interrupt import Interrupt

__all__ = ["StorageProbe"]

_logger = logging.getLogger(__name__)

_INTERVAL = 2.0  # seconds between looks
_SILENCE = 10.0  # seconds after which storage that said nothing does not answer
_OPEN = _SILENCE - _INTERVAL  # seconds after which a look that waits for its answer shows that
_SLOW = 1.0  # seconds: whoever asks storage that takes longer to fail would wait for an error
_WATCH = 1.0  # seconds between looks at a look that waits


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
        # When storage answered last, and the error since then; replaced as a whole.
        self._seen = now(), "storage has not been asked yet"
        self._asked: float | None = None  # when the look began that waits for its answer
        self._failed_slowly = False  # the last look
        self.outage = Interrupt()
        """Interrupt of what waits for storage while it does not answer; another one once it has answered."""
        self.clock_offset = 0.0
        """Seconds that this machine's clock is ahead of storage's, as seen last."""

    async def run(self, pool: Pool) -> None:
        """Look until cancelled, in a pool in which nothing else may keep it waiting."""
        while True:
            looking = asyncio.ensure_future(pool.run(self.look))
            try:
                while not (await asyncio.wait((looking,), timeout=_WATCH))[0]:
                    self.note_silence()
                looking.result()
            finally:
                looking.cancel()
            await asyncio.sleep(_INTERVAL)

    def look(self) -> None:
        """Look once; blocks as long as storage does."""
        began = self._asked = self._now()
        try:
            asked = time.time()
            stored = read_clock(self._engine)
            self.clock_offset = (asked + time.time()) / 2 - stored
            trouble = self._room()
        except CutOffError:  # nobody asks any more
            return
        except StorageError as error:
            reason = str(error)
            reason = reason if reason.startswith("storage ") else f"storage cannot be used: {reason}"
            self._failed_slowly = self._now() - began > _SLOW
            self._seen = self._seen[0], reason
            self._trouble.goes_on(reason)
            return
        finally:
            self._asked = None
        self._failed_slowly = False
        self._seen = self._now(), trouble
        if self.outage.is_set:
            self.outage = Interrupt()
        if trouble:
            self._trouble.goes_on(trouble)
        else:
            self._trouble.ends()

    def not_ready(self) -> str:
        """Return why storage cannot be used, empty if it can; does not block."""
        _, error = self._seen
        return error or self.silence() or (self._silent_for() if self._silence > _SILENCE else "")

    def silence(self) -> str:
        """Return the reason if whoever asks storage now would wait for nothing, else an empty string; does not block.

        Storage that refuses connections, or answers with errors, is not silent: it can be asked at no cost.
        """
        asked = self._asked
        hangs = self._now() - asked > _OPEN if asked is not None else False
        return self._silent_for() if hangs or (self._failed_slowly and self._silence > _SILENCE) else ""

    def note_silence(self) -> None:
        """If storage does not answer, log that, and end what waits for it; does not block."""
        if reason := self.silence():
            self._trouble.goes_on(reason)
            self.outage.set()

    @property
    def _silence(self) -> float:
        return self._now() - self._seen[0]

    def _silent_for(self) -> str:
        return f"storage has not answered for {self._silence:.0f} s"
