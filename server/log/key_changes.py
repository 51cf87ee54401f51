"""Pending changes of a log's keys.

A key change takes its place in the log's own order. It is decided at the log's current size, including the journal: the
old keys have signed everything up to that size, and the new keys sign every batch appended after it. The KEYS statement
is about that size, so it is stored once storage has reached that size, before any later batch. No sender waits for a
key change. If a crash interrupts a change, recovery finds it in the journal, between two adjacent batches with
different signers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server.errors.ingest import EndedWaitError, JournalFailedError, RefusedError, StorageRefusedError
from server.log.statement_writer import StatementWriter
from server.notary.batch import LogState
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError
from server.notary.signers import Signer
from server.notary.trust import fingerprints
from server.retry.backoff import backoff
from storage.errors import StorageError

__all__ = ["DecidedChange", "KeyChanges"]

_logger = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1  # seconds before a refused statement is tried again, doubled each time
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class DecidedChange:
    """A key change that has its place in the log, but no KEYS statement in storage yet.

    Attributes:
        size: number of entries in the log at that place; the new keys sign every later batch.
        signer: the new keys.
    """

    size: int
    signer: Signer


class KeyChanges:
    """The keys that sign a log's batches, and pending key changes; thread-safe."""

    def __init__(
        self,
        origin: str,
        signer: Signer,
        statements: StatementWriter | None = None,
        decided: Iterable[DecidedChange] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Continue with a log's keys.

        Args:
            origin: the log's name.
            signer: the keys that sign the log, according to storage.
            statements: writer of the KEYS statements; None for a log whose keys never change.
            decided: key changes that an earlier process decided, in order.
            clock: monotonic clock in seconds, for the pauses between two attempts of ``settle``.
        """
        self._origin = origin
        self._statements = statements
        self._stated = signer
        self._decided = deque(decided)
        self._wanted: Signer | None = None
        self._lock = threading.Lock()  # held during no I/O except the use of keys
        self._clock = clock
        self._settle_at = 0.0  # time on the clock before which ``settle`` does not ask storage again
        self._pauses = backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._told = ""  # the last logged reason why the keys could not be changed
        self.signer = self._decided[-1].signer if self._decided else signer
        """The keys that sign the next batch."""

    @property
    def stated(self) -> Signer:
        """The keys that sign the log, according to storage."""
        return self._stated

    @property
    def pending(self) -> bool:
        """True if a key change is requested or decided, and has no KEYS statement in storage yet."""
        return self._wanted is not None or bool(self._decided)

    def want(self, signer: Signer) -> bool:
        """Request a key change; return True if the keys differ from the current keys."""
        with self._lock:
            changes = self._keys(signer) != self._keys(self.signer)
            self._wanted = signer if changes else None
            self._end_pause()
            return changes

    def decide(self, head: LogState) -> None:
        """Decide a requested key change at the log's current size; must be called between two appends.

        Args:
            head: state of the log, including the batches in the journal.
        """
        with self._lock:
            if self._wanted is None:
                return
            try:  # a new key that cannot sign now must not stop the log, which the old key can still sign
                checkpoint = Checkpoint(self._origin, head.range.size, head.range.root())
                self._wanted.sign(checkpoint.text(), self._origin)
            except SigningError as error:
                self._tell(str(error))
                return
            self._decided.append(DecidedChange(head.range.size, self._wanted))
            self.signer, self._wanted = self._wanted, None

    def settle(self, head: LogState) -> None:
        """Decide and state a requested key change, with an empty journal; after a failure it stays pending.

        Must be called between two appends. After a failure, calls do nothing until a pause is over, which grows with
        each failure: commits, which call this too, are not slowed by attempts that storage refuses.

        Args:
            head: state of the log, which is the same in storage.

        Raises:
            StorageRefusedError: storage, or the disk, may have a statement that was not stored for sure: nothing may be
                signed after it by the keys before.
        """
        if not self._decided and self._clock() < self._settle_at:
            return
        self.decide(head)
        while self._decided:
            try:
                self._state(self._decided[0])
            except (RefusedError, StorageError, SigningError) as error:
                # The new keys have signed nothing yet, so the change can be decided again.
                with self._lock:
                    self._wanted = self._wanted or self._decided[-1].signer
                    self._decided.clear()
                    self.signer = self._stated
                self._tell(str(error))
                if isinstance(error, (JournalFailedError, EndedWaitError)):
                    raise StorageRefusedError(f"a change of keys cannot be made now: {error}") from error
                self._settle_at = self._clock() + next(self._pauses)
                return

    def due(self, size: int) -> bool:
        """Return whether a key change must be stated before storage gets entries beyond a size."""
        return bool(self._decided) and self._decided[0].size <= size

    def state_due(
        self, size: int, give_up: threading.Event, on_failure: Callable[[str], None] = lambda _: None
    ) -> None:
        """Store the KEYS statements of the changes that are due; retry until storage has them.

        Args:
            size: number of the log's entries in storage.
            give_up: event that ends the retries.
            on_failure: function that is called with the reason of each failed attempt.

        Raises:
            StorageRefusedError: ``give_up`` was set before.
        """
        for pause in backoff(_FIRST_PAUSE, _LONGEST_PAUSE):
            try:
                while self.due(size):
                    self._state(self._decided[0])
            except (RefusedError, StorageError, SigningError) as error:
                self._tell(str(error))
                on_failure(f"a change of keys cannot be stated: {error}")
                if give_up.wait(pause):
                    raise EndedWaitError("shut down before a change of keys could be stated") from error
            else:
                return

    def _state(self, change: DecidedChange) -> None:
        if self._statements is None:
            raise ValueError(f"{self._origin}: the keys of this log cannot be changed")
        self._statements.change_keys(self._stated, change.signer)
        with self._lock:
            self._stated = change.signer
            self._decided.popleft()
        self._told = ""
        _logger.info("%s: signing key changed to %s", self._origin, fingerprints(change.signer))

    def _end_pause(self) -> None:
        self._settle_at = 0.0
        self._pauses = backoff(_FIRST_PAUSE, _LONGEST_PAUSE)

    def _keys(self, signer: Signer) -> set[object]:
        return set(signer.verifier_keys(self._origin))

    def _tell(self, why: str) -> None:
        if why != self._told:
            self._told = why
            _logger.error("%s: the key change is pending and cannot be made now: %s", self._origin, why)
