"""The storing half of a stream's writer: commits the entries of the journal, one after another.

The batches of an entry go to storage in three steps: their records, the trees' new hashes, and last their rows in
``log_batches``, which commit them. Entries that wait go together (see ``group``). A step whose outcome is unknown is
repeated with the same deduplication token; no log continues past a batch whose outcome is unknown. A key change is
stored in its place between the batches of its log (see ``key_changes``).
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Sequence

from server.errors.ingest import BatchOutcomeUnknownError, EndedWaitError, JournalFailedError
from server.log.group import Group, GroupLimits
from server.log.grouping import Grouping
from server.log.journal import Journal
from server.log.lasting_inserts import LastingInserts, described, not_stored, outcome_unknown
from server.log.log_memory import LogMemory
from server.log.open_log import OpenLogs
from server.log.retry_insert import insert_and_verify
from server.log.table_insert import name_batches, table_inserts
from server.notary.origin import Stream
from server.retry.backoff import backoff
from server.retry.trouble import Trouble
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError
from storage.log_tenants import TenantOf, no_tenant

__all__ = ["BatchCommitter"]

_logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two questions to storage


class BatchCommitter:
    """Commits the entries of a journal; one thread at a time may commit, any may read its properties."""

    def __init__(
        self,
        engine: Engine,
        stream: Stream,
        journal: Journal,
        logs: OpenLogs,
        memory: LogMemory,
        give_up: threading.Event,
        limits: GroupLimits | None = None,
        tenant_of: TenantOf = no_tenant,
    ) -> None:
        """Go on with a journal.

        Args:
            engine: the storage.
            stream: stream of the logs.
            journal: journal with the batches that are not in storage yet.
            logs: the logs, whose states in storage each commit replaces.
            memory: remembers the checkpoints of committed batches.
            give_up: event that ends the retries; the batches in the journal stay there.
            limits: limits of the groups in which waiting entries are stored; None for the usual ones.
            tenant_of: returns the tenant of a log, given its origin.

        Raises:
            JournalDamagedError: the mark of a group cannot be read.
        """
        self._engine = engine
        self._stream = stream
        self._journal = journal
        self._logs = logs
        self._memory = memory
        self._give_up = give_up
        self._grouping = Grouping(engine, stream, journal, logs, limits or GroupLimits())
        self._stored = 0  # number of the last entry that was committed here; it may still have to be released
        self._refusals = Trouble(
            _logger, f"{stream.value}: batches are refused", f"{stream.value}: batches are stored again"
        )
        self._inserts = LastingInserts(give_up)
        self._tenant_of = tenant_of

    @property
    def blocked(self) -> bool:
        """True while a batch has been started and cannot be finished."""
        return self._inserts.blocked

    @property
    def trouble(self) -> str:
        """Reason why batches cannot be committed now, as far as a started one shows it; empty if they can."""
        return self._inserts.trouble

    def commit(self, group: Group) -> None:
        """Commit an entry that has just been journaled, and is the only one in the journal.

        Args:
            group: the entry.

        Raises:
            BatchOutcomeUnknownError: the batches may be in storage, and stay in the journal.
            StorageRefusedError: storage refused the entry, which has left the journal; the cause is its error.
            JournalFailedError: storage refused the entry, and the disk did not let it leave the journal.
        """
        try:
            self._store_or_refuse(group)
            self._done(group)
        except NotAppliedError as error:
            self._take_back(group, error)
            raise not_stored(error) from error
        except Exception as error:
            raise self._outcome_unknown(group, error) from error

    def commit_waiting(self) -> None:
        """Commit all batches in the journal, however long that takes, and state the key changes that are due.

        Raises:
            StorageRefusedError: ``give_up`` was set before all batches were stored.
            JournalDamagedError: the journal has been damaged.
        """
        waiting = deque(self._journal.waiting)
        while waiting:
            self._state_key_changes()
            if waiting[0] <= self._stored:  # committed by this process, but could not be released then
                self._journal.release(waiting.popleft())
                continue
            may_be_stored = self._grouping.may_be_stored(waiting[0])
            group = self._next_group(waiting)
            if not self._store(group, may_be_stored=may_be_stored):
                continue  # with fewer of them
            self._done(group)
            self._grouping.stored(group)
            while waiting and waiting[0] <= group.last:
                waiting.popleft()
        self._state_key_changes()

    def _next_group(self, waiting: Sequence[int]) -> Group:
        pauses = backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    return self._grouping.next(waiting)
                except StorageError as error:
                    if not self.blocked:
                        stack.enter_context(self._inserts.blocking())
                    self._inserts.failed(described(error))
                    if self._give_up.wait(next(pauses)):
                        raise EndedWaitError(f"shut down before storage answered: {error}") from error

    def _store(self, group: Group, *, may_be_stored: bool) -> bool:
        """Store a group; return False if storage refused it, and fewer of its entries may go together."""
        records, *others = table_inserts(self._engine, self._stream, group, self._tenant_of)
        accepted = False

        def insert_noting(renewed: int) -> None:
            nonlocal accepted
            records.insert(renewed)
            accepted = True

        try:
            if may_be_stored:
                insert_and_verify(records.name, insert_noting, records.is_stored)
            else:
                insert_noting(0)
        except Exception as error:
            refused = isinstance(error, NotAppliedError) and not accepted
            if refused and self._grouping.refused(group):
                _logger.warning("storage refuses %s, so fewer go together: %s", records.name, error)
                return False
            self._inserts.repeat(records, error)
        for rows in others:
            self._inserts.store(rows, may_be_stored=may_be_stored)
        return True

    def _take_back(self, group: Group, error: NotAppliedError) -> None:
        """Remove an entry of which nothing was stored, so that other batches can take the place of its batches.

        Raises:
            JournalFailedError: the journal accepts no entry before this one is removed.
            BatchOutcomeUnknownError: the entry is still in the journal.
        """
        try:
            self._journal.retract(group.last)
        except JournalFailedError:
            raise
        except Exception as failure:
            raise self._outcome_unknown(group, failure) from failure
        self._refusals.goes_on(str(error))

    def _outcome_unknown(self, group: Group, error: Exception) -> BatchOutcomeUnknownError:
        self._grouping.doubt(group.last)
        return outcome_unknown(name_batches(group.batches), error)

    def _state_key_changes(self) -> None:
        for log in self._logs:
            size = log.committed.state.range.size
            if log.keys.due(size):
                with self._inserts.blocking():
                    log.keys.state_due(size, self._give_up, self._inserts.failed)

    def _store_or_refuse(self, group: Group) -> None:
        """Store an entry; raises NotAppliedError if nothing of it was stored, StorageRefusedError at shutdown."""
        records, *others = table_inserts(self._engine, self._stream, group, self._tenant_of)
        try:
            records.insert(0)
        except NotAppliedError:
            raise
        except Exception as error:  # an unexpected error leaves the outcome unknown too
            self._inserts.repeat(records, error)
        for rows in others:
            self._inserts.store(rows)

    def _done(self, group: Group) -> None:
        batches = group.batches
        for state in group.states.values():
            self._logs.named(state.name).committed.commit(state)
        self._stored = group.last
        self._refusals.ends()
        last = {batch.origin: batch for batch in batches}
        try:
            # Names as the logs have them: a state from the journal does not know the tenant.
            names = {origin: self._logs.named(state.name).name for origin, state in group.states.items()}
            notes = {names[origin]: last[origin].checkpoint for origin in group.states}
            self._memory.remember_checkpoints(notes)
        except Exception as error:
            # The batches are committed, even if their checkpoints cannot be saved here.
            _logger.warning("the checkpoints of %s cannot be saved: %s", name_batches(batches), described(error))
        self._journal.release(group.last)
