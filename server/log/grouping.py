"""Choice of the entries that go to storage together, so that none is stored twice whatever was sent before.

Storage deduplicates an INSERT by its token, which belongs to one group of batches. An entry that may have been sent
goes again in the same company, or is looked up first.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from uuid import UUID

from server.errors.files import reason_of
from server.log.group import Group, GroupLimits, gather
from server.log.group_mark import GroupMark
from server.log.journal import Journal
from server.log.journal_entry import Entry, decode_entry
from server.log.open_log import OpenLogs
from server.notary.origin import Stream
from storage.commit import stored_batches
from storage.engine import Engine
from storage.schema import RECORD_TABLES

__all__ = ["Grouping"]

_logger = logging.getLogger(__name__)


class Grouping:
    """Groups of the entries in one journal; bound to the thread that commits."""

    def __init__(
        self,
        engine: Engine,
        stream: Stream,
        journal: Journal,
        logs: OpenLogs,
        limits: GroupLimits,
    ) -> None:
        """Go on with a journal.

        Args:
            engine: the storage.
            stream: stream of the logs.
            journal: journal with the entries that are not in storage yet.
            logs: the logs of the entries.
            limits: limits of a group.

        Raises:
            JournalDamagedError: the mark of a group cannot be read.
        """
        self._engine = engine
        self._tables = (RECORD_TABLES[stream], "log_tiles", "log_batches")
        self._journal = journal
        self._logs = logs
        self._limits = limits
        self._mark = GroupMark(journal.directory, journal.sync)
        waiting = journal.waiting
        first = min(waiting, default=0)
        # The last entry that may be in storage, in part or as a whole: it is looked up before it is inserted. An
        # earlier process may have ended while the first one, or the group that begins with it, was on its way.
        self._doubtful = self._mark.end_of(first)
        # The group that may have been sent, which counts even if its mark could not be written or removed.
        self._sent = (first, self._doubtful) if first < self._doubtful else None
        self._sent_by_another = self._sent is not None
        # Later ones of an earlier process may have been in storage, which has lost them and still knows their tokens.
        self._inherited = max(waiting, default=0)
        self._fresh = False  # the last group was chosen anew, and sent at most once
        self._most = 0  # entries in the next group, as far as a refusal has shown; 0 if none did

    def doubt(self, number: int) -> None:
        """Note that storage may have an entry that was sent alone."""
        self._doubtful = max(self._doubtful, number)

    def may_be_stored(self, number: int) -> bool:
        """Return whether storage may have something of an entry; true also for those that ``next`` has returned."""
        return number <= max(self._doubtful, self._inherited)

    def next(self, waiting: Sequence[int]) -> Group:
        """Return the next entries to send; those that may have been sent are the same again.

        Args:
            waiting: numbers of the entries in the journal, in order, at least one.

        Raises:
            StorageError: storage cannot be read, and only it can tell what was sent; call again.
            JournalDamagedError: the journal has been damaged.
        """
        first = waiting[0]
        self._fresh = first > self._doubtful
        if not self._fresh:
            return self._again(waiting)
        if first > self._inherited:
            group = self._group(self._not_refused(waiting))
        else:
            group = self._group(self._not_refused([number for number in waiting if number <= self._inherited]))
            if len(group.entries) > 1 and self._has_some(group):  # some of them, so not all with one INSERT
                group = self._group(waiting, last=first)
        if len(group.entries) > 1:
            try:
                self._mark.write(first, group.last)
            except OSError as error:
                _logger.warning(
                    "batches are stored one by one, since the journal cannot be written: %s", reason_of(error)
                )
                self._mark.remove()
                group = self._group(waiting, last=first)
        self._sent, self._sent_by_another = (first, group.last), False
        self._doubtful = group.last
        return group

    def refused(self, group: Group) -> bool:
        """Make the next group smaller, since storage has refused the last one and has nothing of it.

        Returns:
            True if another group may be sent instead of it.
        """
        if len(group.entries) == 1 or not self._fresh:
            return False
        before = group.last - len(group.entries)
        # Its mark must be gone before others are sent, or the next start would take them for this group.
        if not self._mark.remove():
            with contextlib.suppress(OSError):
                self._mark.write(before + 1, group.last)
            return False
        self._most = len(group.entries) // 2
        self._doubtful = before
        self._sent = None
        return True

    def stored(self, group: Group) -> None:
        """Let groups grow again after one was stored."""
        if self._most:
            self._most = 2 * max(self._most, len(group.entries))

    def _not_refused(self, waiting: Iterable[int]) -> Iterable[int]:
        return islice(waiting, self._most) if self._most else waiting

    def _again(self, waiting: Sequence[int]) -> Group:
        first = waiting[0]
        last = self._sent[1] if self._sent and self._sent[0] == first else first
        group = self._group(waiting, last=last)
        if len(group.entries) > 1 and self._sent_by_another and not self._all_or_none(group):
            group = self._group(waiting, last=first)
            self._sent, self._sent_by_another = (first, first), False
        return group

    def _all_or_none(self, group: Group) -> bool:
        """Return whether storage has the records of all batches of a group, or of none.

        If it has some, they were not sent as this group: an earlier process could neither make the group's mark durable
        nor remove it, and sent the first entry alone.
        """
        batches = group.batches
        return len(stored_batches(self._engine, self._tables[0], batches)) in (0, len(batches))

    def _group(self, waiting: Iterable[int], last: int | None = None) -> Group:
        entries = ((number, decode_entry(self._journal.read(number))) for number in waiting)
        return gather(
            entries,
            lambda batch: self._logs.of(batch).committed.state,
            lambda batch: self._logs.of(batch).keys.due(batch.tree_size),
            self._limits,
            last,
            self._committed_of,
        )

    def _committed_of(self, number: int, entry: Entry) -> set[UUID]:
        """Return the IDs of the batches of an inherited entry that storage has committed, while it lacks others.

        Storage has lost the others, for it commits all batches of an entry or none.
        """
        if number > self._inherited:
            return set()
        behind = [batch for batch in entry.batches if batch.sequence <= self._logs.of(batch).committed.state.sequence]
        return stored_batches(self._engine, self._tables[-1], behind)

    def _has_some(self, group: Group) -> bool:
        """Return whether storage may have rows of some batches of a group."""
        try:
            return any(stored_batches(self._engine, table, group.batches) for table in self._tables)
        except Exception:  # storage does not tell now; each on its own is asked for until it does
            return True
