"""Groups of entries that wait in a journal: each goes to storage with one INSERT for each table.

After an outage, or where senders are acknowledged from the journal, many entries wait. Stored one by one, each would be
three INSERTs and three parts to merge.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from server.log.journal_entry import Entry
from server.notary.batch import Batch, LogState, TileFragment
from server.notary.origin import Stream
from storage.commit import join_records
from storage.native import Block

__all__ = ["Group", "GroupLimits", "gather"]


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """Limits of a group; an entry that is larger is a group of its own.

    Attributes:
        rows: records in all batches.
        size: bytes of their blocks; to join them takes three and a half times as much memory.
        batches: batches of all logs; a batch takes a few kilobytes of memory whatever its size.
    """

    rows: int = 200_000
    size: int = 16 << 20
    batches: int = 5_000


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that follow each other in a journal.

    Attributes:
        last: number of the last entry in the journal.
        entries: the entries, at least one.
        fragments: for each batch of the entries the hashes that it adds to the tree of its log.
        states: state of each log that the group extends, by origin, after its last batch.
    """

    last: int
    entries: tuple[Entry, ...]
    fragments: tuple[tuple[TileFragment, ...], ...]
    states: Mapping[str, LogState]

    @property
    def batches(self) -> list[Batch]:
        """The batches' rows, in the order of the entries."""
        return [signed.batch for entry in self.entries for signed in entry.signed]

    def block(self, stream: Stream) -> Block:
        """Return all records as one block."""
        if len(self.entries) == 1:
            return self.entries[0].block
        version = self.entries[0].canonical_version
        return join_records(stream, version, [entry.block for entry in self.entries])


def gather(
    waiting: Iterable[tuple[int, Entry]],
    before: Callable[[Batch], LogState],
    ends_at: Callable[[Batch], bool],
    limits: GroupLimits,
    last: int | None = None,
    committed: Callable[[int, Entry], Collection[UUID]] = lambda _number, _entry: (),
) -> Group:
    """Gather the next group.

    Args:
        waiting: numbers and entries of the journal, in order, at least one; only as many are taken as are needed.
        before: function that returns the state of a batch's log before the group.
        ends_at: function that returns whether nothing of the batch's log may be stored together with the batch that
            comes after it.
        limits: limits of the group.
        last: number of the entry with which the group ends, whatever the limits; None if the limits decide.
        committed: function that returns the IDs of those batches of an entry that storage has committed already; they
            do not continue their logs.

    Raises:
        JournalDamagedError: the batches do not continue their logs, or do not match their own checkpoints.
    """
    entries: list[Entry] = []
    fragments: list[tuple[TileFragment, ...]] = []
    states: dict[str, LogState] = {}
    end, total = 0, GroupLimits(0, 0, 0)
    for number, entry in waiting:
        with_entry = _add(total, entry)
        if entries and last is None and not (_alike(entries[0], entry) and _fits(with_entry, limits)):
            break
        there = committed(number, entry)
        for signed in entry.signed:
            if signed.batch.batch_id in there:
                _, added = signed.extend(signed.before())
            else:
                origin = signed.batch.origin
                states[origin], added = signed.extend(states.get(origin) or before(signed.batch))
            fragments.append(added)
        entries.append(entry)
        end, total = number, with_entry
        if number == last or (last is None and any(map(ends_at, entry.batches))):
            break
    return Group(end, tuple(entries), tuple(fragments), states)


def _add(total: GroupLimits, entry: Entry) -> GroupLimits:
    return GroupLimits(total.rows + entry.rows, total.size + entry.size, total.batches + len(entry.signed))


def _fits(total: GroupLimits, limits: GroupLimits) -> bool:
    return total.rows <= limits.rows and total.size <= limits.size and total.batches <= limits.batches


def _alike(first: Entry, entry: Entry) -> bool:
    # The records of one day are in one partition: only there an INSERT is atomic.
    one_day = first.day == entry.day
    return first.joinable and entry.joinable and one_day and first.canonical_version == entry.canonical_version
