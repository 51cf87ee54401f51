"""The writer of a stream's logs: notarizes batches, appends them to the journal, and commits them, one after another.

The logs of a stream share a journal. A commit signs one batch for each log that has records, and writes all of them to
the journal as one entry, which only then goes to storage, with one INSERT for each table (see ``batch_committer``). If
the process or storage ends in between, the journal still has the entry, and the next start stores it: no row is left
without its checkpoint. A key change is stored in its place between the batches of its log (see ``key_changes``).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from server.errors.ingest import BatchOutcomeUnknownError, RefusedError, StorageRefusedError
from server.log.batch_committer import BatchCommitter
from server.log.group import Group, GroupLimits
from server.log.isolation import Isolation
from server.log.journal import Journal
from server.log.journal_entry import Entry, decode_entry
from server.log.log_memory import LogMemory
from server.log.open_log import LogRecords, OpenLog, OpenLogs, Outcomes, SealedBatch
from server.log.recent_refusal import RecentRefusal
from server.log.storing_loop import StoringLoop
from server.notary.origin import LogName, Stream
from storage.commit import encode_records_block
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.log_tenants import TenantOf, no_tenant

__all__ = ["StreamWriter"]

_DAY = 86_400 * 10**9


class StreamWriter:
    """Writer that appends batches to the logs of one stream; logs can be added at any time."""

    def __init__(
        self,
        engine: Engine,
        stream: Stream,
        journal: Journal,
        memory: LogMemory,
        give_up: threading.Event,
        limits: GroupLimits | None = None,
        tenant_of: TenantOf = no_tenant,
    ) -> None:
        """Continue a journal, whose logs must be added before anything of it is stored.

        Args:
            engine: the storage.
            stream: stream of the logs.
            journal: journal with the batches that are not in storage yet.
            memory: remembers the checkpoints of committed batches.
            give_up: event after which nothing more is stored; the batches in the journal stay there.
            limits: limits of the groups in which waiting entries are stored; None for the usual ones.
            tenant_of: returns the tenant of a log, given its origin.
        """
        self._stream = stream
        self._journal = journal
        self._give_up = give_up
        self._logs = OpenLogs()
        self._appending = threading.Lock()
        self._storing = threading.Lock()
        self._loop = StoringLoop(stream, give_up)
        # The last entry that an earlier process may have been sending to storage when it ended.
        self._inherited = max(journal.waiting, default=0)
        self._refusal = RecentRefusal(give_up)
        self._isolation = Isolation()
        self._committer = BatchCommitter(engine, stream, journal, self._logs, memory, give_up, limits, tenant_of)

    def add(self, log: OpenLog) -> None:
        """Add a log of the stream.

        Raises:
            ValueError: the writer has a log with this name.
        """
        self._logs.add(log)

    @property
    def blocked(self) -> bool:
        """True while a batch has been started and cannot be finished."""
        return self._committer.blocked

    @property
    def journal(self) -> Journal:
        """The journal with the batches that are not in storage yet."""
        return self._journal

    def settle_keys(self) -> None:
        """Make pending key changes between two calls of ``commit``; wait for a running ``commit``.

        Raises:
            StorageRefusedError: a disk may have kept a statement that was not stored; other logs are settled.
        """
        pending = [log for log in self._logs if log.keys.pending]
        if not pending:
            return
        failures: list[StorageRefusedError] = []
        with self._appending, self._storing:
            if not self._give_up.is_set() and not len(self._journal):
                for log in pending:
                    try:
                        log.keys.settle(log.committed.state)
                    except StorageRefusedError as error:
                        failures.append(error)
        if failures:
            raise failures[0]

    def commit(self, records: Mapping[LogName, LogRecords]) -> Outcomes:
        """Sign and store records as one batch of each log, all with one INSERT for each table.

        Records that cannot be signed, or that storage refuses, do not keep the records of other logs out.

        Args:
            records: records for each log, at least one, all received on one day (UTC).

        Returns:
            For each log its batch, or the reason why its records were refused: a BatchOutcomeUnknownError if the batch
            may be committed, which ``store_waiting`` does then.

        Raises:
            RefusedError: nothing was committed, of no log.
            KeyError: a log was not added.
        """
        outcomes: Outcomes = {}
        with self._appending, self._storing, self._refusal.noting(outcomes):
            self._loop.check_open()  # unfinished batches are left to the next start, which checks what storage has
            self._committer.commit_waiting()
            self._commit_all(self._ready(records, outcomes), outcomes)
        return outcomes

    def append(self, records: Mapping[LogName, LogRecords]) -> Outcomes:
        """Sign records as one batch of each log and append them to the journal; ``store_appended`` stores them.

        The journal does not remember the requests: their senders get OK, so equal requests later are not retries.

        Args:
            records: as in ``commit``.

        Returns:
            For each log its batch, or the reason why its records were refused.

        Raises:
            RefusedError: nothing was appended, of no log.
            KeyError: a log was not added.
        """
        outcomes: Outcomes = {}
        with self._appending, self._refusal.noting(outcomes):
            self._loop.check_open()
            for name in records:
                log = self._logs.named(name)
                if log.keys.pending:
                    log.keys.decide(log.head)
            sealed = self._logs.seal({name: LogRecords(some.parts) for name, some in records.items()}, outcomes)
            if sealed:
                self._append(sealed)
                outcomes |= {one.log.name: one.signed.batch for one in sealed}
        self._loop.wake()
        return outcomes

    def store_appended(self) -> None:
        """Store the batches that are appended to the journal, until ``give_up`` is set and ``wake`` is called."""
        self._loop.run(self._decide_and_store)

    def wake(self) -> None:
        """Make ``store_appended`` check ``give_up`` and key changes."""
        self._loop.wake()

    @property
    def journal_trouble(self) -> str:
        """Reason why batches cannot be appended to the journal now; empty if they can."""
        return self._loop.failure or self._journal.trouble or self._refusal.reason

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be committed now; empty if they can."""
        return self._loop.failure or self._committer.trouble or self._journal.trouble or self._refusal.reason

    @property
    def inherited_requests(self) -> list[bytes]:
        """Digests of the requests in batches that an earlier process left in the journal and that are not stored.

        Raises:
            JournalDamagedError: the journal has been damaged.
        """
        inherited = (number for number in self._journal.waiting if number <= self._inherited)
        return [request for number in inherited for request in decode_entry(self._journal.read(number)).requests]

    @property
    def has_inherited(self) -> bool:
        """True while the journal has batches of an earlier process; may be read by any thread."""
        return any(number <= self._inherited for number in self._journal.waiting)

    def store_waiting(self) -> None:
        """Store all batches in the journal, however long that takes.

        Raises:
            StorageRefusedError: ``give_up`` was set before all batches were stored.
            JournalDamagedError: the journal has been damaged.
        """
        with self._storing:
            self._committer.commit_waiting()

    def _decide_and_store(self) -> None:
        with self._appending:  # for logs without new batches
            for log in self._logs:
                if log.keys.pending:
                    log.keys.decide(log.head)
        self.store_waiting()

    def _ready(self, records: Mapping[LogName, LogRecords], outcomes: Outcomes) -> dict[LogName, LogRecords]:
        """Return the records of the logs that can go on, with their pending key changes made; note other outcomes."""
        ready = {}
        for name, some in records.items():
            log = self._logs.named(name)
            log.retreat()  # because no batch is waiting
            try:
                if log.keys.pending:
                    log.keys.settle(log.head)
                ready[name] = some
            except RefusedError as error:
                outcomes[name] = error
        return ready

    def _commit_all(self, records: Mapping[LogName, LogRecords], outcomes: Outcomes) -> None:
        """Commit records with as few entries as storage accepts, and note the outcome of each log."""
        attempts = self._isolation.attempts(records)
        while names := attempts.next():
            try:
                attempts.accepted(self._commit_entry({name: records[name] for name in names}, outcomes))
            except RefusedError as error:
                cause = error.__cause__
                if type(error) is StorageRefusedError and isinstance(cause, NotAppliedError):
                    outcomes |= dict.fromkeys(attempts.refused(names, cause), error)
                    continue
                outcomes |= {name: outcomes.get(name, error) for name in names}
                if isinstance(error, BatchOutcomeUnknownError):
                    error = StorageRefusedError(f"an earlier batch is not finished: {error}", retry_after=2.0)
                outcomes |= dict.fromkeys(attempts.give_up(), error)
        self._isolation.learn(attempts)

    def _commit_entry(self, records: Mapping[LogName, LogRecords], outcomes: Outcomes) -> list[LogName]:
        """Commit records as one entry; return the logs whose batches are committed, and note all other outcomes.

        Raises:
            BatchOutcomeUnknownError: the batches may be committed.
            RefusedError: nothing was committed.
        """
        try:
            sealed = self._logs.seal(records, outcomes)
            if not sealed:
                return []
            number, entry = self._append(sealed)
        except RefusedError:
            raise
        except Exception as error:  # other logs may have been committed just now, and have to learn that
            raise StorageRefusedError(
                f"the batch could not be committed: {str(error) or type(error).__name__}"
            ) from error
        fragments = tuple(one.fragments for one in sealed)
        states = {one.log.name.origin: one.state for one in sealed}
        try:
            self._committer.commit(Group(number, (entry,), fragments, states))
        except BatchOutcomeUnknownError:
            raise
        except RefusedError:  # other batches take their places
            for one in sealed:
                one.log.retreat()
            raise
        outcomes |= {one.log.name: one.signed.batch for one in sealed}
        return [one.log.name for one in sealed]

    def _append(self, sealed: Sequence[SealedBatch]) -> tuple[int, Entry]:
        """Append batches to the journal as one entry.

        Raises:
            RefusedError: the journal does not take the entry.
            ValueError: the records were received on several days, so they are in several partitions.
        """
        batches = [one.signed.batch for one in sealed]
        if len({batch.ingested_at // _DAY for batch in batches}) > 1:
            raise ValueError("records that were received on several days cannot be committed together")
        block = encode_records_block(self._stream, batches, [part.columns for one in sealed for part in one.parts])
        entry = Entry(tuple(one.signed for one in sealed), block)
        number = self._journal.append(entry.encode())
        for one in sealed:
            one.log.advance(one.state)
        return number, entry
