"""Writer of a stream that is not signed: it stores batches with one INSERT each, and keeps no log of them.

With ``commit``, senders get OK only once storage has their batch; they retry a batch that was in flight when the
process ended. With ``append``, senders get OK once the batch is in the journal, and the batch is stored even after a
crash. An INSERT with unknown outcome is repeated with the same deduplication token until storage shows its rows.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from server.codec.rows import Rows
from server.log.journal import Journal
from server.log.lasting_inserts import LastingInserts, not_stored, outcome_unknown
from server.log.recent_refusal import RecentRefusal
from server.log.stored_mark import StoredMark
from server.log.storing_loop import StoringLoop
from server.log.unsigned_entry import decode_unsigned_entry, encode_unsigned_entry
from server.notary.counted import counted
from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.schema import RECORD_TABLES
from storage.unsigned_rows import UnsignedBatch, encode_unsigned, insert_unsigned, is_unsigned_stored

__all__ = ["UnsignedWriter"]


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
        self._appending = threading.Lock()
        self._storing = threading.Lock()
        self._loop = StoringLoop(stream, give_up)
        self._inserts = LastingInserts(give_up)
        self._mark = StoredMark(journal.directory)
        self._release_marked()
        # Last entry that an earlier process may already have sent to storage.
        self._inherited = max(journal.waiting, default=0)
        self._unfinished: UnsignedBatch | None = None  # batch of a commit with unknown outcome
        self._refusal = RecentRefusal(give_up)

    @property
    def journal(self) -> Journal:
        """The journal with the batches that are not in storage yet."""
        return self._journal

    @property
    def journal_trouble(self) -> str:
        """Reason why batches cannot be appended to the journal now; empty if they can."""
        return self._loop.failure or self._journal.trouble or self._refusal.reason

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be committed now; empty if they can."""
        return self._loop.failure or self._inserts.trouble or self._refusal.reason

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
            self._loop.check_open()
            self._store_all()
            batch = self._encode(parts)
            try:
                self._insert(batch).insert(0)
            except NotAppliedError as error:
                raise not_stored(error) from error
            except Exception as error:
                self._finish(batch, error)

    def append(self, parts: Sequence[Rows], requests: Sequence[bytes] = ()) -> None:  # noqa: ARG002 - as LogWriter
        """Append rows to the journal as one batch; ``store_appended`` stores them. Args as ``commit``.

        Raises:
            RefusedError: nothing was appended.
        """
        with self._appending, self._refusal.noting():
            self._loop.check_open()
            self._journal.append(encode_unsigned_entry(self._encode(parts)))
        self._loop.wake()

    def store_appended(self) -> None:
        """Store batches as they are appended to the journal, until ``give_up`` is set and ``wake`` is called."""
        self._loop.run(self.store_waiting)

    def wake(self) -> None:
        """Make ``store_appended`` check ``give_up``."""
        self._loop.wake()

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

    def _encode(self, parts: Sequence[Rows]) -> UnsignedBatch:
        days = {part.day for part in parts}
        if len(days) > 1:
            raise ValueError("records that were received on several days cannot be stored together")
        return encode_unsigned(
            self._stream, days.pop(), [part.count for part in parts], [part.columns for part in parts]
        )

    def _store_all(self) -> None:
        if (unfinished := self._unfinished) is not None:
            self._inserts.store(self._insert(unfinished), may_be_stored=True)
            self._unfinished = None
        for number in self._journal.waiting:
            batch = decode_unsigned_entry(self._journal.read(number))
            self._inserts.store(self._insert(batch), may_be_stored=number <= self._inherited)
            self._mark.write(number, batch.token)
            self._journal.release(number)

    def _finish(self, batch: UnsignedBatch, error: Exception) -> None:
        """Repeat the INSERT of a commit until its rows are in storage.

        Raises:
            BatchOutcomeUnknownError: the retries were given up.
        """
        insert = self._insert(batch)
        try:
            self._inserts.repeat(insert, error)
        except Exception as failure:
            self._unfinished = batch
            raise outcome_unknown(insert.name, failure) from failure

    def _insert(self, batch: UnsignedBatch) -> _UnsignedInsert:
        return _UnsignedInsert(self._engine, self._stream, batch)


@dataclass(frozen=True, slots=True)
class _UnsignedInsert:
    engine: Engine
    stream: Stream
    batch: UnsignedBatch

    @property
    def name(self) -> str:
        return f"{counted(self.batch.rows, 'unsigned row', 'unsigned rows')} into {RECORD_TABLES[self.stream]}"

    def insert(self, renewed: int) -> None:
        insert_unsigned(self.engine, self.stream, self.batch, renewed=renewed)

    def is_stored(self) -> bool:
        return is_unsigned_stored(self.engine, self.stream, self.batch)
