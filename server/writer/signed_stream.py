"""The logs of one signed stream that a process writes: one for each tenant, and of audit records an access log of each.

They share a journal, and each commit, so that a thousand small tenants do not make a thousand INSERTs. The log of a
tenant is opened when its first records arrive; those that the writer has had before are opened at the start, so that
changes of keys and of retention are stated in them too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from server.codec.rows import Rows
from server.data_dir.directory import DataDirectory
from server.errors.ingest import EndedWaitError, RefusedError
from server.keys.key_files import KeyStoreError
from server.keys.keyring import Keyring
from server.log.group import GroupLimits
from server.log.journal import Journal
from server.log.journal_keys import NO_KEYS, JournalKeys
from server.log.log_writer import LogWriter
from server.log.open_log import LogRecords, Outcomes
from server.log.retention_statements import keep_for
from server.log.statement_store import StatementStore
from server.log.statement_writer import retention_words, store_together
from server.log.stored_log import LogUnusableError
from server.log.stream_writer import StreamWriter
from server.log.waiting_statements import store_waiting_statements
from server.notary.batch import Batch
from server.notary.counted import counted
from server.notary.origin import LogName, LogOwner, Stream
from server.notary.statement import Statement, StatementKind
from server.writer.abandonment import check_not_abandoned
from server.writer.found_logs import KeysOnce, find_logs
from server.writer.owned_log import FoundLog, LogWriting, OwnedLog
from server.writer.stream_plan import StreamPlan
from server.writer.unopened_logs import UnopenedLogs
from storage.batch_lookup import read_known_logs
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError

__all__ = ["SignedStream"]

_logger = logging.getLogger(__name__)

_STATEMENTS_BYTES = 64 << 20  # that the journal of statements may take
_STATED_AT_ONCE = 500  # logs


class SignedStream:
    """The logs of one signed stream; bound to no thread, but one thread at a time commits."""

    def __init__(
        self,
        plan: StreamPlan,
        data: DataDirectory,
        keys: Keyring,
        engine: Engine,
        give_up: threading.Event,
        clock: Callable[[], float],
        journal_keys: JournalKeys = NO_KEYS,
    ) -> None:
        """Go on with the logs that the writer has had, each to be signed by the keys that signed it last.

        A log that has no signature yet is signed by the keys that are to sign now.

        Args:
            plan: the plan.
            data: remembers how far the logs went, and has their journals.
            keys: the keys to sign with, and those that did before.
            engine: the storage.
            give_up: once set, nothing is repeated any more.
            clock: the time of statements, in seconds since the epoch.
            journal_keys: the keys of the journals.

        Raises:
            LogUnusableError: a log in storage is not the one this writer wrote.
            JournalDamagedError: a journal cannot be read, or does not continue what storage has.
            DataDirectoryError: what the data directory remembers is damaged.
            KeyStoreError: a key cannot be used, or is missing.
            StorageError: storage cannot be read.
        """
        self._plan, self._data, self._engine = plan, data, engine
        stream = plan.name.stream
        self._stated = Journal(data.journal(f"{stream.value}-statements"), _STATEMENTS_BYTES, keys=journal_keys)

        def tenant_of(origin: str) -> str:
            return LogName.parse(origin, plan.name.deployment).owner.stored_tenant

        store_waiting_statements(engine, self._stated, tenant_of)
        self._journal = Journal(data.journal(stream.value), plan.journal_bytes, keys=journal_keys)
        # To store a group takes as much memory as is planned for storing a batch, from the journal.
        limits = GroupLimits(size=plan.batch_bytes // 2)
        self._keys = keys
        found = find_logs(engine, data, keys, plan.name, [plan.name, *data.further_logs(plan.name)], self._journal)
        if stream is Stream.AUDIT:
            waits = {log.name: bool(log.recovered.signed) for log in found}
            check_not_abandoned(engine, waits, self._journal.directory)
        writer = StreamWriter(engine, stream, self._journal, data, give_up, limits, tenant_of)
        self._writing = LogWriting(writer, StatementStore(engine, self._stated, give_up, tenant_of), data, keys, clock)
        self._logs = {log.name.owner: log for log in self._open_found(found, KeysOnce(keys))}
        self._refusing: frozenset[LogOwner] = frozenset()
        self._opening: dict[LogOwner, OwnedLog] = {}  # logs that may not get records before something is stated in them
        self._unopened = UnopenedLogs(self.name_of)
        self._opens = threading.Lock()

    @property
    def name(self) -> LogName:
        """Name of the log of records without a tenant."""
        return self._plan.name

    def name_of(self, owner: LogOwner) -> LogName:
        """Return the name of an owner's log, whether there is one yet or not."""
        default = self._plan.name
        return LogName(default.deployment, default.stream, default.writer, owner.tenant, owner.access)

    def stored_size(self, tenant: str) -> int:
        """Return the number of entries that the log of a tenant has in storage; 0 if it is not open."""
        log = self._logs.get(LogOwner(tenant))
        return log.writer.log.committed.state.range.size if log is not None else 0

    def stored_log(self, tenant: str) -> OwnedLog | None:
        """Return the log of a tenant, which is opened if storage has it; None if there is none. Blocks.

        Raises:
            RefusedError: it cannot be opened now.
            StorageError: storage cannot be read.
        """
        owner = LogOwner(tenant)
        is_closed = owner not in self._logs and read_known_logs(self._engine, [self.name_of(owner).log_id])
        if is_closed and (refused := self._open([owner])):
            raise refused[owner]
        return self._logs.get(owner)

    def let_go(self, log: OwnedLog) -> Statement:
        """State that the records that a log of this stream has may be gone; see ``StatementWriter.let_go``."""
        retention = self._plan.retention
        return log.statements.let_go(retention.seconds, retention.rules)

    @property
    def default(self) -> OwnedLog:
        """The log of records without a tenant."""
        return self._logs[LogOwner()]

    @property
    def writer(self) -> LogWriter:
        """The writer of the log of records without a tenant."""
        return self.default.writer

    @property
    def stream(self) -> StreamWriter:
        """The writer of all logs."""
        return self._writing.stream

    @property
    def refusing(self) -> int:
        """Number of owners whose last records were refused alone, while others' may have been kept."""
        return len(self._refusing)

    def __iter__(self) -> Iterator[OwnedLog]:
        """Iterate over the logs that are open now."""
        return iter(tuple(self._logs.values()))

    def commit(self, rows: Sequence[Rows], requests: Sequence[bytes]) -> dict[LogOwner, Batch | RefusedError]:
        """Sign and store records, as one batch for each owner; see ``StreamWriter.commit``.

        Args:
            rows: the records, all received on one day (UTC).
            requests: digest of the request of each of these rows.

        Returns:
            For each owner its batch, or the reason why its records were refused.

        Raises:
            RefusedError: nothing was committed, of no owner.
        """
        return self._write(self.stream.commit, rows, requests)

    def append(self, rows: Sequence[Rows], requests: Sequence[bytes]) -> dict[LogOwner, Batch | RefusedError]:
        """Sign records and append them to the journal; see ``StreamWriter.append``. Otherwise as ``commit``."""
        return self._write(self.stream.append, rows, requests)

    def state_changes(self, *, keys: bool = True) -> None:
        """State in all logs what has changed since they were written last.

        Args:
            keys: state which keys sign too, and not only how long records are kept.

        Raises:
            KeyStoreError: a key cannot be used.
            SigningError: a key cannot be used now.
            StorageError: storage cannot be read, or took no statement.
        """
        self._state_changes(list(self), keys=keys)

    def state_heartbeats(self) -> None:
        """State how all logs stand now; a failure is logged."""
        try:
            self._state(list(self), StatementKind.HEARTBEAT)
        except EndedWaitError:
            pass  # the next start states one
        except (RefusedError, StorageError) as error:
            _logger.warning("%s: the heartbeat failed: %s", self.name.origin, error)

    def missing(self) -> str:
        """Return which of the journals are gone, empty if none is; does not block."""
        return "; ".join(missing for journal in (self._journal, self._stated) if (missing := journal.missing))

    def left(self) -> str:
        """Return how many batches wait in the journal and where, empty if none does; does not block."""
        count = len(self._journal)
        if not count:
            return ""
        waits = counted(count, "batch waits", "batches wait")
        where = self._journal.directory
        return f"{waits} in the {self.name.stream.value} log's journal {where}: the next start stores them"

    def close(self) -> None:
        """Close the journals."""
        for journal in (self._journal, self._stated):
            journal.close()

    def _write(
        self, write: Callable[[Mapping[LogName, LogRecords]], Outcomes], rows: Sequence[Rows], requests: Sequence[bytes]
    ) -> dict[LogOwner, Batch | RefusedError]:
        of_owners: dict[LogOwner, tuple[list[Rows], list[bytes]]] = {}
        for some, request in zip(rows, requests, strict=True):
            parts, digests = of_owners.setdefault(some.owner, ([], []))
            parts.append(some)
            digests.append(request)
        outcomes: dict[LogOwner, Batch | RefusedError] = {}
        new = [owner for owner in of_owners if owner not in self._logs]
        if new:
            outcomes |= self._open(new)
        names = {owner: self._logs[owner].name for owner in of_owners if owner in self._logs}
        if names:
            written = write({name: LogRecords(*of_owners[owner]) for owner, name in names.items()})
            outcomes |= {owner: written[name] for owner, name in names.items()}
        refused = {owner for owner, outcome in outcomes.items() if isinstance(outcome, RefusedError)}
        self._refusing = self._refusing - outcomes.keys() | refused
        return outcomes

    def _open(self, owners: Collection[LogOwner]) -> dict[LogOwner, RefusedError]:
        """Open the logs of owners; return why that was not possible, for each of which it was not."""
        with self._opens:
            return self._open_others([owner for owner in owners if owner not in self._logs])

    def _open_others(self, owners: Collection[LogOwner]) -> dict[LogOwner, RefusedError]:
        refused: dict[LogOwner, RefusedError] = {}
        keys = KeysOnce(self._keys)
        usable: list[LogOwner] = []
        for owner in owners:
            try:
                keys.signer(owner.tenant)
                keys.known(owner.tenant)
            except KeyStoreError as error:  # the keys of one tenant
                refused[owner] = self._unopened.refuse(owner, error)
            else:
                usable.append(owner)
        return refused | self._unopened.open(usable, lambda some: self._open_together(some, keys))

    def _open_together(self, owners: Sequence[LogOwner], keys: KeysOnce) -> Exception | None:
        """Open logs, all or none; return why that was not possible, None if it was."""
        names = [self.name_of(owner) for owner in owners if owner not in self._opening]
        try:
            found = find_logs(self._engine, self._data, self._keys, self.name, names, None)
            self._opening |= {log.name.owner: log for log in self._open_found(found, keys)}
            self._begin([self._opening[owner] for owner in owners], keys)
        except (RefusedError, StorageError, KeyStoreError, LogUnusableError) as error:
            return error
        self._logs = self._logs | {owner: self._opening.pop(owner) for owner in owners}  # others iterate over them
        return None

    def _open_found(self, found: Sequence[FoundLog], keys: KeysOnce) -> list[OwnedLog]:
        """Go on with logs as they were found."""
        return [
            OwnedLog.open(log, self._writing, keys.signer(log.name.tenant), keys.known(log.name.tenant))
            for log in found
        ]

    def _begin(self, logs: Sequence[OwnedLog], keys: KeysOnce) -> None:
        """State keys and retention in logs, before they get records."""
        retention = self._plan.retention

        def is_bare(log: OwnedLog) -> bool:
            return log.statements.last is None and log.writer.keys.stated == keys.signer(log.name.tenant)

        if begun := [log for log in logs if not is_bare(log)]:
            self._state_changes(begun)
        bare = [log for log in logs if log.statements.last is None]
        data = retention.rules.encode()
        self._state(bare, StatementKind.RETENTION, retention_words(retention.seconds, data), data)

    def _state_changes(self, logs: Sequence[OwnedLog], *, keys: bool = True) -> None:
        """State what has changed in logs; see ``state_changes``."""
        once, retention = KeysOnce(self._keys), self._plan.retention
        try:
            if keys:
                for log in logs:
                    log.writer.change_keys(once.signer(log.name.tenant))
                if self._plan.in_commits:
                    self.stream.settle_keys()
                    if pending := [log.name.origin for log in logs if log.writer.keys.pending]:
                        raise NotAppliedError(f"{pending[0]}: its key change cannot be stated")
            writers = [log.statements for log in logs]
            keep_for(self._writing.store, self._data, writers, retention.seconds, retention.rules)
        except RefusedError as error:
            raise NotAppliedError(f"{self.name.origin}: {error}") from error

    def _state(
        self, logs: Sequence[OwnedLog], kind: StatementKind, words: Sequence[str] = (), data: bytes = b""
    ) -> None:
        writers = [log.statements for log in logs]
        for begin in range(0, len(writers), _STATED_AT_ONCE):
            some = writers[begin : begin + _STATED_AT_ONCE]
            store_together(self._writing.store, self._data, some, kind, words, data)
