"""Log writers and statement writers for tests, and a memory of what they committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.log.journal_entry import decode_entry
from server.log.log_writer import LogWriter
from server.log.receipt_floor import ReceiptFloor
from server.log.statement_writer import StatementWriter
from server.notary.batch import Batch, LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind
from storage.engine import Engine


class Memory:
    """A memory of logs that keeps everything, in order.

    Attributes:
        checkpoints: notes of the checkpoints that were committed.
        statements: notes of the statements that were stored.
    """

    def __init__(self) -> None:
        self.checkpoints: list[str] = []
        self.statements: list[str] = []

    def remember_checkpoint(self, _stream: Stream, note: str) -> None:
        self.checkpoints.append(note)

    def remember_statement(self, _stream: Stream, note: str) -> None:
        self.statements.append(note)


class BatchMemory(Memory):
    """A memory that also keeps the batches that were committed: a batch leaves the journal after it is remembered.

    Attributes:
        batches: the batches, in order.
        journal: the journal of the log.
    """

    def __init__(self, journal: Journal, batches: list[Batch] | None = None) -> None:
        super().__init__()
        self.batches = [] if batches is None else batches
        self.journal = journal

    def remember_checkpoint(self, stream: Stream, note: str) -> None:
        super().remember_checkpoint(stream, note)
        waiting = [decode_entry(self.journal.read(number)).batch for number in self.journal.waiting]
        (last,) = (place for place, batch in enumerate(waiting) if batch.checkpoint == note)
        self.batches += waiting[: last + 1]  # those before it were stored together with it


def log_writer(
    engine: Engine,
    journal: Journal,
    at: CommittedLog | LogState,
    signer: Signer,
    *,
    head: LogState | None = None,
    memory: Memory | None = None,
    give_up: threading.Event | None = None,
    statements: StatementWriter | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> LogWriter:
    """Return a writer that goes on with a log.

    Args:
        engine: the storage.
        journal: the journal of the log.
        at: state of the log in storage.
        signer: the keys that sign it.
        head: state of the log with what the journal has, if it has something.
        memory: remembers what was committed.
        give_up: ends retries once it is set.
        statements: states changes of keys, if there are any.
        clock: monotonic clock for pauses between attempts to change keys.
    """
    committed = at if isinstance(at, CommittedLog) else CommittedLog(at)
    return LogWriter(
        engine,
        journal,
        committed,
        head or committed.state,
        signer,
        memory or Memory(),
        give_up or threading.Event(),
        statements,
        clock=clock,
    )


def statement_writer(
    engine: Engine,
    journal: Journal,
    at: CommittedLog | LogState,
    signer: Signer,
    *,
    last: Statement | None = None,
    memory: Memory | None = None,
    give_up: threading.Event | None = None,
    clock: Callable[[], float] = time.time,
    receipts: ReceiptFloor | None = None,
) -> StatementWriter:
    """Return a writer of a log's statements that goes on from the last one."""
    return StatementWriter(
        engine,
        last,
        signer,
        at if isinstance(at, CommittedLog) else CommittedLog(at),
        memory or Memory(),
        give_up or threading.Event(),
        journal,
        clock,
        receipts,
    )


def begin_log(engine: Engine, journal: Journal, name: LogName, signer: Signer, at: float) -> Statement:
    """Store the first statement of an empty log, as a server does before it takes records; ``at`` is in seconds."""
    writer = statement_writer(engine, journal, LogState(name), signer, clock=lambda: at)
    return writer.state(StatementKind.RETENTION, "forever")
