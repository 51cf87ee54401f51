"""The logs that a process writes: where they stand, who signs them, and what it states about them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from server.data_dir.directory import DataDirectory
from server.errors.ingest import RefusedError
from server.keys.store import KeyStore, KeyStoreError
from server.log.journal import Journal
from server.log.log_writer import LogWriter
from server.log.recovery import open_log, open_statements
from server.log.statement_writer import StatementWriter, store_waiting_statements
from server.notary.batch import Batch
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import StatementKind, StatementRow
from server.settings.settings import Settings
from server.writer.retention import retention_days
from storage.clock import check_clock
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError
from storage.evidence import last_batch

__all__ = ["OwnedLog", "keep_alive", "open_logs", "reload_keys", "state_changes", "stored", "storing"]

_logger = logging.getLogger(__name__)
_DAY = 86_400  # seconds
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

    Raises:
        KeyStoreError: a key cannot be used.
        SigningError: a key cannot be used now.
        StorageError: storage cannot be read, or took no statement.
    """
    signer = keys.signer()
    for stream, days in retention_days(settings).items():
        log = logs[stream]
        try:
            _sign_with(log, signer)
            log.statements.keep_for(None if days is None else days * _DAY)
        except RefusedError as error:
            raise NotAppliedError(f"{log.name.origin}: nothing can be stated: {error}") from error


def reload_keys(logs: Iterable[OwnedLog], keys: KeyStore) -> None:
    """Sign with other keys from now on, if the store has others; what goes wrong is logged, and changes nothing."""
    for log in logs:
        try:
            _sign_with(log, keys.signer())
        except (RefusedError, StorageError, SigningError, KeyStoreError) as error:
            _logger.error("%s: it is signed by the same keys still: %s", log.name.origin, error)  # noqa: TRY400 - told whole


def _sign_with(log: OwnedLog, signer: Signer) -> None:
    if log.writer.change_keys(log.statements, signer):
        _logger.info("%s: other keys sign it from now on", log.name.origin)


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
    signed_by = {*in_force, *trusted.for_origin(name.origin)}
    journal = Journal(data.journal(name.stream.value), journal_bytes)
    committed, head = open_log(engine, name, signed_by, data.last_checkpoint(name), journal)

    def remember(batch: Batch) -> None:
        data.remember_checkpoint(name.stream, batch.checkpoint)

    def remember_statement(row: StatementRow) -> None:
        data.remember_statement(name.stream, row.note)

    # Nothing is signed yet: that a second key signs has to be stated too, for those who verify are given one.
    before = keys.signer_of(in_force) if in_force else Signer(signer.ed25519)
    writer = LogWriter(engine, journal, committed, head, before, remember, give_up)

    def checkpoint() -> Checkpoint:
        return writer.checkpoint

    statements = StatementWriter(
        engine, last, before, checkpoint, remember_statement, give_up, stated, clock, writer.receipts
    )
    newest = writer.last_waiting or last_batch(engine, name.log_id)
    latest = max(newest.ingested_at if newest else 0, last.time * 10**9 if last else 0)
    return OwnedLog(name, writer, statements, (journal, stated), latest)


@contextlib.asynccontextmanager
async def storing(writer: LogWriter, give_up: threading.Event) -> AsyncIterator[None]:
    """Store what comes into a log's journal, in a thread, until the block ends; it sets ``give_up``."""
    thread = threading.Thread(target=writer.store_appended, name="store")
    thread.start()
    try:
        yield
    finally:
        give_up.set()
        writer.wake()
        await asyncio.to_thread(thread.join)


async def stored(writers: Collection[LogWriter], give_up: threading.Event) -> None:
    """Wait until all that is in journals is stored, as long as storage takes it and ``give_up`` is not set."""
    while any(len(writer.journal) for writer in writers):
        if give_up.is_set() or any(writer.trouble for writer in writers):
            left = sum(len(writer.journal) for writer in writers)
            _logger.warning("%d batches stay in the journal, where the next start finds them", left)
            return
        await asyncio.sleep(_LOOK_AGAIN)


async def keep_alive(logs: Iterable[OwnedLog], interval: float) -> None:
    """State again and again how logs stand; never ends.

    So silence can be proved, and of a log that is not silent between which times its records came.

    Args:
        logs: the logs.
        interval: seconds between statements.
    """
    while True:
        await asyncio.sleep(interval)
        for log in logs:
            await asyncio.to_thread(_beat, log)


def _beat(log: OwnedLog) -> None:
    try:
        log.statements.state(StatementKind.HEARTBEAT)
    except (RefusedError, StorageError, SigningError) as error:
        _logger.warning("%s: no heartbeat: %s", log.name.origin, error)
