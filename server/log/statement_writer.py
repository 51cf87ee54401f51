"""The writer of one log's statements: numbers, signs and stores them, one after another."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from server.log.committed_log import CommittedLog
from server.log.log_memory import LogMemory
from server.log.receipt_floor import ReceiptFloor
from server.log.statement_store import StatementStore
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError
from server.notary.origin import LogName
from server.notary.signers import Signer
from server.notary.statement import (
    DROPPED,
    ReceiptBound,
    Statement,
    StatementKind,
    StatementRow,
    data_digest,
    key_change_words,
    sign_statement,
)

__all__ = ["StatementWriter", "remember", "retention_words", "store_together"]

_logger = logging.getLogger(__name__)

_LONGEST_WAIT = 3600  # seconds; far longer than a request waits in memory; one that waits longer is refused
_BOUNDING = (StatementKind.HEARTBEAT, StatementKind.RETENTION)  # kinds that end with a receipt bound


class StatementWriter:
    """Writer that appends statements to a log; thread-safe."""

    def __init__(
        self,
        store: StatementStore,
        last: Statement | None,
        signer: Signer,
        committed: CommittedLog,
        memory: LogMemory,
        clock: Callable[[], float] = time.time,
        receipts: ReceiptFloor | None = None,
    ) -> None:
        """Continue a log's statements.

        Args:
            store: stores the statements.
            last: the log's last statement.
            signer: the log's keys.
            committed: state of the log in storage.
            memory: remembers every stored statement.
            clock: function that returns the time in seconds since the epoch; no later record is received earlier.
            receipts: receipt floor that statements promise; without it, statements promise nothing.
        """
        self._rows = store
        self._last = last
        self._signer = signer
        self._committed = committed
        self._memory = memory
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
            return self._store(self._current(kind, words), [self._signer], data)

    @contextlib.contextmanager
    def stating(self, kind: StatementKind, words: Sequence[str], data: bytes = b"") -> Iterator[StatementRow]:
        """Yield a signed statement, as ``state`` makes it, which the block stores, or raises.

        Raises:
            SigningError: a key cannot be used now.
        """
        with self._lock:
            statement = self._current(kind, words)
            yield self._sign(statement, [self._signer], data)
            self._last = statement

    @property
    def name(self) -> LogName:
        """Name of the log."""
        return self._committed.name

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

    def let_go(self, seconds: int | None, rules: str = "") -> Statement:
        """State that records received until a second ago may be gone, and that later ones are kept as before.

        Both statements are stored together, so that no record of later is ever unprotected.

        Args:
            seconds: seconds for which every later record is kept, None for ever.
            rules: rules by which later records are kept for different times; empty if all are kept equally long.

        Returns:
            The second statement: a second before its time is when the protection of records begins again.

        Raises:
            SigningError: a key cannot be used now.
            StorageRefusedError: the statements were not stored.
        """
        with self._lock:
            self._rows.check_open()
            first = self._current(StatementKind.RETENTION, [str(DROPPED)])
            data = rules.encode()
            again = replace(first, number=first.number + 1, words=(*retention_words(seconds, data), *first.words[1:]))
            rows = [self._sign(first, [self._signer], b""), self._sign(again, [self._signer], data)]
            self._rows.store(rows)
            self._last = again
            remember(self._memory, {self._committed.name: rows[-1].note})
            return again

    def _next(self, checkpoint: Checkpoint, kind: StatementKind, words: Sequence[str]) -> Statement:
        number, earliest = (self._last.number + 1, self._last.time) if self._last else (1, 0)
        # Statements of a log never go back in time, even if the clock was set back.
        return Statement(checkpoint, number, max(int(self._clock()), earliest), kind, tuple(words))

    def _current(self, kind: StatementKind, words: Sequence[str]) -> Statement:
        statement = self._next(self._committed.checkpoint, kind, words)
        if self._receipts is None or kind not in _BOUNDING:
            return statement
        earliest = max(0, statement.time - _LONGEST_WAIT)
        bound = ReceiptBound(self._receipts.promise(earliest * 10**9), earliest)
        return replace(statement, words=(*words, *bound.words))

    def _sign(self, statement: Statement, signers: Sequence[Signer], data: bytes) -> StatementRow:
        row = sign_statement(statement, signers, data)
        self.signed += 1
        return row

    def _store(self, statement: Statement, signers: Sequence[Signer], data: bytes = b"") -> Statement:
        self._rows.check_open()
        row = self._sign(statement, signers, data)
        self._rows.store([row])
        self._last = statement
        remember(self._memory, {self._committed.name: row.note})
        return statement


def retention_words(seconds: int | None, data: bytes) -> list[str]:
    """Return the words of a statement of a retention in seconds, None for ever; ``data``: its rules, empty for none."""
    return ["forever" if seconds is None else str(seconds), *([data_digest(data)] if data else [])]


def remember(memory: LogMemory, notes: Mapping[LogName, str]) -> None:
    """Remember statements, which count whether that is possible or not."""
    try:
        memory.remember_statements(notes)
    except Exception as error:
        _logger.warning("%s: the last statement cannot be saved: %r", next(iter(notes)).origin, error)


def store_together(
    store: StatementStore,
    memory: LogMemory,
    writers: Sequence[StatementWriter],
    kind: StatementKind,
    words: Sequence[str] = (),
    data: bytes = b"",
) -> list[LogName]:
    """Store a statement of each of several logs, with one INSERT; a log whose key cannot sign now is left out.

    Args:
        store: stores them.
        memory: remembers every stored statement.
        writers: writers of the statements of different logs.
        kind: kind of the statements.
        words: words of the statements.
        data: the data that one of the words is the digest of.

    Returns:
        The logs that were left out.

    Raises:
        RefusedError: none was stored.
    """
    left_out: list[LogName] = []
    with contextlib.ExitStack() as stack:
        rows: dict[LogName, StatementRow] = {}
        # In one order: two callers that had some of the same writers would otherwise wait for each other.
        for writer in sorted(writers, key=lambda one: one.name.origin):
            try:
                rows[writer.name] = stack.enter_context(writer.stating(kind, words, data))
            except SigningError as error:
                _logger.warning("%s: a statement cannot be signed: %s", writer.name.origin, error)
                left_out.append(writer.name)
        if rows:
            store.store(list(rows.values()))
    if rows:
        remember(memory, {name: row.note for name, row in rows.items()})
    return left_out
