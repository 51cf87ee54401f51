"""The logs that a process writes: where they stand, who signs them, and what it states about them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from server.data_dir.directory import DataDirectory
from server.errors.ingest import RefusedError
from server.keys.store import KeyStore, KeyStoreError
from server.log.journal import Journal
from server.log.key_changes import DecidedChange
from server.log.log_writer import LogWriter
from server.log.receipt_floor import ReceiptFloor
from server.log.recovery import SignedFrom, open_log, open_statements
from server.log.statement_writer import StatementWriter, store_waiting_statements
from server.notary.batch import Batch
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import StatementKind, StatementRow
from server.notary.trust import fingerprints
from server.process.pools import Pool
from server.settings.settings import Settings
from server.settings.values import Acknowledge
from server.writer.retention import retention_days
from storage.clock import check_clock
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError
from storage.evidence import last_batch

__all__ = [
    "OwnedLog",
    "keep_alive",
    "open_logs",
    "reload_keys",
    "settle_keys",
    "signed_by",
    "state_changes",
    "stored",
    "storing",
]

_logger = logging.getLogger(__name__)
_DAY = 86_400  # seconds
_SETTLE_AGAIN = 0.5  # seconds between attempts to change keys
_LOOK_AGAIN = 0.05  # seconds between looks whether all is stored
_STATEMENTS_BYTES = 64 << 20  # that the journal of statements may take; one at a time is in it


@dataclass(frozen=True, slots=True)
class OwnedLog:
    """A log that this process writes.

    Attributes:
        name: its name.
        writer: appends batches to it.
        statements: states how it stands.
        journals: what is not in storage yet, batches and statements.
        latest: when the last record was received, or the last statement signed, that it had when it was opened, in
            nanoseconds since the epoch.
    """

    name: LogName
    writer: LogWriter
    statements: StatementWriter
    journals: tuple[Journal, ...]
    latest: int

    def close(self) -> None:
        """Close its journals."""
        for journal in self.journals:
            journal.close()


def open_logs(
    settings: Settings,
    writer: str,
    data: DataDirectory,
    keys: KeyStore,
    engine: Engine,
    give_up: threading.Event,
    clock: Callable[[], float] = time.time,
) -> Mapping[Stream, OwnedLog]:
    """Go on with a writer's logs, with the keys that signed them last.

    Args:
        settings: the settings.
        writer: the writer's name.
        data: remembers how far the logs went.
        keys: the keys to sign with, and those that did before.
        engine: the storage.
        give_up: once set, nothing is repeated any more.
        clock: the time of statements, in seconds since the epoch; records are received by the same clock.

    Raises:
        LogUnusableError: a log in storage is not the one this writer wrote.
        JournalDamagedError: what waits to be stored cannot be read.
        DataDirectoryError: what the data directory remembers is damaged.
        KeyStoreError: a key cannot be used, or is not here.
        StorageError: storage cannot be read.
    """
    check_clock(engine)
    signer = keys.signer()
    names = {stream: LogName(settings.deployment, stream, writer) for stream in Stream}
    size = settings.journal_bytes
    return {stream: _open(name, data, size, keys, signer, engine, give_up, clock) for stream, name in names.items()}


def state_changes(settings: Settings, logs: Mapping[Stream, OwnedLog], keys: KeyStore) -> None:
    """State what has changed since logs were written last: the keys that sign, how long records are kept.

    With a journal that is stored behind those who send, keys change in its order, and nothing waits for that.

    Raises:
        KeyStoreError: a key cannot be used.
        SigningError: a key cannot be used now.
        StorageError: storage cannot be read, or took no statement.
    """
    signer = keys.signer()
    for stream, days in retention_days(settings).items():
        log = logs[stream]
        try:
            log.writer.change_keys(signer)
            if settings.ack is Acknowledge.COMMIT:
                log.writer.settle_keys()
                if log.writer.keys.pending:
                    raise NotAppliedError(f"{log.name.origin}: its key change cannot be stated")
            log.statements.keep_for(None if days is None else days * _DAY)
        except RefusedError as error:
            raise NotAppliedError(f"{log.name.origin}: nothing can be stated: {error}") from error


def reload_keys(logs: Iterable[OwnedLog], keys: KeyStore) -> None:
    """Have logs signed by other keys as soon as possible, if the store has others; does not wait for storage.

    What goes wrong is logged, and changes nothing.
    """
    for log in logs:
        try:
            if log.writer.change_keys(keys.signer()):
                _logger.info("%s: a key change is pending", log.name.origin)
        except KeyStoreError as error:
            _logger.error("%s: it is signed by the same keys still: %s", log.name.origin, error)  # noqa: TRY400 - told whole


async def settle_keys(pool: Pool, logs: Iterable[OwnedLog], *, in_commits: bool) -> None:
    """Make changes of keys that are pending, again and again where nothing comes that would make them; never ends.

    Args:
        pool: the thread pool in which they are made.
        logs: the logs.
        in_commits: their batches are stored by those who commit them, and not by a thread behind a journal.
    """
    while True:
        await asyncio.sleep(_SETTLE_AGAIN)
        for log in logs:
            if not log.writer.keys.pending:
                continue
            if not in_commits:
                log.writer.wake()
                continue
            try:
                await pool.run(log.writer.settle_keys)
            except RefusedError as error:
                _logger.warning("%s: %s", log.name.origin, error)


def signed_by(logs: Iterable[OwnedLog]) -> str:
    """Return the fingerprints of the keys that sign all of some logs, as storage has it; empty while that changes."""
    keys = {"" if log.writer.keys.pending else fingerprints(log.writer.keys.stated) for log in logs}
    return keys.pop() if len(keys) == 1 else ""


def _open(
    name: LogName,
    data: DataDirectory,
    journal_bytes: int,
    keys: KeyStore,
    signer: Signer,
    engine: Engine,
    give_up: threading.Event,
    clock: Callable[[], float],
) -> OwnedLog:
    """Open a log, to be signed by the keys that signed it last."""
    trusted = keys.trusted()
    stated = Journal(data.journal(f"{name.stream.value}-statements"), _STATEMENTS_BYTES)
    store_waiting_statements(engine, stated)
    last, in_force = open_statements(engine, name, trusted, data.last_statement(name))
    # Nothing may have come since the keys changed: then those before them signed the last batch.
    may_sign = {*in_force, *keys.verifier_keys(name.origin)}
    journal = Journal(data.journal(name.stream.value), journal_bytes)
    committed, head, signed = open_log(engine, name, may_sign, data.last_checkpoint(name), journal)

    def remember(batch: Batch) -> None:
        data.remember_checkpoint(name.stream, batch.checkpoint)

    def remember_statement(row: StatementRow) -> None:
        data.remember_statement(name.stream, row.note)

    # Where nothing is signed in storage, that a second key signs has to be stated too: who verifies is given one.
    first = keys.signer_of(signed[0].keys) if signed else signer
    before = keys.signer_of(in_force) if in_force else Signer(first.ed25519)

    def checkpoint() -> Checkpoint:
        return writer.checkpoint

    receipts = ReceiptFloor(head.range.size)
    statements = StatementWriter(engine, last, before, checkpoint, remember_statement, give_up, stated, clock, receipts)
    decided = _decided_changes(before.verifier_keys(name.origin), signed, keys)
    writer = LogWriter(engine, journal, committed, head, before, remember, give_up, statements, decided, receipts)
    newest = writer.last_waiting or last_batch(engine, name.log_id)
    latest = max(newest.ingested_at if newest else 0, last.time * 10**9 if last else 0)
    return OwnedLog(name, writer, statements, (journal, stated), latest)


def _decided_changes(
    before: Collection[VerifierKey], signed: Iterable[SignedFrom], keys: KeyStore
) -> Iterator[DecidedChange]:
    """Yield the changes of keys that were decided, and not stated in storage, when an earlier process ended."""
    sign = frozenset(before)
    for some in signed:
        if some.keys != sign:
            yield DecidedChange(some.size, keys.signer_of(some.keys))
            sign = some.keys


@contextlib.asynccontextmanager
async def storing(pool: Pool, writer: LogWriter, give_up: threading.Event) -> AsyncIterator[None]:
    """Store what comes into a log's journal, in a thread, until the block ends; it sets ``give_up``."""
    thread = threading.Thread(target=writer.store_appended, name="store")
    thread.start()
    try:
        yield
    finally:
        give_up.set()
        writer.wake()
        await pool.run(thread.join)


async def stored(writers: Collection[LogWriter], give_up: threading.Event) -> None:
    """Wait until all that is in journals is stored, as long as storage takes it and ``give_up`` is not set."""
    while any(len(writer.journal) for writer in writers):
        if give_up.is_set() or any(writer.trouble for writer in writers):
            left = sum(len(writer.journal) for writer in writers)
            _logger.warning("%d batches stay in the journal, where the next start finds them", left)
            return
        await asyncio.sleep(_LOOK_AGAIN)


async def keep_alive(pool: Pool, logs: Iterable[OwnedLog], interval: float) -> None:
    """State again and again how logs stand; never ends.

    So silence can be proved, and of a log that is not silent between which times its records came.

    Args:
        pool: in whose threads they are signed and stored.
        logs: the logs.
        interval: seconds between statements.
    """
    while True:
        await asyncio.sleep(interval)
        for log in logs:
            await pool.run(partial(_beat, log))


def _beat(log: OwnedLog) -> None:
    try:
        log.statements.state(StatementKind.HEARTBEAT)
    except (RefusedError, StorageError, SigningError) as error:
        _logger.warning("%s: no heartbeat: %s", log.name.origin, error)
