"""The writer of one log's statements: numbers, signs and stores them, one after another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from server.errors.ingest import EndedWaitError, StorageRefusedError
from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.log.log_memory import LogMemory
from server.log.receipt_floor import ReceiptFloor
from server.log.retry_insert import retry_until_visible
from server.notary.checkpoint import Checkpoint
from server.notary.errors import VerificationError
from server.notary.signers import Signer
from server.notary.statement import (
    ReceiptBound,
    Statement,
    StatementKind,
    data_digest,
    key_change_words,
    open_statement,
    read_retention,
    sign_statement,
)
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.statements import encode_statement, insert_statement, is_stated, read_statements

__all__ = ["StatementWriter"]

_logger = logging.getLogger(__name__)

_LONGEST_WAIT = 3600  # seconds; far longer than a request waits in memory; one that waits longer is refused
_BOUNDING = (StatementKind.HEARTBEAT, StatementKind.RETENTION)  # kinds that end with a receipt bound


class StatementWriter:
    """Writer that appends statements to a log; thread-safe."""

    def __init__(
        self,
        engine: Engine,
        last: Statement | None,
        signer: Signer,
        committed: CommittedLog,
        memory: LogMemory,
        give_up: threading.Event,
        journal: Journal,
        clock: Callable[[], float] = time.time,
        receipts: ReceiptFloor | None = None,
    ) -> None:
        """Continue a log's statements.

        Args:
            engine: the storage.
            last: the log's last statement.
            signer: the log's keys.
            committed: state of the log in storage.
            memory: remembers every stored statement.
            give_up: event that ends the retries.
            journal: journal that holds a statement until it is stored, so that no other statement takes the number of
                one that may be on its way to storage.
            clock: function that returns the time in seconds since the epoch; no later record is received earlier.
            receipts: receipt floor that statements promise; without it, statements promise nothing.
        """
        self._engine = engine
        self._last = last
        self._signer = signer
        self._committed = committed
        self._memory = memory
        self._give_up = give_up
        self._journal = journal
        self._clock = clock
        self._receipts = receipts
        self._lock = threading.Lock()
        self.signed = 0
        """Number of statements signed."""

    @property
    def last(self) -> Statement | None:
        """The last stored statement."""
        return self._last

    def state(self, kind: StatementKind, *words: str, data: bytes = b"") -> Statement:
        """Store a statement about the log's current checkpoint.

        Args:
            kind: kind of the statement.
            words: words of the statement.
            data: the data that one of the words is the digest of.

        Raises:
            SigningError: a key cannot be used now.
            StorageRefusedError: the statement was not stored.
        """
        with self._lock:
            statement = self._next(self._committed.checkpoint, kind, words)
            if self._receipts is not None and kind in _BOUNDING:
                earliest = max(0, statement.time - _LONGEST_WAIT)
                bound = ReceiptBound(self._receipts.promise(earliest * 10**9), earliest)
                statement = replace(statement, words=(*words, *bound.words))
            return self._store(statement, [self._signer], data)

    def state_of(self, checkpoint: Checkpoint, kind: StatementKind, data: bytes) -> Statement:
        """Store an attestation of an earlier checkpoint, which the log has extended since. Raises as ``state``."""
        with self._lock:
            return self._store(self._next(checkpoint, kind, (data_digest(data),)), [self._signer], data)

    def change_keys(self, before: Signer, after: Signer) -> Statement:
        """Store a KEYS statement, signed by the old and the new keys, and switch to the new. Raises as ``state``."""
        with self._lock:
            checkpoint = self._committed.checkpoint
            words = key_change_words(after.verifier_keys(checkpoint.origin), before.verifier_keys(checkpoint.origin))
            stored = self._store(self._next(checkpoint, StatementKind.KEYS, words), [before, after])
            self._signer = after
            return stored

    def keep_for(self, seconds: int | None, rules: str = "") -> None:
        """State the retention, unless the last statement about it says the same. Raises as ``state``.

        Args:
            seconds: seconds for which every record is kept, None for ever.
            rules: rules by which records are kept for different times; empty if all are kept equally long.
        """
        log_id = self._committed.name.log_id
        wanted = (seconds, rules.encode())
        said: tuple[int | None, bytes] = (-1, b"")
        for row in read_statements(self._engine, log_id, StatementKind.RETENTION):
            try:
                said = (read_retention(open_statement(row.note)[0]), row.data)
            except VerificationError:  # altered: verification reports it
                said = (-1, b"")
        if said != wanted:
            words = ("forever" if seconds is None else str(seconds), *([data_digest(wanted[1])] if rules else []))
            self.state(StatementKind.RETENTION, *words, data=wanted[1])

    def _next(self, checkpoint: Checkpoint, kind: StatementKind, words: Sequence[str]) -> Statement:
        number, earliest = (self._last.number + 1, self._last.time) if self._last else (1, 0)
        # Statements of a log never go back in time, even if the clock was set back.
        return Statement(checkpoint, number, max(int(self._clock()), earliest), kind, tuple(words))

    def _store(self, statement: Statement, signers: Sequence[Signer], data: bytes = b"") -> Statement:
        if self._give_up.is_set():  # a statement may be unfinished: no other may take its number
            raise EndedWaitError("the server is shutting down")
        row = sign_statement(statement, signers, data)
        self.signed += 1
        kept = self._journal.append([encode_statement(row)])
        try:
            insert_statement(self._engine, row)
        except NotAppliedError as error:
            self._journal.retract(kept)
            raise StorageRefusedError(f"a statement was not stored: {error}") from error
        except Exception as error:  # an unexpected error leaves the outcome unknown too
            # The next statement follows this one's number, so this one must be stored first.
            retry_until_visible(
                f"statement {row.number} of {statement.checkpoint.origin}",
                lambda renewed: insert_statement(self._engine, row, renewed=renewed),
                lambda: is_stated(self._engine, row),
                self._give_up,
                error,
            )
        self._last = statement
        self._journal.release(kept)
        try:
            self._memory.remember_statements({self._committed.name: row.note})
        except Exception as error:
            _logger.warning(
                "%s: statement %d cannot be saved: %r", statement.checkpoint.origin, statement.number, error
            )
        return statement
