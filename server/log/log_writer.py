"""The writer of one log: notarizes batches, appends them to the journal, and commits them, one after another.

A batch is signed, then written to the journal on disk, and only then sent to storage (see ``batch_committer``). If the
process or storage ends in between, the journal still has the batch, and the next start stores it: no row is left
without its checkpoint. A key change is stored in its place between batches (see ``key_changes``).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from server.codec.rows import Rows
from server.errors.ingest import (
    BatchOutcomeUnknownError,
    EndedWaitError,
    JournalFullError,
    RefusedError,
    StorageRefusedError,
)
from server.log.batch_committer import BatchCommitter
from server.log.committed_log import CommittedLog
from server.log.group import GroupLimits
from server.log.journal import Journal
from server.log.journal_entry import Entry, decode_entry
from server.log.key_changes import DecidedChange, KeyChanges
from server.log.log_memory import LogMemory
from server.log.receipt_floor import ReceiptFloor
from server.log.statement_writer import StatementWriter
from server.notary.batch import Batch, LogState, TileFragment, notarize
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError
from server.notary.signers import Signer
from storage.commit import encode_records_block
from storage.engine import Engine

__all__ = ["LogWriter"]

_logger = logging.getLogger(__name__)

# Seconds for which a refusal counts: a server that is not ready may get no more batches to try again with.
_REFUSAL_COUNTS = 15.0


class LogWriter:
    """Writer that appends batches to a log."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        committed: CommittedLog,
        head: LogState,
        signer: Signer,
        memory: LogMemory,
        give_up: threading.Event,
        statements: StatementWriter | None = None,
        decided: Iterable[DecidedChange] = (),
        receipts: ReceiptFloor | None = None,
        limits: GroupLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Continue a log.

        Args:
            engine: the storage.
            journal: journal with the batches that are not in storage yet.
            committed: state of the log in storage, which each commit replaces.
            head: state of the log, including the batches in the journal.
            signer: the keys that sign the log, according to storage.
            memory: remembers the checkpoint of every committed batch.
            give_up: event after which nothing more is stored; the batches in the journal stay there.
            statements: writer of the KEYS statements; None for a log whose keys never change.
            decided: key changes among the batches in the journal.
            receipts: receipt floor that statements have promised; None if no statement promises one.
            limits: limits of the groups in which waiting batches are stored; None for the usual ones.
            clock: monotonic clock in seconds, for the pauses between attempts to change the keys.
        """
        self._stream = head.name.stream
        self._journal = journal
        self._committed = committed
        self._head = head
        self._give_up = give_up
        self._appending = threading.Lock()
        self._storing = threading.Lock()
        self._appended = threading.Event()
        # The last batch that an earlier process may have been sending to storage when it ended.
        self._inherited = max(journal.waiting, default=0)
        self._failure = ""  # why nothing can be appended any more
        self._refusal = 0.0, ""  # time of the last refusal, and its reason; replaced as a whole
        self.receipts = ReceiptFloor(head.range.size) if receipts is None else receipts
        """The receipt floor that the log's statements have promised."""
        self.keys = KeyChanges(head.name.origin, signer, statements, decided, clock)
        """The keys that sign the log."""
        self._committer = BatchCommitter(engine, journal, committed, self.keys, memory, give_up, limits)
        self.signed = 0
        """Number of checkpoints signed."""

    @property
    def blocked(self) -> bool:
        """True while a batch has been started and cannot be finished."""
        return self._committer.blocked

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of the log's last batch in storage."""
        return self._committed.checkpoint

    @property
    def committed_at(self) -> float:
        """Time of the last commit of this process, in seconds since the epoch; 0 if there was none."""
        return self._committer.committed_at

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
                    self.keys.settle(self._committed.state)

    def commit(self, parts: Sequence[Rows], requests: Sequence[bytes] = ()) -> Batch:
        """Sign and store records as one batch.

        Args:
            parts: rows of this log's stream, all received on one day (UTC).
            requests: digests of the requests of the rows.

        Raises:
            BatchOutcomeUnknownError: the batch may be committed; ``store_waiting`` commits it.
            RefusedError: the batch was not committed.
        """
        with self._appending, self._storing, self._noting_refusals():
            self._check_open()  # unfinished batches are left to the next start, which checks what storage has
            self._committer.commit_waiting()
            self._head = self._committed.state  # because no batch is waiting
            self.keys.settle(self._committed.state)
            number, entry, fragments = self._append(parts, requests)
            try:
                self._committer.commit(number, entry, fragments, self._head)
            except BatchOutcomeUnknownError:
                raise
            except RefusedError:  # another batch takes its place
                self._head = self._committed.state
                raise
            return entry.batch

    def append(self, parts: Sequence[Rows], _requests: Sequence[bytes] = ()) -> Batch:
        """Sign records as one batch and append it to the journal; ``store_appended`` stores it. Args as ``commit``.

        The journal does not remember the requests: their senders get OK, so equal requests later are not retries.

        Raises:
            RefusedError: the batch was not appended.
        """
        with self._appending, self._noting_refusals():
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
        return self._failure or self._journal.trouble or self._refused

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be committed now; empty if they can."""
        return self._failure or self._committer.trouble or self._journal.trouble or self._refused

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
            self._committer.commit_waiting()

    @property
    def _refused(self) -> str:
        refused_at, why = self._refusal
        return why if time.monotonic() - refused_at < _REFUSAL_COUNTS else ""

    @contextlib.contextmanager
    def _noting_refusals(self) -> Iterator[None]:
        """Remember why a batch was refused, until one is taken."""
        try:
            yield
        except BatchOutcomeUnknownError:  # retries have a reason of their own
            raise
        except RefusedError as error:
            if not isinstance(error, JournalFullError) and not self._give_up.is_set():
                self._refusal = time.monotonic(), str(error)
            raise
        self._refusal = 0.0, ""

    def _check_open(self) -> None:
        if self._give_up.is_set():
            raise EndedWaitError("the server is shutting down")
        if self._failure:
            raise StorageRefusedError(self._failure, retry_after=30.0)

    def _append(self, parts: Sequence[Rows], requests: Sequence[bytes]) -> tuple[int, Entry, tuple[TileFragment, ...]]:
        self._check_open()
        leaf_hashes = b"".join(part.leaf_hashes for part in parts)
        count = sum(part.count for part in parts)
        self.receipts.admit(min(part.first_ingested_at for part in parts), self._head.range.size + count)
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
            raise StorageRefusedError(
                f"the batch cannot be signed: {error}", retry_after=2.0, public="the batch cannot be signed now"
            ) from error
        block = encode_records_block(self._stream, notarized.batch, [part.columns for part in parts])
        entry = Entry(notarized.batch, leaf_hashes, tuple(requests), block)
        number = self._journal.append(entry.encode())
        self._head = notarized.state
        self.signed += 1
        return number, entry, notarized.fragments
