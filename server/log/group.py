"""Groups of batches that wait in a journal: each goes to storage with one INSERT for each table.

After an outage, or where senders are acknowledged from the journal, many batches wait. Stored one by one, each would be
three INSERTs and three parts to merge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server.log.journal_entry import Entry
from server.notary.batch import Batch, LogState, TileFragment
from server.notary.origin import Stream
from storage.commit import join_records
from storage.native import Block

__all__ = ["Group", "GroupLimits", "gather"]

_DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """Limits of a group; a batch that is larger is a group of its own.

    Attributes:
        rows: records in all batches.
        size: bytes of their blocks; to join them takes three and a half times as much memory.
    """

    rows: int = 200_000
    size: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Group:
    """Batches that follow each other in a log.

    Attributes:
        last: number of the last entry in the journal.
        entries: the batches, at least one.
        fragments: for each batch the hashes that it adds to the tree.
        state: state of the log after them.
    """

    last: int
    entries: tuple[Entry, ...]
    fragments: tuple[tuple[TileFragment, ...], ...]
    state: LogState

    @property
    def batches(self) -> list[Batch]:
        """The batches' rows."""
        return [entry.batch for entry in self.entries]

    def block(self, stream: Stream) -> Block:
        """Return all records as one block."""
        version = self.entries[0].batch.canonical_version
        return join_records(stream, version, [entry.block for entry in self.entries])


def gather(
    waiting: Iterable[tuple[int, Entry]],
    before: LogState,
    ends_at: Callable[[Batch], bool],
    limits: GroupLimits,
    last: int | None = None,
) -> Group:
    """Gather the next group.

    Args:
        waiting: numbers and batches in the journal, in order, at least one; only as many are taken as are needed.
        before: state of the log before the first of them.
        ends_at: tells that nothing may be stored together with a batch that comes after this one.
        limits: limits of the group.
        last: number of the entry with which the group ends, whatever the limits; None if the limits decide.

    Raises:
        JournalDamagedError: the batches do not continue the log, or do not match their own checkpoints.
    """
    entries: list[Entry] = []
    fragments: list[tuple[TileFragment, ...]] = []
    end, state = 0, before
    for number, entry in waiting:
        if entries and last is None and not _fits(entries, entry, limits):
            break
        state, added = entry.extend(state)
        entries.append(entry)
        fragments.append(added)
        end = number
        if number == last or (last is None and ends_at(entry.batch)):
            break
    return Group(end, tuple(entries), tuple(fragments), state)


def _fits(entries: list[Entry], entry: Entry, limits: GroupLimits) -> bool:
    rows = sum(one.batch.record_count for one in (*entries, entry))
    size = sum(one.size for one in (*entries, entry))
    # The records of one day are in one partition: only there an INSERT is atomic.
    one_day = entries[0].batch.ingested_at // _DAY == entry.batch.ingested_at // _DAY
    joinable = entries[0].joinable and entry.joinable
    one_version = entries[0].batch.canonical_version == entry.batch.canonical_version
    return joinable and one_version and one_day and rows <= limits.rows and size <= limits.size
