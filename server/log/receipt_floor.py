"""The receipt floor of a log: the earliest time of receipt that it still appends, as its statements promise."""

from __future__ import annotations

import threading

from server.errors.ingest import StorageRefusedError

__all__ = ["ReceiptFloor"]


class ReceiptFloor:
    """Keeps the promise that entries from some number on were received at or after a time; thread-safe.

    A lock of its own, held for no I/O: a promise never waits for a batch that is being appended.
    """

    def __init__(self, end: int) -> None:
        """Promise nothing yet.

        Args:
            end: entries in the log, those in its journal too.
        """
        self._lock = threading.Lock()
        self._end = end
        self._floor = 0

    def admit(self, received: int, end: int) -> None:
        """Let records be appended, before anything is signed; one batch at a time.

        Args:
            received: when the first of them was received, in nanoseconds since the epoch.
            end: entries in the log once they are appended. They may be refused yet: then the next batch is
                given the same numbers, and what was promised in between held for fewer entries than there were.

        Raises:
            StorageRefusedError: a statement has promised that no record from so long ago comes any more.
        """
        with self._lock:
            if received < self._floor:
                raise StorageRefusedError("the records waited too long to be signed", retry_after=1.0)
            self._end = end

    def promise(self, floor: int) -> int:
        """Append no records any more that were received before a time.

        Args:
            floor: the time, in nanoseconds since the epoch.

        Returns:
            The number of the first entry for which that is certain: those before it are appended, or about to be.
        """
        with self._lock:
            self._floor = max(self._floor, floor)
            return self._end
