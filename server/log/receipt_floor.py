"""The receipt floor of a log: the earliest time of receipt that the log still accepts, as its statements promise."""

from __future__ import annotations

import threading

from server.errors.ingest import StorageRefusedError

__all__ = ["ReceiptFloor"]

_WAITED = "the records waited too long to be signed"


class ReceiptFloor:
    """Keeper of the promise that all entries from a number on were received at or after a time; thread-safe.

    It has its own lock, which is held during no I/O, so a promise never waits for a batch that is being appended.
    """

    def __init__(self, end: int) -> None:
        """Start without a promise.

        Args:
            end: number of entries in the log, including its journal.
        """
        self._lock = threading.Lock()
        self._end = end
        self._floor = 0

    def admit(self, received: int, end: int) -> None:
        """Admit records before they are signed and appended; one batch at a time.

        Args:
            received: earliest time of receipt of the records, in nanoseconds since the epoch.
            end: number of entries in the log once the records are appended. If they are refused after all, the next
                batch gets the same numbers, and a promise in between covered fewer entries than it could have.

        Raises:
            StorageRefusedError: a statement has promised that no records received so long ago will be appended.
        """
        with self._lock:
            if received < self._floor:
                raise StorageRefusedError(_WAITED, retry_after=1.0, public=_WAITED)
            self._end = end

    def promise(self, floor: int) -> int:
        """Promise that no records received before a time will be appended any more.

        Args:
            floor: the time, in nanoseconds since the epoch.

        Returns:
            The number of the first entry that the promise covers: earlier entries are appended, or about to be.
        """
        with self._lock:
            self._floor = max(self._floor, floor)
            return self._end
