"""Writer of a stream that is not signed: it stores batches with one INSERT each, and keeps no log of them.

With ``commit``, senders get OK only once storage has their batch; they retry a batch that was in flight when the
process ended. With ``append``, senders get OK once the batch is in the journal, and the batch is stored even after a
crash. An INSERT with unknown outcome is repeated with the same deduplication token until storage shows its rows.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence

from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, EndedWaitError, RefusedError, StorageRefusedError
from server.log.journal import Journal
from server.log.recent_refusal import RecentRefusal
from server.log.retry_insert import insert_and_verify, retry_until_visible
from server.log.stored_mark import StoredMark
from server.log.unsigned_entry import decode_unsigned_entry, encode_unsigned_entry
from server.notary.counted import counted
from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.schema import RECORD_TABLES
from storage.unsigned_rows import UnsignedBatch, encode_unsigned, insert_unsigned, is_unsigned_stored

__all__ = ["UnsignedWriter"]

_logger = logging.getLogger(__name__)


class UnsignedWriter:
    """Writer of one stream; one thread may commit or append while another one stores the appended batches."""

    def __init__(self, engine: Engine, stream: Stream, journal: Journal, give_up: threading.Event) -> None:
        """Resume with a journal.

        Args:
            engine: the storage.
            stream: the stream.
            journal: journal with the batches that are not in storage yet; only ``append`` adds to it.
            give_up: event after which nothing more is stored; the batches in the journal stay there.

        Raises:
            JournalDamagedError: the journal has been damaged.
        """
        self._engine = engine
        self._stream = stream
        self._journal = journal
        self._give_up = give_up
        self._appending = threading.Lock()
        self._storing = threading.Lock()
        self._appended = threading.Event()
        self._mark = StoredMark(journal.directory)
        self._release_marked()
        # Last entry that an earlier process may already have sent to storage.
        self._inherited = max(journal.waiting, default=0)
        self._unfinished: UnsignedBatch | None = None  # batch of a commit with unknown outcome
        self._failure = ""  # reason why the writer accepts no further batches
        self._blocked = False  # True while a started batch cannot be finished
        self._cause = ""  # error of the last attempt at this batch
        self._refusal = RecentRefusal(give_up)

    @property
    def journal(self) -> Journal:
        """The journal with the batches that are not in storage yet."""
        return self._journal

    @property
    def journal_trouble(self) -> str:
        """Reason why batches cannot be appended to the journal now; empty if they can."""
        return self._failure or self._journal.trouble or self._refusal.reason

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be committed now; empty if they can."""
        waits = self._cause or "waiting for storage to answer" if self._blocked else ""
        return self._failure or waits or self._refusal.reason

    def commit(self, parts: Sequence[Rows], requests: Sequence[bytes] = ()) -> None:  # noqa: ARG002 - as LogWriter
        """Store rows as one batch.

        Args:
            parts: rows of the stream, at least one part, all received on one day (UTC).
            requests: ignored.

        Raises:
            BatchOutcomeUnknownError: the batch may be stored; ``store_waiting`` stores it.
            RefusedError: nothing was stored.
        """
        with self._appending, self._storing, self._refusal.noting():
            self._check_open()
            self._store_all()
            batch = self._encode(parts)
            try:
                insert_unsigned(self._engine, self._stream, batch)
            except NotAppliedError as error:
                raise StorageRefusedError(
                    f"the batch was not stored: {error}",
                    retry_after=2.0,
                    public=f"the batch was not stored: {error.sentence}",
                ) from error
            except Exception as error:
                self._finish(batch, error)

    def append(self, parts: Sequence[Rows], requests: Sequence[bytes] = ()) -> None:  # noqa: ARG002 - as LogWriter
        """Append rows to the journal as one batch; ``store_appended`` stores them. Args as ``commit``.

        Raises:
            RefusedError: nothing was appended.
        """
        with self._appending, self._refusal.noting():
            self._check_open()
            self._journal.append(encode_unsigned_entry(self._encode(parts)))
        self._appended.set()

    def store_appended(self) -> None:
        """Store batches as they are appended to the journal, until ``give_up`` is set and ``wake`` is called."""
        while not self._give_up.is_set():
            self._appended.clear()
            try:
                self.store_waiting()
            except RefusedError:  # give_up is set
                return
            except Exception as error:
                # The journal must not fill up unnoticed.
                _logger.exception("%s: the batches in the journal cannot be stored", self._stream.value)
                self._failure = f"the batches in the journal cannot be stored: {error}"
                return
            self._appended.wait()

    def wake(self) -> None:
        """Make ``store_appended`` check ``give_up``."""
        self._appended.set()

    def store_waiting(self) -> None:
        """Store all batches in the journal, and a batch with unknown outcome, however long that takes.

        Raises:
            EndedWaitError: ``give_up`` was set before all batches were stored.
            JournalDamagedError: the journal has been damaged.
        """
        with self._storing:
            self._store_all()

    def left(self) -> str:
        """Return a sentence about the batches that wait in the journal, empty if there are none; does not block."""
        count = len(self._journal)
        if not count:
            return ""
        waits = counted(count, "batch waits", "batches wait")
        where = self._journal.directory
        return f"{waits} in the journal of {self._stream.value}, {where}: the next start stores them"

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _release_marked(self) -> None:
        number, token = self._mark.read()
        if number in self._journal.waiting and decode_unsigned_entry(self._journal.read(number)).token == token:
            self._journal.release(number)

    def _check_open(self) -> None:
        if self._give_up.is_set():
            raise EndedWaitError("the server is shutting down")
        if self._failure:
            raise StorageRefusedError(self._failure, retry_after=30.0)

    def _encode(self, parts: Sequence[Rows]) -> UnsignedBatch:
        days = {part.day for part in parts}
        if len(days) > 1:
            raise ValueError("records that were received on several days cannot be stored together")
        return encode_unsigned(
            self._stream, days.pop(), [part.count for part in parts], [part.columns for part in parts]
        )

    def _store_all(self) -> None:
        if (unfinished := self._unfinished) is not None:
            self._store(unfinished, surely=True)
            self._unfinished = None
        for number in self._journal.waiting:
            batch = decode_unsigned_entry(self._journal.read(number))
            self._store(batch, surely=number <= self._inherited)
            self._mark.write(number, batch.token)
            self._journal.release(number)

    def _store(self, batch: UnsignedBatch, *, surely: bool) -> None:
        """Store a batch that must not be lost; surely: True if storage may already have the batch."""
        insert, is_stored = self._insert(batch), self._is_stored(batch)
        try:
            if surely:
                insert_and_verify(self._name(batch), insert, is_stored)
            else:
                insert(0)
        except Exception as error:
            self._repeat(batch, error)

    def _finish(self, batch: UnsignedBatch, error: Exception) -> None:
        """Repeat the INSERT of a commit until its rows are in storage.

        Raises:
            BatchOutcomeUnknownError: the retries were given up.
        """
        try:
            self._repeat(batch, error)
        except Exception as failure:
            self._unfinished = batch
            if not isinstance(failure, RefusedError):  # otherwise the retries were ended by the shutdown
                _logger.exception("the outcome of %s is unknown", self._name(batch))
            raise BatchOutcomeUnknownError(f"the batch may be stored: {_told(failure)}", retry_after=2.0) from failure

    def _repeat(self, batch: UnsignedBatch, error: Exception) -> None:
        with self._blocking():
            retry_until_visible(
                self._name(batch), self._insert(batch), self._is_stored(batch), self._give_up, error, self._failed
            )

    def _name(self, batch: UnsignedBatch) -> str:
        return f"{counted(batch.rows, 'unsigned row', 'unsigned rows')} into {RECORD_TABLES[self._stream]}"

    def _insert(self, batch: UnsignedBatch) -> Callable[[int], None]:
        return lambda renewed: insert_unsigned(self._engine, self._stream, batch, renewed=renewed)

    def _is_stored(self, batch: UnsignedBatch) -> Callable[[], bool]:
        return lambda: is_unsigned_stored(self._engine, self._stream, batch)

    @contextlib.contextmanager
    def _blocking(self) -> Iterator[None]:
        self._cause = ""
        self._blocked = True
        try:
            yield
        finally:
            self._blocked = False

    def _failed(self, cause: str) -> None:
        self._cause = cause


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
