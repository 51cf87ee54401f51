"""Choice of the batches that go to storage together, so that none is stored twice whatever was sent before.

Storage deduplicates an INSERT by its token, which belongs to one group of batches. A batch that may have been sent goes
again in the same company, or is looked up first.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Sequence
from itertools import islice

from server.errors.files import reason_of
from server.log.committed_log import CommittedLog
from server.log.group import Group, GroupLimits, gather
from server.log.group_mark import GroupMark
from server.log.journal import Journal
from server.log.journal_entry import decode_entry
from server.log.key_changes import KeyChanges
from storage.commit import any_is_stored, is_stored
from storage.engine import Engine
from storage.schema import RECORD_TABLES

__all__ = ["Grouping"]

_logger = logging.getLogger(__name__)


class Grouping:
    """Groups of the batches in one journal; bound to the thread that commits."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        committed: CommittedLog,
        keys: KeyChanges,
        limits: GroupLimits,
    ) -> None:
        """Go on with a journal.

        Args:
            engine: the storage.
            journal: journal with the batches that are not in storage yet.
            committed: state of the log in storage.
            keys: key changes, which are stated in their place between batches.
            limits: limits of a group.

        Raises:
            JournalDamagedError: the mark of a group cannot be read.
        """
        self._engine = engine
        self._journal = journal
        self._committed = committed
        self._keys = keys
        self._limits = limits
        self._mark = GroupMark(journal.directory, journal.sync)
        waiting = journal.waiting
        first = min(waiting, default=0)
        # The last batch that may be in storage, in part or as a whole: it is looked up before it is inserted. An
        # earlier process may have ended while the first one, or the group that begins with it, was on its way.
        self._doubtful = self._mark.end_of(first)
        # The group that may have been sent, which counts even if its mark could not be written or removed.
        self._sent = (first, self._doubtful) if first < self._doubtful else None
        self._sent_by_another = self._sent is not None
        # Later ones of an earlier process may have been in storage, which has lost them and still knows their tokens.
        self._inherited = max(waiting, default=0)
        self._fresh = False  # the last group was chosen anew, and sent at most once
        self._most = 0  # batches in the next group, as far as a refusal has shown; 0 if none did

    def doubt(self, number: int) -> None:
        """Note that storage may have a batch that was sent alone."""
        self._doubtful = max(self._doubtful, number)

    def may_be_stored(self, number: int) -> bool:
        """Return whether storage may have something of a batch; true also for those that ``next`` has returned."""
        return number <= max(self._doubtful, self._inherited)

    def next(self, waiting: Sequence[int]) -> Group:
        """Return the next batches to send; those that may have been sent are the same again.

        Args:
            waiting: numbers of the batches in the journal, in order, at least one.

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
        nor remove it, and sent the first batch alone.
        """
        table = RECORD_TABLES[self._committed.name.stream]
        first, last = (is_stored(self._engine, table, group.entries[end].batch) for end in (0, -1))
        return first == last

    def _group(self, waiting: Iterable[int], last: int | None = None) -> Group:
        entries = ((number, decode_entry(self._journal.read(number))) for number in waiting)
        return gather(entries, self._committed.state, lambda batch: self._keys.due(batch.tree_size), self._limits, last)

    def _has_some(self, group: Group) -> bool:
        """Return whether storage may have rows of some batches of a group."""
        tables = (RECORD_TABLES[self._committed.name.stream], "log_tiles", "log_batches")
        try:
            return any(any_is_stored(self._engine, table, group.batches) for table in tables)
        except Exception:  # storage does not tell now; each on its own is asked for until it does
            return True
