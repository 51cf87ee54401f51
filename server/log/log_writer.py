"""The writer of one log: notarizes batches, appends them to the journal, and commits them, one after another.

A batch is signed, then written to the journal on disk, and only then sent to storage, in three steps: its records, the
tree's new hashes, and last its row in ``log_batches``, which commits it. If the process or storage ends in between, the
journal still has the batch, and the next start stores it: no row is left without its checkpoint. A step whose outcome
is unknown is repeated with the same deduplication token; the log never continues past a batch whose outcome is unknown.
A key change is stored in its place between batches (see ``key_changes``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, JournalFailedError, RefusedError, StorageRefusedError
from server.log.journal import Journal
from server.log.journal_entry import Entry, decode_entry
from server.log.key_changes import DecidedChange, KeyChanges
from server.log.receipt_floor import ReceiptFloor
from server.log.retry_insert import insert_and_verify, retry_until_visible
from server.log.statement_writer import StatementWriter
from server.notary.batch import Batch, LogState, TileFragment, notarize
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError
from server.notary.signers import Signer
from storage.commit import encode_records_block, insert_batch, insert_records, insert_tiles, is_stored
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.schema import RECORD_TABLES

__all__ = ["LogWriter"]

_logger = logging.getLogger(__name__)

_REFUSAL_COUNTS = 15.0  # seconds for which the log is not ready after storage has refused a batch


class LogWriter:
    """Writer that appends batches to a log."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        committed: LogState,
        head: LogState,
        signer: Signer,
        on_commit: Callable[[Batch], None],
        give_up: threading.Event,
        statements: StatementWriter | None = None,
        decided: Iterable[DecidedChange] = (),
        receipts: ReceiptFloor | None = None,
    ) -> None:
        """Continue a log.

        Args:
            engine: the storage.
            journal: journal with the batches that are not in storage yet.
            committed: state of the log in storage.
            head: state of the log, including the batches in the journal.
            signer: the keys that sign the log, according to storage.
            on_commit: function that is called with every committed batch.
            give_up: event after which nothing more is stored; the batches in the journal stay there.
            statements: writer of the KEYS statements; None for a log whose keys never change.
            decided: key changes among the batches in the journal.
            receipts: receipt floor that statements have promised; None if no statement promises one.
        """
        self._engine = engine
        self._stream = committed.name.stream
        self._journal = journal
        self._committed = committed
        self._head = head
        self._on_commit = on_commit
        self._give_up = give_up
        self._appending = threading.Lock()
        self._storing = threading.Lock()
        self._appended = threading.Event()
        # The last batch that an earlier process may have been sending to storage when it ended.
        self._inherited = max(journal.waiting, default=0)
        # The last batch that may be in storage, in part or as a whole: it is looked up before it is inserted.
        self._doubtful = self._inherited
        self._failure = ""  # why nothing can be appended any more
        self._refusal = 0.0, ""  # time of the last refusal by storage, and its reason
        self.receipts = ReceiptFloor(head.range.size) if receipts is None else receipts
        """The receipt floor that the log's statements have promised."""
        self.keys = KeyChanges(head.name.origin, signer, statements, decided)
        """The keys that sign the log."""
        self.signed = 0
        """Number of checkpoints signed."""
        self.blocked = False
        """True while a batch has been started and cannot be finished."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of the log's last batch in storage."""
        state = self._committed  # read once: another thread replaces it
        return Checkpoint(state.name.origin, state.range.size, state.range.root())

    @property
    def journal(self) -> Journal:
        """The journal with the batches that are not in storage yet."""
        return self._journal

    def change_keys(self, signer: Signer) -> bool:
        """Request that other keys sign as soon as possible; does not block.

        Returns:
            True if the keys differ from the current keys.
        """
        changes = self.keys.want(signer)
        self._appended.set()
        return changes

    def settle_keys(self) -> None:
        """Make a pending key change between two calls of ``commit``; wait for a running ``commit``."""
        if self.keys.pending:
            with self._appending, self._storing:
                if not self._give_up.is_set() and not len(self._journal):
                    self.keys.settle(self._committed)

    def commit(self, parts: Sequence[Rows], requests: Sequence[bytes] = ()) -> Batch:
        """Sign and store records as one batch.

        Args:
            parts: rows of this log's stream, all received on one day (UTC).
            requests: digests of the requests of the rows.

        Raises:
            BatchOutcomeUnknownError: the batch may be committed; ``store_waiting`` commits it.
            RefusedError: the batch was not committed.
        """
        with self._appending, self._storing:
            self._check_open()  # unfinished batches are left to the next start, which checks what storage has
            self._store_waiting()
            self._head = self._committed  # because no batch is waiting
            self.keys.settle(self._committed)
            number, entry, fragments = self._append(parts, requests)
            try:
                self._store_or_refuse(entry, fragments)
                self._done(number, entry.batch, self._head)
            except NotAppliedError as error:
                self._take_back(number, entry.batch, error)
                raise StorageRefusedError(f"storage refused the batch: {error}", retry_after=2.0) from error
            except Exception as error:
                raise self._outcome_unknown(number, entry.batch, error) from error
            return entry.batch

    def append(self, parts: Sequence[Rows], _requests: Sequence[bytes] = ()) -> Batch:
        """Sign records as one batch and append it to the journal; ``store_appended`` stores it. Args as ``commit``.

        The journal does not remember the requests: their senders get OK, so equal requests later are not retries.

        Raises:
            RefusedError: the batch was not appended.
        """
        with self._appending:
            self.keys.decide(self._head)
            _, entry, _ = self._append(parts, ())
        self._appended.set()
        return entry.batch

    def store_appended(self) -> None:
        """Store the batches that are appended to the journal, until ``give_up`` is set and ``wake`` is called."""
        while not self._give_up.is_set():
            self._appended.clear()
            try:
                with self._appending:  # for a log without new batches
                    self.keys.decide(self._head)
                self.store_waiting()
            except RefusedError:  # give_up is set
                return
            except Exception as error:
                # No later batch may be stored, and the journal must not fill up unnoticed.
                _logger.exception("%s: the batches in the journal cannot be stored", self._head.name.origin)
                self._failure = f"the batches in the journal cannot be stored: {error}"
                return
            self._appended.wait()

    def wake(self) -> None:
        """Make ``store_appended`` check ``give_up``."""
        self._appended.set()

    @property
    def last_waiting(self) -> Batch | None:
        """The last batch in the journal, None if the journal is empty; raises JournalDamagedError."""
        waiting = self._journal.waiting
        return decode_entry(self._journal.read(waiting[-1])).batch if waiting else None

    @property
    def journal_trouble(self) -> str:
        """Reason why batches cannot be appended to the journal now; empty if they can."""
        full = self._journal.size >= self._journal.limit
        return self._failure or ("the journal is full" if full and len(self._journal) else "")

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be committed now; empty if they can."""
        if self._failure or self.blocked:
            return self._failure or "waiting for storage to answer"
        refused_at, why = self._refusal
        # A refusal counts only for a while: a server that is not ready may get no more batches to try again with.
        return why if time.monotonic() - refused_at < _REFUSAL_COUNTS else ""

    @property
    def inherited_requests(self) -> list[bytes]:
        """Digests of the requests in batches that an earlier process left in the journal and that are not stored.

        Raises:
            JournalDamagedError: the journal has been damaged.
        """
        inherited = (number for number in self._journal.waiting if number <= self._inherited)
        return [request for number in inherited for request in decode_entry(self._journal.read(number)).requests]

    def store_waiting(self) -> None:
        """Store all batches in the journal, however long that takes.

        Raises:
            StorageRefusedError: ``give_up`` was set before all batches were stored.
            JournalDamagedError: the journal has been damaged.
        """
        with self._storing:
            self._store_waiting()

    def _check_open(self) -> None:
        if self._give_up.is_set():
            raise StorageRefusedError("the server is shutting down")
        if self._failure:
            raise StorageRefusedError(self._failure, retry_after=30.0)

    def _append(self, parts: Sequence[Rows], requests: Sequence[bytes]) -> tuple[int, Entry, tuple[TileFragment, ...]]:
        self._check_open()
        leaf_hashes = b"".join(part.leaf_hashes for part in parts)
        count = sum(part.count for part in parts)
        self.receipts.admit(min(part.ingested_at for part in parts), self._head.range.size + count)
        try:
            notarized = notarize(
                self._head,
                leaf_hashes,
                self.keys.signer,
                min_timestamp=min(part.min_timestamp for part in parts),
                max_timestamp=max(part.max_timestamp for part in parts),
                ingested_at=max(part.ingested_at for part in parts),
            )
        except SigningError as error:
            raise StorageRefusedError(f"the batch cannot be signed: {error}", retry_after=2.0) from error
        block = encode_records_block(self._stream, notarized.batch, [part.columns for part in parts])
        entry = Entry(notarized.batch, leaf_hashes, tuple(requests), block)
        number = self._journal.append(entry.encode())
        self._head = notarized.state
        self.signed += 1
        return number, entry, notarized.fragments

    def _store_waiting(self) -> None:
        for number in self._journal.waiting:
            self._state_key_changes()
            entry = decode_entry(self._journal.read(number))
            if entry.batch.sequence <= self._committed.sequence:  # committed before, but could not be released then
                self._journal.release(number)
                continue
            state, fragments = entry.extend(self._committed)
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
        self._head = self._committed
        self._refusal = time.monotonic(), f"storage refused the last batch: {error}"
        try:
            self._journal.retract(number)
        except JournalFailedError:
            raise
        except Exception as failure:
            raise self._outcome_unknown(number, batch, failure) from failure
        _logger.warning("%s: a batch of %d records was refused: %s", batch.origin, batch.record_count, error)

    def _outcome_unknown(self, number: int, batch: Batch, error: Exception) -> BatchOutcomeUnknownError:
        self._doubtful = max(self._doubtful, number)
        if not isinstance(error, RefusedError):  # otherwise the retries were ended by the shutdown
            _logger.error("%s: it is not known whether it is stored", _name(batch, "storage"), exc_info=error)
        return BatchOutcomeUnknownError(f"the batch may be stored: {_told(error)}", retry_after=2.0)

    def _state_key_changes(self) -> None:
        size = self._committed.range.size
        if self.keys.due(size):
            self.blocked = True
            try:
                self.keys.state_due(size, self._give_up)
            finally:
                self.blocked = False

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
        self.blocked = True
        try:
            retry_until_visible(
                _name(batch, table), insert, lambda: is_stored(self._engine, table, batch), self._give_up, error
            )
        finally:
            self.blocked = False

    def _done(self, number: int, batch: Batch, state: LogState) -> None:
        self._committed = state
        self._refusal = 0.0, ""
        try:
            self._on_commit(batch)
        except Exception as error:
            # The batch is committed, even if its checkpoint cannot be saved here.
            _logger.warning(
                "%s: the checkpoint of batch %d cannot be saved: %s", batch.origin, batch.sequence, _told(error)
            )
        self._journal.release(number)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _name(batch: Batch, table: str) -> str:
    return f"{batch.origin}: batch {batch.sequence} in {table}"
