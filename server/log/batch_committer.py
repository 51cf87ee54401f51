"""The storing half of a log's writer: commits the batches of the journal, one after another.

A batch goes to storage in three steps: its records, the tree's new hashes, and last its row in ``log_batches``, which
commits it. A step whose outcome is unknown is repeated with the same deduplication token; the log never continues past
a batch whose outcome is unknown. A key change is stored in its place between batches (see ``key_changes``).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from server.errors.ingest import BatchOutcomeUnknownError, JournalFailedError, RefusedError, StorageRefusedError
from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.log.journal_entry import Entry, decode_entry
from server.log.key_changes import KeyChanges
from server.log.log_memory import LogMemory
from server.log.retry_insert import insert_and_verify, retry_until_visible
from server.notary.batch import Batch, LogState, TileFragment
from server.retry.trouble import Trouble
from storage.commit import insert_batch, insert_records, insert_tiles, is_stored
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.schema import RECORD_TABLES

__all__ = ["BatchCommitter"]

_logger = logging.getLogger(__name__)


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
    ) -> None:
        """Go on with a log.

        Args:
            engine: the storage.
            journal: journal with the batches that are not in storage yet.
            committed: state of the log in storage, which each commit replaces.
            keys: key changes, which are stated in their place between batches.
            memory: remembers the checkpoint of every committed batch.
            give_up: event that ends the retries; the batches in the journal stay there.
        """
        self._engine = engine
        self._stream = committed.name.stream
        self._journal = journal
        self._committed = committed
        self._keys = keys
        self._memory = memory
        self._give_up = give_up
        # The last batch that may be in storage, in part or as a whole: it is looked up before it is inserted.
        self._doubtful = max(journal.waiting, default=0)  # as an earlier process may have ended while it was on its way
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
            self._store_or_refuse(entry, fragments)
            self._done(number, entry.batch, state)
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
        for number in self._journal.waiting:
            self._state_key_changes()
            if number <= self._stored:  # committed by this process, but could not be released then
                self._journal.release(number)
                continue
            entry = decode_entry(self._journal.read(number))
            state, fragments = entry.extend(self._committed.state)
            for table, insert in self._steps(entry, fragments):
                self._until_done(insert, table, entry.batch, surely=number <= self._doubtful)
            self._done(number, entry.batch, state)
        self._state_key_changes()

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
        self._doubtful = max(self._doubtful, number)
        if not isinstance(error, RefusedError):  # otherwise the retries were ended by the shutdown
            _logger.error("it is not known whether %s is stored", _name(batch, "storage"), exc_info=error)
        return BatchOutcomeUnknownError(f"the batch may be stored: {_told(error)}", retry_after=2.0)

    def _state_key_changes(self) -> None:
        size = self._committed.state.range.size
        if self._keys.due(size):
            with self._blocking():
                self._keys.state_due(size, self._give_up, self._failed)

    def _store_or_refuse(self, entry: Entry, fragments: Sequence[TileFragment]) -> None:
        """Store a batch; raises NotAppliedError if nothing of it was stored, StorageRefusedError at shutdown."""
        (records, insert), *others = self._steps(entry, fragments)
        try:
            insert(0)
        except NotAppliedError:
            raise
        except Exception as error:  # an unexpected error leaves the outcome unknown too
            self._repeat(insert, records, entry.batch, error)
        for table, insert in others:
            self._until_done(insert, table, entry.batch)

    def _steps(self, entry: Entry, fragments: Sequence[TileFragment]) -> list[tuple[str, Callable[[int], None]]]:
        engine, stream, batch = self._engine, self._stream, entry.batch
        return [
            (RECORD_TABLES[stream], lambda n: insert_records(engine, stream, batch, entry.block, renewed=n)),
            ("log_tiles", lambda n: insert_tiles(engine, batch, fragments, renewed=n)),
            ("log_batches", lambda n: insert_batch(engine, batch, renewed=n)),
        ]

    def _until_done(self, insert: Callable[[int], None], table: str, batch: Batch, *, surely: bool = False) -> None:
        try:
            if surely:
                insert_and_verify(_name(batch, table), insert, lambda: is_stored(self._engine, table, batch))
            else:
                insert(0)
        except Exception as error:
            self._repeat(insert, table, batch, error)

    def _repeat(self, insert: Callable[[int], None], table: str, batch: Batch, error: Exception) -> None:
        with self._blocking():
            retry_until_visible(
                _name(batch, table),
                insert,
                lambda: is_stored(self._engine, table, batch),
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

    def _done(self, number: int, batch: Batch, state: LogState) -> None:
        self._committed.state = state
        self.committed_at = time.time()
        self._stored = number
        self._refusals.ends()
        try:
            self._memory.remember_checkpoint(self._stream, batch.checkpoint)
        except Exception as error:
            # The batch is committed, even if its checkpoint cannot be saved here.
            _logger.warning(
                "%s: the checkpoint of batch %d cannot be saved: %s", batch.origin, batch.sequence, _told(error)
            )
        self._journal.release(number)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _name(batch: Batch, table: str) -> str:
    return f"batch {batch.sequence} of {batch.origin} into {table}"
