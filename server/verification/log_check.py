"""Verification of one log: its batches in order, their records, and the gaps between batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property
from itertools import groupby, islice

from server.notary.batch import Batch, compute_batch_id
from server.notary.chain import Gap, check_batch, frontier_root
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.counted import entries_of
from server.notary.errors import VerificationError
from server.notary.findings import Finding, FindingKind
from server.notary.history import History, restore
from server.notary.origin import LogName
from server.notary.trust import TrustedKeys
from server.verification.broken_rows import BrokenRows
from server.verification.leaf_ranges import LeafRanges
from server.verification.read_limits import ReadLimits
from server.verification.record_check import RecordChecker
from storage.engine import Engine
from storage.evidence import read_batches_at, read_batches_of_leaves
from storage.inventory import BatchIndex

__all__ = ["LogCheck"]


class LogCheck:
    """Verifies one log.

    Call ``batches`` first; it puts broken rows into ``broken``. Once the broken rows of
    all logs are known, call ``gaps`` with the ones that belong to this log; it reports what is missing.
    """

    def __init__(
        self,
        engine: Engine,
        keys: TrustedKeys,
        checker: RecordChecker,
        *,
        resume: Checkpoint | None = None,
        end: int | None = None,
        wanted: Collection[int] = (),
        on_verified: Callable[[Sequence[Batch]], object] = lambda _: None,
    ) -> None:
        """Create the verification of a log.

        Args:
            engine: the storage.
            keys: the trusted public keys.
            checker: checker of its records.
            resume: checkpoint after which to begin; None for the beginning of the log.
            end: number of entries, which a checkpoint signs, at which a batch has to end; None for the end of the log.
            wanted: tree sizes for which ``includes`` will be called.
            on_verified: called with batches whose records were verified, in order.
        """
        self.name: LogName = checker.name
        self.broken: list[tuple[Batch, Finding]] = []
        self.verified_batches = 0
        self.verified_records = 0
        self.size = 0
        """Entries in the log, by its last batch, even if the row of that one was altered."""
        self.explained = checker.explained
        self._engine = engine
        self._keys = keys
        self._checker = checker
        self._resume = resume
        self._end = end
        self._wanted = frozenset(wanted)
        self._on_verified = on_verified
        self._verified: Batch | None = None  # the last whose records were checked
        self._roots: dict[int, bytes] = {}  # by tree size, of those that are wanted
        self._history = History()
        self._restored_roots: dict[int, bytes] = {}  # by tree size

    @property
    def tip(self) -> Batch | None:
        """Last verified batch."""
        return self._history.tip

    @property
    def missing(self) -> Sequence[Gap]:
        """Gaps between valid batches, once ``batches`` has finished."""
        return self._history.gaps

    @property
    def good_until(self) -> Batch | None:
        """Batch up to which everything was verified; None if the first batch already failed."""
        return None if self.broken or self._history.is_broken else self._verified

    def batches(self, index: BatchIndex) -> Iterator[Finding | None]:
        """Verify the batches of an index; yields findings, and None after each part."""
        if self._resume is not None:
            self._go_on_after(self._resume)
        window: list[Batch] = []
        for item in self._good_batches(index):
            if isinstance(item, Finding):
                yield item
                continue
            if window and not _may_join(item, window, self._checker.limits):
                yield from self._records(window)
                window = []
            window.append(item)
        if window:
            yield from self._records(window)
        yield from self._history.forks()

    def gaps(self, broken: Sequence[tuple[Batch, Finding]]) -> Iterator[Finding | None]:
        """Report missing batches, and check the records of broken batches as far as possible.

        Args:
            broken: the broken rows of this log, with the finding about each.

        Yields:
            As ``batches``.
        """
        findings = dict(broken)
        signed = {batch: note for batch in findings if (note := self._signed(batch)) is not None}
        rows = BrokenRows(findings, signed)
        for gap in self._history.gaps:
            self.explained.append((gap.first_leaf, gap.end_leaf))
            filling = rows.take(gap)
            if len(filling) < gap.count:
                yield self._missing(gap, gap.count - len(filling))
                yield from self._unchecked(filling, findings)
            else:
                yield from self._restored(filling, gap.before, gap.after, signed, findings)
        end = self.tip.tree_size if self.tip else 0
        last = [batch for batch in findings if _size(batch, signed.get(batch)) > end]
        self.size = max([end, *(_size(batch, signed.get(batch)) for batch in last)])
        yield from self._restored(last, self.tip, None, signed, findings)
        if self._end is not None and self.size < self._end:
            yield self._missing_at_end(self._end)
            self.explained.append((self.size, self._end))
        yield from findings.values()

    def recheck(self, batch: Batch) -> Iterator[Finding]:
        """Check the records of a valid batch that was not among those verified."""
        yield from filter(None, self._checker.check([batch]))

    def includes(self, checkpoint: Checkpoint) -> bool:
        """Return whether a checkpoint is in the log's history, or may have been before a batch was broken.

        Call ``batches`` before.
        """
        if self._roots.get(checkpoint.size) == checkpoint.root:
            return True
        if self._within_gaps.cover(checkpoint.size, checkpoint.size):
            return True
        if checkpoint.size in self._restored_roots:
            return self._restored_roots[checkpoint.size] == checkpoint.root
        rows = read_batches_of_leaves(self._engine, self.name.log_id, [checkpoint.size - 1, checkpoint.size])
        for batch in rows:
            if check_batch(batch, self._keys) is not None:
                if batch in self._broken_rows:
                    return True  # it has a finding of its own
                continue
            if batch.tree_size == checkpoint.size and batch.root_hash == checkpoint.root:
                return True
            if batch.first_leaf == checkpoint.size and frontier_root(batch) == checkpoint.root:
                return True
        return False

    @cached_property
    def _broken_rows(self) -> Set[Batch]:
        return frozenset(row for row, _ in self.broken)

    @cached_property
    def _within_gaps(self) -> LeafRanges:
        """Sizes that the log had between the batches that are missing in a gap."""
        return LeafRanges((gap.first_leaf + 1, gap.end_leaf) for gap in self._history.gaps)

    def _go_on_after(self, checkpoint: Checkpoint) -> None:
        for batch in read_batches_of_leaves(self._engine, self.name.log_id, [checkpoint.size - 1]):
            same = (batch.tree_size, batch.root_hash) == (checkpoint.size, checkpoint.root)
            if same and check_batch(batch, self._keys) is None:
                self._history.begin_after(batch)
                self._checker.known_ids.add(batch.batch_id)
                return
        # Whether the log is consistent with the checkpoint is reported as for any other kept checkpoint.
        self._history.begin_within(checkpoint.size)

    def _good_batches(self, index: BatchIndex) -> Iterator[Batch | Finding]:
        places = index.places()
        while page := list(islice(places, self._checker.limits.page)):
            rows = read_batches_at(self._engine, self.name.log_id, page)
            for _, same_size in groupby(rows, key=lambda batch: batch.tree_size):
                yield from self._place(list(same_size))

    def _place(self, rows: list[Batch]) -> Iterator[Batch | Finding]:
        good = self._good(rows)
        if not good:
            return
        batches, findings = self._history.add(good, self._is_recorded)
        self._checker.excused.update(batch for batch in batches if batch not in good)
        yield from findings
        yield from batches

    def _good(self, rows: Sequence[Batch]) -> list[Batch]:
        good = []
        for batch in rows:
            finding = check_batch(batch, self._keys)
            if finding is None:
                good.append(batch)
            else:
                self.broken.append((batch, finding))
            self._checker.known_ids |= {batch.batch_id, compute_batch_id(batch)}
        return good

    def _is_recorded(self, batch: Batch) -> bool:
        return self._checker.is_recorded(batch)

    def _records(self, window: Sequence[Batch]) -> Iterator[Finding | None]:
        for gone, batches in groupby(window, key=self._has_expired):
            if gone:
                yield from self._checker.check_without_records(list(batches))
            else:
                yield from self._checker.check(list(batches))
        self._roots.update((batch.tree_size, batch.root_hash) for batch in window if batch.tree_size in self._wanted)
        self._verified = window[-1]
        self.verified_batches += len(window)
        self.verified_records += sum(batch.record_count for batch in window)
        self._on_verified(window)
        yield None

    def _has_expired(self, batch: Batch) -> bool:
        return not self._is_recorded(batch) and self._checker.expiry.covers(batch)

    def _restored(
        self,
        rows: Sequence[Batch],
        before: Batch | None,
        after: Batch | None,
        signed: Mapping[Batch, Checkpoint],
        findings: dict[Batch, Finding],
    ) -> Iterator[Finding | None]:
        rebuilt = restore(rows, self.name, before, after, signed, self._checker.tree.range_after)
        for row, batch in rebuilt.items():
            yield findings.pop(row)
            self._restored_roots[batch.tree_size] = batch.root_hash
            self._checker.excused.add(batch)
            yield from self._records([batch])
        yield from self._unchecked([row for row in rows if row not in rebuilt], findings)

    def _unchecked(self, rows: Sequence[Batch], findings: dict[Batch, Finding]) -> Iterator[Finding]:
        for row in rows:
            finding = findings.pop(row)
            yield replace(finding, message=f"{finding.message}; its records cannot be checked without it")

    def _signed(self, batch: Batch) -> Checkpoint | None:
        """Return the checkpoint of a broken batch if the checkpoint is still valid."""
        try:
            checkpoint, note = open_checkpoint(batch.checkpoint)
            note.verify(self._keys.every(self.name.origin))
        except VerificationError:
            return None
        return checkpoint if checkpoint.origin == self.name.origin else None

    def _missing_at_end(self, end: int) -> Finding:
        return Finding(
            FindingKind.BATCH_MISSING,
            f"{self.name.origin}: the batches that signed the records {self.size} to {end - 1} are missing: "
            f"a checkpoint of {entries_of(end)} was signed",
            log_id=self.name.log_id,
            origin=self.name.origin,
            sequence=self.tip.sequence + 1 if self.tip else 1,
            record_count=end - self.size,
        )

    def _missing(self, gap: Gap, count: int) -> Finding:
        intact = count == gap.count and self._checker.tree.holds_all(gap)
        return Finding(
            FindingKind.BATCH_MISSING,
            f"{self.name.origin}: {count} batch(es) from number {gap.first_sequence} on are missing among those that "
            f"signed the records {gap.first_leaf} to {gap.end_leaf - 1}; "
            + ("these records are all unchanged" if intact else "not all of these records can be checked"),
            log_id=self.name.log_id,
            origin=self.name.origin,
            sequence=gap.first_sequence,
            record_count=gap.end_leaf - gap.first_leaf,
        )


def _may_join(batch: Batch, window: Sequence[Batch], limits: ReadLimits) -> bool:
    """Return whether a batch may be read together with the batches before it."""
    follows = batch.first_leaf == window[-1].tree_size
    size = batch.tree_size - window[0].first_leaf
    return follows and size <= limits.window and len(window) < limits.window_batches


def _size(batch: Batch, signed: Checkpoint | None) -> int:
    return signed.size if signed else batch.tree_size
