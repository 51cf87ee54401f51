"""Check of all records of a log for a complete answer: each batch is verified, and its records are filtered.

Only the signed leaves decide which records are read, and only the hashed bytes decide which of them match. So storage
cannot hide a record: its leaf would be missing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from server.errors.amounts import size
from server.errors.base import LognotaryError
from server.notary.batch import Batch
from server.notary.chain import batch_finding
from server.notary.diagnosis import is_untouched, record_finding, signed_leaves
from server.notary.findings import Finding, FindingKind
from server.notary.leaf_rows import LeafHashes, LeafState
from server.notary.origin import LogName
from server.notary.record_filter import KeptRecord, RecordFilter
from server.verification.expiry import Expiry
from server.verification.read_limits import ReadLimits
from server.verification.record_check import Inventory, Pending, RecordChecker
from server.verification.stored_leaves import hash_batches
from server.verification.stored_tree import StoredTree
from storage.conditions import Condition
from storage.engine import Engine
from storage.record_filters import filter_of

__all__ = ["BatchTooLargeError", "CompleteChecker", "MatchingRecord"]

_FIRST_WINDOW = 1 << 16  # leaves: few, so that the first records come soon
_LARGEST_WINDOW = 1 << 20
_GROWTH = 4
_MOST_KEPT = 64 << 20  # bytes of matching records in a window
_MOST_OF_BATCH = 1 << 30  # bytes of matching records in a batch


class BatchTooLargeError(LognotaryError):
    """Too much of one batch matches to be kept in memory."""


@dataclass(frozen=True, slots=True)
class MatchingRecord:
    """A matching record that was verified.

    Attributes:
        batch: batch of the record.
        leaf_index: leaf of the record.
        canonical: the canonical record, as signed.
    """

    batch: Batch
    leaf_index: int
    canonical: bytes


class CompleteChecker(RecordChecker):
    """Checker of the records of one log that keeps the matching records.

    Attributes:
        found: verified matching records, in the order of leaves; the caller takes them out after each step.
    """

    def __init__(self, engine: Engine, name: LogName, expiry: Expiry, condition: Condition) -> None:
        """Make a checker of a log with the condition that records must match."""
        limits = replace(ReadLimits(), window=_FIRST_WINDOW)
        super().__init__(engine, name, expiry, Inventory({}, None), Pending(), set(), limits=limits)
        self.tree = StoredTree(engine, name, limits, readable=True)
        self.found: list[MatchingRecord] = []
        self._condition = condition
        self._most = 0  # largest number of bytes of matching records in a read of the window

    def is_recorded(self, batch: Batch) -> bool:  # noqa: ARG002 - every batch is read
        """Return True: the records are read in any case."""
        return True

    def check(self, batches: Sequence[Batch]) -> Iterator[Finding | None]:
        """Read the records of consecutive batches; yields findings, and None after each part.

        Raises:
            BatchTooLargeError: too much of one batch matches.
            StorageError: storage cannot be read.
        """
        self._most = 0
        for version, some in groupby(batches, key=lambda batch: batch.canonical_version):
            yield from self._read(list(some), version)
        # A window with too many matching records is read twice, so it grows only if there is room for more.
        if self._most * _GROWTH <= _MOST_KEPT:
            self._set_window(min(self.limits.window * _GROWTH, _LARGEST_WINDOW))

    def _read(self, batches: Sequence[Batch], version: int) -> Iterator[Finding | None]:
        wanted = self._filter(version, _MOST_KEPT if len(batches) > 1 else _MOST_OF_BATCH)
        for part, hashes in hash_batches(self.engine, self.name, batches, self.limits.blocks, wanted):
            if isinstance(hashes, Finding):
                yield hashes
            elif hashes.dropped and len(batches) == 1:
                batch = batches[0]
                raise BatchTooLargeError(
                    f"more than {size(_MOST_OF_BATCH)} of the records {batch.first_leaf} to {batch.tree_size - 1} of "
                    f"{batch.origin} match, which are one batch"
                )
            elif hashes.dropped:
                # Too many records match to keep: read fewer leaves at a time.
                some = -(-len(part) // _GROWTH)
                self._set_window(max(1, self.limits.window // _GROWTH))
                for start in range(0, len(part), some):
                    yield from self._read(part[start : start + some], version)
            else:
                yield from self._match(part, hashes, wanted)

    def _match(self, batches: Sequence[Batch], hashes: LeafHashes, wanted: RecordFilter) -> Iterator[Finding | None]:
        kept = sorted(hashes.kept)
        self._most = max(self._most, sum(len(record) for _, record in kept))
        for batch in batches:
            own = _between(kept, batch.first_leaf, batch.tree_size)
            leaf_hashes = hashes.of(batch.first_leaf, batch.tree_size)
            if leaf_hashes is not None and is_untouched(batch, leaf_hashes, None):
                self._take(batch, own)
            else:
                yield from self._explain(batch, hashes, own, wanted)
        yield None

    def _set_window(self, leaves: int) -> None:
        self.limits = replace(self.limits, window=leaves)

    def _filter(self, version: int, most_bytes: int) -> RecordFilter:
        return filter_of(self.name.stream, version, self.name.log_id, self._condition, most_bytes)

    def _take(self, batch: Batch, records: Sequence[KeptRecord]) -> None:
        self.found += [MatchingRecord(batch, leaf, record) for leaf, record in records]

    def _explain(
        self, batch: Batch, hashes: LeafHashes, kept: Sequence[KeptRecord], wanted: RecordFilter
    ) -> Iterator[Finding]:
        """Yield findings about a batch that differs from the signed one; take its records that do not differ."""
        first = batch.first_leaf - hashes.first_leaf
        states = hashes.states[first : first + batch.record_count]
        if not any(states) and self.expiry.covers(batch):
            self.expiry.add(batch)
            return
        signed = self._signed(batch)
        missing = [leaf for leaf, state in enumerate(states, batch.first_leaf) if state == LeafState.NONE]
        if signed is None:
            yield from self._unprovable(batch, missing)
            return
        if missing and self.expiry.covers(batch):
            self.expiry.add(batch, len(missing))
            missing = []
        changed = [
            leaf
            for leaf, state in enumerate(states, batch.first_leaf)
            if state != LeafState.NONE and hashes.of(leaf, leaf + 1) != signed[leaf - batch.first_leaf]
        ]
        what = "missing: deleted, or hidden from reads"
        yield from self._named(FindingKind.RECORD_MISSING, batch, missing, what)
        what = "not what was signed: the record was changed, or further rows claim its place"
        yield from self._named(FindingKind.RECORD_CHANGED, batch, changed, what)
        lost = set(changed)
        right = [record for record in kept if record[0] not in lost]
        self._take(batch, sorted([*right, *self._among_others(batch, changed, signed, wanted)]))

    def _among_others(
        self, batch: Batch, leaves: Sequence[int], signed: Sequence[bytes], wanted: RecordFilter
    ) -> Iterator[KeptRecord]:
        """Yield matching records that were signed, although other rows claim their leaves too."""
        rows = self._rows([batch]) if leaves else {}
        for leaf in leaves:
            for row in rows.get(leaf, ()):
                record, is_right = row.as_signed(batch.canonical_version)
                if is_right and row.leaf(batch.canonical_version) == signed[leaf - batch.first_leaf]:
                    if wanted.holds(leaf, record):
                        yield leaf, record
                    break

    def _signed(self, batch: Batch) -> list[bytes] | None:
        """Return the signed leaf hashes of a batch, from the stored hashes of the tree; None if they are lost."""
        for fragments in self.tree.fragments(batch.first_leaf, batch.tree_size).values():
            leaves = signed_leaves(batch, fragments)
            if leaves is not None:
                return leaves
        return None

    def _unprovable(self, batch: Batch, missing: Sequence[int]) -> Iterator[Finding]:
        gone = "the hashes of its records in log_tiles are gone or altered too, so that none of them can be proved"
        if missing:
            what = f"{len(missing)} of its {batch.record_count} records are missing; {gone}"
            yield batch_finding(FindingKind.RECORD_MISSING, batch, what)
        else:
            what = f"its stored records are not the {batch.record_count} signed ones; {gone}"
            yield batch_finding(FindingKind.RECORD_CHANGED, batch, what)

    def _named(self, kind: FindingKind, batch: Batch, leaves: Sequence[int], what: str) -> Iterator[Finding]:
        if len(leaves) == 1:
            yield record_finding(kind, batch, leaves[0], what, None)
        elif leaves:
            said = f"the records {_ranges(leaves)} are {what}"
            yield batch_finding(kind, batch, said, record_count=len(leaves))


def _between(records: Sequence[KeptRecord], first: int, end: int) -> Sequence[KeptRecord]:
    return records[bisect_left(records, (first,)) : bisect_left(records, (end,))]


def _ranges(leaves: Sequence[int], most: int = 8) -> str:
    """Format ascending leaves as ranges, and the number of ranges after the first few."""
    ranges: list[list[int]] = []
    for leaf in leaves:
        if ranges and leaf == ranges[-1][1] + 1:
            ranges[-1][1] = leaf
        else:
            ranges.append([leaf, leaf])
    said = [str(first) if first == last else f"{first} to {last}" for first, last in ranges[:most]]
    return ", ".join(said) + (f" and {len(ranges) - most} further ranges" if len(ranges) > most else "")
