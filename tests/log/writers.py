"""Log writers and statement writers for tests, and a memory of what they committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from server.log.committed_log import CommittedLog
from server.log.group import GroupLimits
from server.log.journal import Journal
from server.log.journal_entry import SignedBatch, decode_entry
from server.log.key_changes import KeyChanges
from server.log.log_writer import LogWriter
from server.log.open_log import OpenLog
from server.log.receipt_floor import ReceiptFloor
from server.log.recovery import KnownLog, SignedFrom, recover_logs
from server.log.statement_store import StatementStore
from server.log.statement_writer import StatementWriter
from server.log.stream_writer import StreamWriter
from server.notary.batch import Batch, LogState
from server.notary.checkpoint import Checkpoint
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
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

    def remember_checkpoints(self, notes: Mapping[LogName, str]) -> None:
        self.checkpoints += notes.values()

    def remember_statements(self, notes: Mapping[LogName, str]) -> None:
        self.statements += notes.values()


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

    def remember_checkpoints(self, notes: Mapping[LogName, str]) -> None:
        super().remember_checkpoints(notes)
        waiting = [decode_entry(self.journal.read(number)).batches for number in self.journal.waiting]
        (last,) = {
            max(place for place, batches in enumerate(waiting) if note in [batch.checkpoint for batch in batches])
            for note in notes.values()
        }
        # Those before it were stored together with it.
        self.batches += [batch for batches in waiting[: last + 1] for batch in batches]


def only_batch(payload: bytes) -> SignedBatch:
    """Return the batch of an entry that has one."""
    (signed,) = decode_entry(payload).signed
    return signed


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
    stream = StreamWriter(engine, committed.name.stream, journal, memory or Memory(), give_up or threading.Event())
    keys = KeyChanges(committed.name.origin, signer, statements, clock=clock)
    return LogWriter(stream, OpenLog(committed, keys, head))


def stream_writer(
    engine: Engine,
    journal: Journal,
    names: Iterable[LogName],
    signer: Signer,
    *,
    memory: Memory | None = None,
    give_up: threading.Event | None = None,
    limits: GroupLimits | None = None,
    statements: Mapping[LogName, Journal] | None = None,
) -> tuple[StreamWriter, dict[LogName, OpenLog]]:
    """Return a writer that goes on with logs of a stream, and these.

    Args:
        engine: the storage.
        journal: the journal of the logs.
        names: the logs, at least one.
        signer: the keys that sign them.
        memory: remembers what was committed.
        give_up: ends retries once it is set.
        limits: limits of groups; None for the usual ones.
        statements: journals of the statements of logs whose keys may change.
    """
    give_up = give_up or threading.Event()
    found = recover_logs(engine, {name: KnownLog(signer.verifier_keys(name.origin)) for name in names}, journal)
    stream = next(iter(found)).stream
    writer = StreamWriter(engine, stream, journal, memory or Memory(), give_up, limits)
    logs = {}
    for name, log in found.items():
        committed, stated = CommittedLog(log.state), (statements or {}).get(name)
        states = statement_writer(engine, stated, committed, signer, give_up=give_up) if stated is not None else None
        logs[name] = OpenLog(committed, KeyChanges(name.origin, signer, states), log.head)
        writer.add(logs[name])
    return writer, logs


def open_log(
    engine: Engine, name: LogName, keys: Collection[VerifierKey], known: Checkpoint | None, journal: Journal
) -> tuple[LogState, LogState, tuple[SignedFrom, ...]]:
    """Return the state of the only log of a journal in storage, its state including the journal, and who signed it."""
    found = recover_logs(engine, {name: KnownLog(keys, known)}, journal)[name]
    return found.state, found.head, found.signed


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
        StatementStore(engine, journal, give_up or threading.Event()),
        last,
        signer,
        at if isinstance(at, CommittedLog) else CommittedLog(at),
        memory or Memory(),
        clock,
        receipts,
    )


def begin_log(engine: Engine, journal: Journal, name: LogName, signer: Signer, at: float) -> Statement:
    """Store the first statement of an empty log, as a server does before it takes records; ``at`` is in seconds."""
    writer = statement_writer(engine, journal, LogState(name), signer, clock=lambda: at)
    return writer.state(StatementKind.RETENTION, "forever")
