"""Verifying what is stored: every log's batches, every batch's records, and records of no batch.

Works on the storage alone, whoever runs it: the server for its API, or ``lognotary verify
--storage`` without any server.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from server.api.record_check import RecordChecker
from server.notary.batch import Batch, compute_batch_id
from server.notary.canonical import leaf_of
from server.notary.chain import Gap, TrustedKeys, check_batch, choose_next
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import VerificationError
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from storage.engine import Engine
from storage.evidence import (
    BatchGroup,
    count_records,
    last_batch,
    list_logs,
    read_batch_groups,
    read_batches,
    read_batches_of_leaves,
    read_misnamed_batches,
    read_records_of_batch,
)

__all__ = ["Progress", "Scope", "Summary", "verify"]

_WINDOW = 100_000  # records read at once
_LISTED = 100  # records of no batch that are looked at one by one
_IN_FLIGHT = 3.0  # seconds that may lie between a batch's records and the row that commits it


@dataclass(frozen=True, slots=True)
class Scope:
    """What is verified.

    Attributes:
        since: only batches ingested at or after this, in nanoseconds since the epoch.
        until: only batches ingested before this.
        checkpoints: checkpoints from earlier, whose signatures were checked.
    """

    since: int | None = None
    until: int | None = None
    checkpoints: Sequence[Checkpoint] = ()

    @property
    def whole(self) -> bool:
        """No range of time is given."""
        return self.since is None and self.until is None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far verification has come: batches and records so far, of how many records in all."""

    origin: str
    batches: int
    records: int
    total_records: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What was verified."""

    logs: int
    batches: int
    records: int
    findings: int


def verify(engine: Engine, keys: TrustedKeys, scope: Scope) -> Iterator[Progress | Finding | Summary]:
    """Verify storage; the last item is the summary.

    Args:
        engine: the storage.
        keys: the public keys to believe.
        scope: what to verify.

    Raises:
        StorageError: storage cannot be read.
    """
    run = _Verification(engine, keys, scope)
    findings = 0
    for item in run.steps():
        findings += isinstance(item, Finding)
        yield item
    yield Summary(len(run.ends), run.batches, run.records, findings)


class _Verification:
    """One pass over a storage."""

    def __init__(self, engine: Engine, keys: TrustedKeys, scope: Scope) -> None:
        self._engine = engine
        self._keys = keys
        self._scope = scope
        self.ends: dict[str, Batch] = {}  # origin -> the log's last batch when verification began
        self.batches = 0
        self.records = 0
        self._total = 0
        self._groups: dict[Stream, dict[tuple[str, UUID], BatchGroup]] = {}
        self._known_ids: dict[str, set[UUID]] = {}  # by LogId
        self._gaps: list[tuple[str, Gap]] = []  # by origin
        self._broken: dict[Batch, Finding] = {}
        self._missing: dict[bytes, Finding] = {}
        # Leaves whose records need no finding of their own: their batch has one. By LogId.
        self._explained: list[tuple[str, int, int]] = []

    def steps(self) -> Iterator[Progress | Finding]:
        # First where each log ends, then which rows there are: so every batch up to that end has
        # all its rows among them, however much is written meanwhile.
        for log_id, origin in list_logs(self._engine):
            end = last_batch(self._engine, log_id) if _log_id(origin) == log_id else None
            if end is not None:
                self.ends[origin] = end
        for stream in Stream:
            groups = read_batch_groups(self._engine, stream, since=self._scope.since, until=self._scope.until)
            self._groups[stream] = {(group.log_id, group.batch_id): group for group in groups}
        self._total = count_records(self._engine, since=self._scope.since, until=self._scope.until)
        for batch in read_misnamed_batches(self._engine):
            self._take_if_broken(batch)
        for origin, end in self.ends.items():
            yield from self._log(LogName.parse(origin), end)
        yield from self._broken_and_missing()
        yield from self._checkpoints()
        for stream, by_id in self._groups.items():
            for group in by_id.values():
                yield from self._unsigned(stream, group)
        yield from self._missing.values()

    def _take_if_broken(self, batch: Batch) -> bool:
        known = self._known_ids.setdefault(batch.log_id, set())
        known.add(batch.batch_id)
        finding = check_batch(batch, self._keys)
        if finding is None:
            return False
        self._broken[batch] = finding
        # Its records name what its ID was: one of these, unless both were altered.
        for log_id in (batch.log_id, _log_id(batch.origin)):
            self._known_ids.setdefault(log_id, set()).update({batch.batch_id, compute_batch_id(batch)})
        return True

    def _log(self, name: LogName, end: Batch) -> Iterator[Progress | Finding]:
        groups = {
            batch_id: group for (log_id, batch_id), group in self._groups[name.stream].items() if log_id == name.log_id
        }
        known = self._known_ids.setdefault(name.log_id, set())
        checker = RecordChecker(self._engine, name, groups, known, self._missing)
        window: list[Batch] = []
        for item in self._chain(name, end):
            if isinstance(item, Finding):
                yield item
                continue
            window.append(item)
            if item.tree_size - window[0].first_leaf >= _WINDOW:
                yield from self._window(checker, window)
                window = []
        if window:
            yield from self._window(checker, window)

    def _window(self, checker: RecordChecker, window: list[Batch]) -> Iterator[Progress | Finding]:
        yield from checker.check(window)
        self.batches += len(window)
        self.records += sum(batch.record_count for batch in window)
        yield Progress(checker.name.origin, self.batches, self.records, max(self._total, self.records))

    def _chain(self, name: LogName, end: Batch) -> Iterator[Batch | Finding]:
        """Yield the batches that make up a log, in order, and what is wrong with others."""
        before: Batch | None = None
        for same_number in self._by_number(name, end):
            good = [batch for batch in same_number if not self._take_if_broken(batch)]
            if not good:
                continue
            chosen, findings = choose_next(good, before, from_start=self._scope.whole)
            yield from findings
            if before is not None or self._scope.whole:
                gap = Gap(before, chosen)
                if gap.first_sequence != chosen.sequence:
                    self._gaps.append((name.origin, gap))
            before = chosen
            yield chosen

    def _by_number(self, name: LogName, end: Batch) -> Iterator[list[Batch]]:
        after = 0
        while True:
            page = read_batches(
                self._engine,
                name.log_id,
                after_sequence=after,
                since=self._scope.since,
                until=self._scope.until,
            )
            page = [batch for batch in page if batch.sequence <= end.sequence]
            if not page:
                return
            for _, same_number in groupby(page, key=lambda batch: batch.sequence):
                yield list(same_number)
            after = page[-1].sequence

    def _broken_and_missing(self) -> Iterator[Finding]:
        unfilled = []
        for origin, gap in self._gaps:
            count = gap.after.sequence - gap.first_sequence
            filling = [batch for batch in self._broken if _fills(batch, origin, gap)]
            self._explained.append((gap.after.log_id, gap.first_leaf, gap.end_leaf))
            if len(filling) < count:
                unfilled.append((origin, gap, count - len(filling)))
        for batch, finding in self._broken.items():
            self._explained.append((batch.log_id, batch.first_leaf, batch.tree_size))
            yield finding
        for origin, gap, count in unfilled:
            records = gap.end_leaf - gap.first_leaf
            yield Finding(
                FindingKind.BATCH_MISSING,
                f"{origin}: {count} batch(es) from number {gap.first_sequence} on are not stored; they signed the "
                f"records {gap.first_leaf} to {gap.end_leaf - 1}"
                if records
                else f"{origin}: batch {gap.after.sequence} follows on {gap.first_sequence - 1}, it was renumbered",
                log_id=gap.after.log_id,
                origin=origin,
                sequence=gap.first_sequence,
                record_count=records,
            )

    def _checkpoints(self) -> Iterator[Finding]:
        for checkpoint in self._scope.checkpoints:
            end = self.ends.get(checkpoint.origin)
            if checkpoint.size == 0:
                continue
            if end is None or end.tree_size < checkpoint.size:
                size = end.tree_size if end else 0
                log_id = _log_id(checkpoint.origin)
                self._explained.append((log_id, size, checkpoint.size))
                yield Finding(
                    FindingKind.LOG_TRUNCATED,
                    f"{checkpoint.origin}: the log has {size} entries, and had {checkpoint.size} when the checkpoint "
                    "that was given was signed",
                    log_id=log_id,
                    origin=checkpoint.origin,
                    record_count=checkpoint.size - size,
                )
            elif not self._includes(checkpoint, end.log_id):
                yield Finding(
                    FindingKind.LOG_FORKED,
                    f"{checkpoint.origin}: the log does not go on from the checkpoint of {checkpoint.size} entries "
                    "that was given: its history was replaced",
                    log_id=end.log_id,
                    origin=checkpoint.origin,
                )

    def _includes(self, checkpoint: Checkpoint, log_id: str) -> bool:
        """Tell whether a log has a checkpoint in its history, or a gap where it would stand."""
        batches = read_batches_of_leaves(self._engine, log_id, [checkpoint.size - 1, checkpoint.size])
        for batch in batches:
            if batch.tree_size == checkpoint.size and batch.root_hash == checkpoint.root:
                return True
            if batch.first_leaf == checkpoint.size:
                return _root(batch) == checkpoint.root
        return any(
            origin == checkpoint.origin and gap.first_leaf < checkpoint.size < gap.end_leaf
            for origin, gap in self._gaps
        ) or any(batch in self._broken for batch in batches)

    def _unsigned(self, stream: Stream, group: BatchGroup) -> Iterator[Finding]:
        if group.batch_id in self._known_ids.get(group.log_id, ()) or self._is_committed(group):
            return
        if any(
            log_id == group.log_id and first <= group.min_leaf and group.max_leaf < end
            for log_id, first, end in self._explained
        ):
            return
        limit = _LISTED + len(self._missing)
        rows = list(read_records_of_batch(self._engine, stream, group.log_id, group.batch_id, limit))
        unexplained = []
        for row in rows:
            moved = self._missing.pop(leaf_of(row.canonical), None)
            if moved is None:
                unexplained.append(row)
                continue
            yield Finding(
                FindingKind.RECORD_CHANGED,
                moved.message.partition(": ")[0] + ": its LogId, BatchId or LeafIndex was changed",
                log_id=moved.log_id,
                origin=moved.origin,
                batch_id=moved.batch_id,
                sequence=moved.sequence,
                leaf_index=moved.leaf_index,
                record=row.canonical,
                record_count=1,
            )
        count = group.count - (len(rows) - len(unexplained))
        if count:
            where = f"log {group.log_id}, batch {group.batch_id}" if group.log_id else "no log"
            yield Finding(
                FindingKind.RECORDS_UNSIGNED,
                f"{count} {stream.value} record(s) name {where}, which was never committed: left over from a crash, or "
                "not written by Lognotary",
                log_id=group.log_id,
                batch_id=group.batch_id,
                leaf_index=unexplained[0].leaf_index if unexplained and group.log_id else None,
                record=unexplained[0].canonical if unexplained else None,
                record_count=count,
            )

    def _is_committed(self, group: BatchGroup) -> bool:
        """Tell whether a batch that this pass did not read is committed, or just being committed."""
        end = next((end for end in self.ends.values() if end.log_id == group.log_id), None)
        deadline = time.monotonic() + (_IN_FLIGHT if end is None or group.min_leaf >= end.tree_size else 0)
        while group.log_id:
            batches = read_batches_of_leaves(self._engine, group.log_id, [group.min_leaf, group.max_leaf])
            if any(batch.batch_id == group.batch_id for batch in batches):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.2)
        return False


def _log_id(origin: str) -> str:
    try:
        return LogName.parse(origin).log_id
    except VerificationError:
        return ""


def _root(batch: Batch) -> bytes:
    return CompactRange.from_bytes(batch.first_leaf, batch.frontier).root()


def _fills(batch: Batch, origin: str, gap: Gap) -> bool:
    """Tell whether a broken batch is what is missing in a gap, by whatever of it is unharmed."""
    if batch.origin != origin and batch.log_id != gap.after.log_id:
        return False
    try:
        size = open_checkpoint(batch.checkpoint)[0].size
    except VerificationError:
        size = -1
    return (
        gap.first_leaf < size <= gap.end_leaf
        or gap.first_leaf < batch.tree_size <= gap.end_leaf
        or gap.first_sequence <= batch.sequence < gap.after.sequence
    )
