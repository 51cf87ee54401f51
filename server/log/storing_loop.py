"""The loop of the thread that stores the entries of a journal in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from server.errors.ingest import EndedWaitError, RefusedError, StorageRefusedError
from server.notary.origin import Stream

__all__ = ["StoringLoop"]

_logger = logging.getLogger(__name__)


class StoringLoop:
    """Loop of one thread; other threads wake it up.

    Attributes:
        failure: reason why the loop has ended, so that nothing may be added to the journal; empty if there is none.
    """

    def __init__(self, stream: Stream, give_up: threading.Event) -> None:
        """Prepare the loop.

        Args:
            stream: stream of the journal.
            give_up: event that ends the loop; ``wake`` must be called after it was set.
        """
        self.failure = ""
        self._stream = stream
        self._give_up = give_up
        self._woken = threading.Event()

    def run(self, store: Callable[[], None]) -> None:
        """Store what the journal has, now and each time the loop is woken up, until ``give_up`` is set.

        Args:
            store: function that stores all entries; it raises RefusedError if ``give_up`` is set.
        """
        while True:
            # Cleared before the check: ``wake`` after ``give_up`` was set must not be lost between the two.
            self._woken.clear()
            if self._give_up.is_set():
                return
            try:
                store()
            except RefusedError:  # give_up is set
                return
            except Exception as error:
                # No later batch may be stored, and the journal must not fill up unnoticed.
                _logger.exception("%s: the batches in the journal cannot be stored", self._stream.value)
                self.failure = f"the batches in the journal cannot be stored: {error}"
                return
            self._woken.wait()

    def wake(self) -> None:
        """Make the loop check ``give_up``, and store what the journal has; does not wait for it."""
        self._woken.set()

    def check_open(self) -> None:
        """Check that batches can be stored.

        Raises:
            EndedWaitError: ``give_up`` is set.
            StorageRefusedError: the loop has failed.
        """
        if self._give_up.is_set():
            raise EndedWaitError("the server is shutting down")
        if self.failure:
            raise StorageRefusedError(self.failure, retry_after=30.0)
