"""A log that a process writes: its writers, its journals, and where it stands when it is opened."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from server.data_dir.directory import DataDirectory
from server.errors.ingest import EndedWaitError, RefusedError
from server.keys.store import KeyStore, KeyStoreError
from server.log.committed_log import CommittedLog
from server.log.group import GroupLimits
from server.log.journal import Journal
from server.log.journal_keys import NO_KEYS, JournalKeys
from server.log.key_changes import DecidedChange, KeyChanges
from server.log.log_writer import LogWriter
from server.log.open_log import OpenLog
from server.log.receipt_floor import ReceiptFloor
from server.log.recovery import KnownLog, SignedFrom, recover_logs
from server.log.stated_keys import open_statements
from server.log.statement_writer import StatementWriter
from server.log.stream_writer import StreamWriter
from server.log.waiting_statements import store_waiting_statements
from server.notary.counted import counted
from server.notary.errors import SigningError
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import StatementKind
from server.notary.trust import fingerprints
from server.writer.abandonment import check_not_abandoned
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError

__all__ = ["OwnedLog"]

_logger = logging.getLogger(__name__)
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
        opened_at: when it was opened, in seconds since the epoch.
    """

    name: LogName
    writer: LogWriter
    statements: StatementWriter
    journals: tuple[Journal, ...]
    latest: int
    opened_at: float = field(default_factory=time.time)

    @classmethod
    def open(
        cls,
        name: LogName,
        data: DataDirectory,
        journal_bytes: int,
        batch_bytes: int,
        keys: KeyStore,
        signer: Signer,
        engine: Engine,
        give_up: threading.Event,
        clock: Callable[[], float],
        journal_keys: JournalKeys = NO_KEYS,
    ) -> OwnedLog:
        """Open a log, to be signed by the keys that signed it last.

        Args:
            name: its name.
            data: remembers how far the log went, and has its journals.
            journal_bytes: bytes that the journal of batches may take.
            batch_bytes: size in bytes at which a batch is closed.
            keys: the keys to sign with, and those that did before.
            signer: the keys to sign with, if the log has no signature yet.
            engine: the storage.
            give_up: once set, nothing is repeated any more.
            clock: the time of statements, in seconds since the epoch.
            journal_keys: the keys of the journals.

        Raises:
            LogUnusableError: the log in storage is not the one this writer wrote.
            JournalDamagedError: a journal cannot be read, or does not continue what storage has.
            DataDirectoryError: what the data directory remembers is damaged.
            KeyStoreError: a key cannot be used, or is missing.
            StorageError: storage cannot be read.
        """
        trusted = keys.trusted()
        stated = Journal(data.journal(f"{name.stream.value}-statements"), _STATEMENTS_BYTES, keys=journal_keys)
        store_waiting_statements(engine, stated)
        last, in_force = open_statements(engine, name, trusted, data.last_statement(name))
        # Nothing may have come since the keys changed: then those before them signed the last batch.
        may_sign = {*in_force, *keys.verifier_keys(name.origin)}
        journal = Journal(data.journal(name.stream.value), journal_bytes, keys=journal_keys)
        known = KnownLog(may_sign, data.last_checkpoint(name))
        found = recover_logs(engine, {name: known}, journal)[name]
        if name.stream is Stream.AUDIT:
            check_not_abandoned(engine, name, data.journal(name.stream.value), waits=bool(found.signed))
        # If storage has nothing signed, a second key must be stated too: a verifier is given only one key.
        first = keys.signer_of(found.signed[0].keys) if found.signed else signer
        before = keys.signer_of(in_force) if in_force else Signer(first.ed25519)
        decided = _decided_changes(before.verifier_keys(name.origin), found.signed, keys)
        committed, receipts = CommittedLog(found.state), ReceiptFloor(found.head.range.size)
        statements = StatementWriter(engine, last, before, committed, data, give_up, stated, clock, receipts)
        # To store a group takes as much memory as is planned for storing a batch, from the journal.
        limits = GroupLimits(size=batch_bytes // 2)
        changes = KeyChanges(name.origin, before, statements, decided)
        stream = StreamWriter(engine, name.stream, journal, data, give_up, limits)
        writer = LogWriter(stream, OpenLog(committed, changes, found.head, receipts))
        latest = max(found.newest.ingested_at if found.newest else 0, last.time * 10**9 if last else 0)
        return cls(name, writer, statements, (journal, stated), latest)

    def state_changes(self, signer: Signer, retention: int | None, rules: str = "", *, in_commits: bool) -> None:
        """State what has changed since the log was written last: the keys that sign, how long records are kept.

        Args:
            signer: the keys to sign with.
            retention: seconds for which every record is kept, None for ever.
            rules: rules by which records are kept for different times; empty for none.
            in_commits: batches are stored by those who commit them, so the keys change now; else they change in the
                order of the journal, and nothing waits for that.

        Raises:
            SigningError: a key cannot be used now.
            StorageError: storage cannot be read, or took no statement.
        """
        try:
            self.writer.change_keys(signer)
            if in_commits:
                self.writer.stream.settle_keys()
                if self.writer.keys.pending:
                    raise NotAppliedError(f"{self.name.origin}: its key change cannot be stated")
        except RefusedError as error:
            raise NotAppliedError(f"{self.name.origin}: {error}") from error
        self.state_retention(retention, rules)

    def state_retention(self, retention: int | None, rules: str = "") -> None:
        """State for how many seconds records are kept, None for ever, if that has changed. See ``state_changes``."""
        try:
            self.statements.keep_for(retention, rules)
        except RefusedError as error:
            raise NotAppliedError(f"{self.name.origin}: {error}") from error

    def reload_keys(self, keys: KeyStore) -> None:
        """Sign with other keys as soon as possible, if the store has others; does not wait for storage.

        A key that cannot be used is logged, and changes nothing.
        """
        try:
            if self.writer.change_keys(keys.signer()):
                _logger.info("%s: a key change is pending", self.name.origin)
        except KeyStoreError as error:
            message = "%s: the key change failed, the same keys still sign: %s"
            _logger.error(message, self.name.origin, error)  # noqa: TRY400 - told whole

    @property
    def checkpoint_age(self) -> float:
        """Seconds since the last checkpoint was stored, or since the log was last written to before it was opened."""
        return max(0.0, time.time() - (self.writer.committed_at or self.latest / 10**9 or self.opened_at))

    @property
    def signed_by(self) -> str:
        """Fingerprints of the keys that sign the log, as storage has it; empty while that changes."""
        return "" if self.writer.keys.pending else fingerprints(self.writer.keys.stated)

    def state_heartbeat(self) -> None:
        """State how the log stands now; a failure is logged."""
        try:
            self.statements.state(StatementKind.HEARTBEAT)
        except EndedWaitError:
            pass  # the next start states one
        except (RefusedError, StorageError, SigningError) as error:
            _logger.warning("%s: the heartbeat failed: %s", self.name.origin, error)

    def missing(self) -> str:
        """Return which of its journals are gone, empty if none is; does not block."""
        return "; ".join(missing for journal in self.journals if (missing := journal.missing))

    def left(self) -> str:
        """Return how many batches wait in the journal and where, empty if none does; does not block."""
        count = len(self.writer.stream.journal)
        if not count:
            return ""
        waits = counted(count, "batch waits", "batches wait")
        where = self.writer.stream.journal.directory
        return f"{waits} in the {self.name.stream.value} log's journal {where}: the next start stores them"

    def close(self) -> None:
        """Close its journals."""
        for journal in self.journals:
            journal.close()


def _decided_changes(
    before: Collection[VerifierKey], signed: Iterable[SignedFrom], keys: KeyStore
) -> Iterator[DecidedChange]:
    """Yield the changes of keys that were decided, and not stated in storage, when an earlier process ended."""
    sign = frozenset(before)
    for some in signed:
        if some.keys != sign:
            yield DecidedChange(some.size, keys.signer_of(some.keys))
            sign = some.keys
