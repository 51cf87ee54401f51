"""The storing half of a log's writer: commits the batches of the journal, one after another.

A batch goes to storage in three steps: its records, the tree's new hashes, and last its row in ``log_batches``, which
commits it. Batches that wait go together (see ``group``). A step whose outcome is unknown is repeated with the same
deduplication token; the log never continues past a batch whose outcome is unknown. A key change is stored in its place
between batches (see ``key_changes``).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from server.errors.ingest import (
    BatchOutcomeUnknownError,
    EndedWaitError,
    JournalFailedError,
    RefusedError,
    StorageRefusedError,
)
from server.log.committed_log import CommittedLog
from server.log.group import Group, GroupLimits
from server.log.grouping import Grouping
from server.log.journal import Journal
from server.log.journal_entry import Entry
from server.log.key_changes import KeyChanges
from server.log.log_memory import LogMemory
from server.log.retry_insert import insert_and_verify, retry_until_visible
from server.notary.batch import Batch, LogState, TileFragment
from server.retry.backoff import backoff
from server.retry.trouble import Trouble
from storage.commit import insert_batches, insert_records, insert_tiles, is_stored
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError
from storage.schema import RECORD_TABLES

__all__ = ["BatchCommitter"]

_logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two questions to storage


class BatchCommitter:
    """Commits the batches of a log's journal; one thread at a time may commit, any may read its properties."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        committed: CommittedLog,
        keys: KeyChanges,
        memory: LogMemory,
        give_up: threading.Event,
        limits: GroupLimits | None = None,
    ) -> None:
        """Go on with a log.

        Args:
            engine: the storage.
            journal: journal with the batches that are not in storage yet.
            committed: state of the log in storage, which each commit replaces.
            keys: key changes, which are stated in their place between batches.
            memory: remembers the checkpoint of every committed batch.
            give_up: event that ends the retries; the batches in the journal stay there.
            limits: limits of the groups in which waiting batches are stored; None for the usual ones.

        Raises:
            JournalDamagedError: the mark of a group cannot be read.
        """
        self._engine = engine
        self._stream = committed.name.stream
        self._journal = journal
        self._committed = committed
        self._keys = keys
        self._memory = memory
        self._give_up = give_up
        self._grouping = Grouping(engine, journal, committed, keys, limits or GroupLimits())
        self._stored = 0  # number of the last entry that was committed here; it may still have to be released
        self._refusals = Trouble(
            _logger,
            f"{committed.name.origin}: batches are refused",
            f"{committed.name.origin}: batches are stored again",
        )
        self.blocked = False
        """True while a batch has been started and cannot be finished."""
        self._failure = ""  # of the last attempt to finish it
        self.committed_at = 0.0
        """Time of the last commit, in seconds since the epoch; 0 if there was none."""

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be committed now, as far as a started one shows it; empty if they can."""
        return self._failure or "waiting for storage to answer" if self.blocked else ""

    def commit(self, number: int, entry: Entry, fragments: Sequence[TileFragment], state: LogState) -> None:
        """Commit a batch that has just been journaled, and is the only one in the journal.

        Args:
            number: the number of its entry in the journal.
            entry: the batch.
            fragments: the hashes that it adds to the tree.
            state: state of the log after it.

        Raises:
            BatchOutcomeUnknownError: the batch may be in storage, and stays in the journal.
            StorageRefusedError: storage refused the batch, which has left the journal.
            JournalFailedError: storage refused the batch, and the disk did not let it leave the journal.
        """
        try:
            group = Group(number, (entry,), (tuple(fragments),), state)
            self._store_or_refuse(group)
            self._done(group)
        except NotAppliedError as error:
            self._take_back(number, entry.batch, error)
            raise StorageRefusedError(
                f"the batch was not stored: {error}",
                retry_after=2.0,
                public=f"the batch was not stored: {error.sentence}",
            ) from error
        except Exception as error:
            raise self._outcome_unknown(number, entry.batch, error) from error

    def commit_waiting(self) -> None:
        """Commit all batches in the journal, however long that takes, and state the key changes that are due.

        Raises:
            StorageRefusedError: ``give_up`` was set before all batches were stored.
            JournalDamagedError: the journal has been damaged.
        """
        waiting = deque(self._journal.waiting)
        while waiting:
            self._state_key_changes()
            if waiting[0] <= self._stored:  # committed by this process, but could not be released then
                self._journal.release(waiting.popleft())
                continue
            surely = self._grouping.may_be_stored(waiting[0])
            group = self._next_group(waiting)
            if not self._store(group, surely=surely):
                continue  # with fewer of them
            self._done(group)
            self._grouping.stored(group)
            while waiting and waiting[0] <= group.last:
                waiting.popleft()
        self._state_key_changes()

    def _next_group(self, waiting: Sequence[int]) -> Group:
        pauses = backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    return self._grouping.next(waiting)
                except StorageError as error:
                    if not self.blocked:
                        stack.enter_context(self._blocking())
                    self._failed(_told(error))
                    if self._give_up.wait(next(pauses)):
                        raise EndedWaitError(f"shut down before storage answered: {error}") from error

    def _store(self, group: Group, *, surely: bool) -> bool:
        """Store a group; return False if storage refused it, and fewer of its batches may go together."""
        (records, insert), *others = self._steps(group)
        accepted = False

        def insert_noting(renewed: int) -> None:
            nonlocal accepted
            insert(renewed)
            accepted = True

        try:
            self._insert(insert_noting, records, group, surely=surely)
        except Exception as error:
            refused = isinstance(error, NotAppliedError) and not accepted
            if refused and self._grouping.refused(group):
                _logger.warning("storage refuses %s, so fewer go together: %s", _name(group.batches, records), error)
                return False
            self._repeat(insert, records, group, error)
        for table, insert_rows in others:
            self._until_done(insert_rows, table, group, surely=surely)
        return True

    def _take_back(self, number: int, batch: Batch, error: NotAppliedError) -> None:
        """Remove a batch of which nothing was stored, so that another batch can take its place in the log.

        Raises:
            JournalFailedError: the journal accepts no batch before this one is removed.
            BatchOutcomeUnknownError: the batch is still in the journal.
        """
        try:
            self._journal.retract(number)
        except JournalFailedError:
            raise
        except Exception as failure:
            raise self._outcome_unknown(number, batch, failure) from failure
        self._refusals.goes_on(str(error))

    def _outcome_unknown(self, number: int, batch: Batch, error: Exception) -> BatchOutcomeUnknownError:
        self._grouping.doubt(number)
        if not isinstance(error, RefusedError):  # otherwise the retries were ended by the shutdown
            _logger.error("it is not known whether %s is stored", _name([batch], "storage"), exc_info=error)
        return BatchOutcomeUnknownError(f"the batch may be stored: {_told(error)}", retry_after=2.0)

    def _state_key_changes(self) -> None:
        size = self._committed.state.range.size
        if self._keys.due(size):
            with self._blocking():
                self._keys.state_due(size, self._give_up, self._failed)

    def _store_or_refuse(self, group: Group) -> None:
        """Store a batch; raises NotAppliedError if nothing of it was stored, StorageRefusedError at shutdown."""
        (records, insert), *others = self._steps(group)
        try:
            insert(0)
        except NotAppliedError:
            raise
        except Exception as error:  # an unexpected error leaves the outcome unknown too
            self._repeat(insert, records, group, error)
        for table, insert in others:
            self._until_done(insert, table, group)

    def _steps(self, group: Group) -> list[tuple[str, Callable[[int], None]]]:
        engine, stream, batches = self._engine, self._stream, group.batches
        block = group.block(stream)
        return [
            (RECORD_TABLES[stream], lambda n: insert_records(engine, stream, batches, block, renewed=n)),
            ("log_tiles", lambda n: insert_tiles(engine, batches, group.fragments, renewed=n)),
            ("log_batches", lambda n: insert_batches(engine, batches, renewed=n)),
        ]

    def _until_done(self, insert: Callable[[int], None], table: str, group: Group, *, surely: bool = False) -> None:
        try:
            self._insert(insert, table, group, surely=surely)
        except Exception as error:
            self._repeat(insert, table, group, error)

    def _insert(self, insert: Callable[[int], None], table: str, group: Group, *, surely: bool) -> None:
        if surely:
            insert_and_verify(_name(group.batches, table), insert, lambda: self._has(table, group))
        else:
            insert(0)

    def _has(self, table: str, group: Group) -> bool:
        """Return whether a table has a group; it has all batches of a group or none."""
        return is_stored(self._engine, table, group.entries[-1].batch)

    def _repeat(self, insert: Callable[[int], None], table: str, group: Group, error: Exception) -> None:
        with self._blocking():
            retry_until_visible(
                _name(group.batches, table),
                insert,
                lambda: self._has(table, group),
                self._give_up,
                error,
                self._failed,
            )

    @contextlib.contextmanager
    def _blocking(self) -> Iterator[None]:
        self._failure = ""
        self.blocked = True
        try:
            yield
        finally:
            self.blocked = False

    def _failed(self, cause: str) -> None:
        self._failure = cause

    def _done(self, group: Group) -> None:
        batch = group.entries[-1].batch
        self._committed.state = group.state
        self.committed_at = time.time()
        self._stored = group.last
        self._refusals.ends()
        try:
            self._memory.remember_checkpoint(self._stream, batch.checkpoint)
        except Exception as error:
            # The batch is committed, even if its checkpoint cannot be saved here.
            _logger.warning(
                "%s: the checkpoint of batch %d cannot be saved: %s", batch.origin, batch.sequence, _told(error)
            )
        self._journal.release(group.last)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _name(batches: Sequence[Batch], table: str) -> str:
    first, last = batches[0], batches[-1]
    what = f"batch {first.sequence}" if first is last else f"batches {first.sequence} to {last.sequence}"
    return f"{what} of {first.origin} into {table}"
