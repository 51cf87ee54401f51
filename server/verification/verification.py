"""Verification of the whole storage: the batches of every log, the records of every batch, and orphan rows.

It needs only the storage, and runs in the server for its API, or in ``lognotary verify --storage`` without a
server.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.notary.batch import Batch, compute_batch_id
from server.notary.chain import check_batch
from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys
from server.verification.expiry import Expired, Expiry
from server.verification.history_check import HistoryCheck
from server.verification.homes import is_log, log_id_of, origin_of_row, unlisted_batches
from server.verification.leaf_span import LeafSpan, leaf_span
from server.verification.log_check import LogCheck
from server.verification.orphan_rows import OrphanRows, orphan_tiles
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.record_check import Inventory, Pending, RecordChecker
from server.verification.required_logs import missing_logs
from storage.engine import Engine
from storage.evidence import last_batch, read_foreign_batches, sample_batches
from storage.inventory import (
    BatchIndex,
    LogExtent,
    RecordGroups,
    TileGroup,
    read_all_record_groups,
    read_batch_index,
    read_extents,
    read_tile_groups,
)
from storage.statements import read_statements

__all__ = ["Progress", "Scope", "Summary", "verify"]

_SAMPLE = 3  # batches of a log that show whether it is one, if there are suspiciously many


@dataclass(frozen=True, slots=True)
class Scope:
    """Scope of a verification.

    Attributes:
        since: verify at least what was received at or after this time, in nanoseconds since the epoch.
        until: verify at least what was received before this time, in nanoseconds since the epoch.
        checkpoints: earlier checkpoints and statements, whose signatures were checked.
        resume: checkpoints up to which logs were verified before.
        required: origins or IDs of logs that must have entries.
    """

    since: int | None = None
    until: int | None = None
    checkpoints: Sequence[Checkpoint | Statement] = ()
    resume: Sequence[Checkpoint] = ()
    required: Sequence[str] = ()

    @property
    def whole(self) -> bool:
        """True if no range of time is given."""
        return self.since is None and self.until is None


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a verification.

    Attributes:
        origin: origin of the log that is being verified.
        batches: number of batches verified so far, in all logs.
        records: number of records verified so far, in all logs.
        total_records: number of records to verify, in all logs.
        checkpoint: checkpoint from which verification can be resumed, a signed note; empty if nothing has been
            verified successfully yet.
    """

    origin: str
    batches: int
    records: int
    total_records: int
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a verification; the records include those that retention has dropped."""

    logs: int
    batches: int
    records: int
    findings: int
    statements: int = 0
    expired_records: int = 0


def verify(
    engine: Engine, keys: TrustedKeys, scope: Scope, limits: ReadLimits = READ_LIMITS
) -> Generator[Progress | Finding | Expired | Summary, None, None]:
    """Verify storage; yield progress and findings, and last the summary.

    Args:
        engine: the storage.
        keys: trusted public keys.
        scope: scope of the verification.
        limits: limits on how much is read at once.

    Raises:
        StorageError: storage cannot be read.
    """
    run = _Verification(engine, keys, scope, limits)
    for item in run.steps():
        run.found += isinstance(item, Finding)
        yield item
    yield run.summary()


class _Verification:
    """One pass over the storage."""

    def __init__(self, engine: Engine, keys: TrustedKeys, scope: Scope, limits: ReadLimits) -> None:
        self._limits = limits
        self._engine = engine
        self._keys = keys
        self._scope = scope
        self._pending = Pending(limits=limits)
        self._known_ids: defaultdict[str, set[UUID]] = defaultdict(set)  # by LogId
        # By LogId: leaves whose records need no finding of their own, because their batch has one.
        self._explained: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._logs: dict[str, LogCheck] = {}  # by origin
        self._spans: dict[str, LeafSpan] = {}  # by origin
        self._expiries: dict[str, Expiry] = {}  # by origin
        self._groups: dict[Stream, RecordGroups] = {}
        self._tiles: list[TileGroup] = []
        self._altered_tiles: list[Batch] = []
        self._total = 0
        self.found = 0
        self._stated: dict[str, LogStatements] = {}
        self._now = time.time_ns()
        self._resume = {checkpoint.origin: checkpoint for checkpoint in scope.resume if checkpoint.size}

    def summary(self) -> Summary:
        """Return the summary of what has been verified."""
        return Summary(
            logs=len(self._logs),
            batches=self._batches,
            records=self._records,
            findings=self.found,
            statements=sum(len(log.statements) for log in self._stated.values()),
            expired_records=sum(expiry.records for expiry in self._expiries.values()),
        )

    def steps(self) -> Iterator[Progress | Finding | Expired]:
        # Statements are read before batches, so that every checkpoint that a statement is about is among the batches.
        rows = list(read_statements(self._engine))
        self._keys = learn_keys(rows, self._keys)
        self._stated = check_statements(rows, self._keys)
        yield from (finding for log in self._stated.values() for finding in log.findings)
        # The list of batches is read before the rows, so that the rows of every verified batch are all among
        # them, however much is written meanwhile.
        extents = self._extents()
        self._spans = {extent.origin: self._span(extent) for extent in extents}
        self._total = sum(_within(self._spans[extent.origin], extent) for extent in extents)
        indexes = {extent.origin: self._index(extent) for extent in extents}
        foreign, unlisted = read_foreign_batches(self._engine, [extent.log_id for extent in extents], self._limits.junk)
        after = {extent.log_id: self._spans[extent.origin].first for extent in extents}
        self._tiles = read_tile_groups(self._engine, after={log_id: size for log_id, size in after.items() if size})
        for stream in Stream:
            self._groups[stream] = read_all_record_groups(self._engine, stream, self._limits.junk)
        for origin in indexes:
            self._logs[origin] = self._open(LogName.parse(origin))
        for origin, log in self._logs.items():
            yield from self._follow(log, log.batches(indexes[origin]))
        yield from self._gaps(foreign)
        yield from unlisted_batches(unlisted)
        yield from self._check_history()
        yield from self._loose()
        for origin, expiry in self._expiries.items():
            yield from expiry.expired(origin)

    def _extents(self) -> list[LogExtent]:
        """Return the logs; rows of other names, and of names without a valid batch if there are many, are foreign."""
        extents = [extent for extent in read_extents(self._engine) if is_log(extent.log_id, extent.origin)]
        if len(extents) <= self._limits.logs:
            return extents
        sample = sample_batches(self._engine, _SAMPLE)
        signed = {batch.origin for batch in sample if check_batch(batch, self._keys) is None}
        return [extent for extent in extents if extent.origin in signed]

    def _span(self, extent: LogExtent) -> LeafSpan:
        if not self._scope.whole:
            stated = self._stated.get(extent.log_id, LogStatements())
            return leaf_span(stated, self._scope.since, self._scope.until)
        return LeafSpan(self._resume.get(extent.origin))

    def _index(self, extent: LogExtent) -> BatchIndex:
        span = self._spans[extent.origin]
        return read_batch_index(self._engine, extent.log_id, after=span.first, end=span.end)

    def _open(self, name: LogName) -> LogCheck:
        groups = self._groups[name.stream].groups
        records = {group.batch_id: group for group in groups if group.log_id == name.log_id}
        tiles = {group.batch_id: group for group in self._tiles if group.log_id == name.log_id}
        stated = self._stated.get(name.log_id, LogStatements())
        expiry = Expiry(stated, self._now)
        self._expiries[name.origin] = expiry
        checker = RecordChecker(
            self._engine,
            name,
            expiry,
            Inventory(records, tiles),
            self._pending,
            self._known_ids[name.log_id],
            altered_tiles=self._altered_tiles,
            limits=self._limits,
        )
        sizes = {statement.checkpoint.size for statement in stated.statements.values()}
        return LogCheck(self._engine, self._keys, checker, resume=self._spans[name.origin].after, wanted=sizes)

    def _follow(self, log: LogCheck, steps: Iterable[Finding | None]) -> Iterator[Progress | Finding]:
        for step in steps:
            if step is not None:
                yield step
            else:
                total = max(self._total, self._records)
                yield Progress(log.name.origin, self._batches, self._records, total, self._good_until(log))

    def _good_until(self, log: LogCheck) -> str:
        doubtful = self.found or self._pending.vacancies or self._pending.strays
        good = log.good_until
        return good.checkpoint if good and self._scope.whole and not doubtful else ""

    @property
    def _batches(self) -> int:
        return sum(log.verified_batches for log in self._logs.values())

    @property
    def _records(self) -> int:
        return sum(log.verified_records for log in self._logs.values())

    def _gaps(self, foreign: Sequence[Batch]) -> Iterator[Progress | Finding]:
        """Assign broken rows to the log they belong to, and yield what is missing in each log."""
        broken = {batch: finding for log in self._logs.values() for batch, finding in log.broken}
        for batch in foreign:
            finding = check_batch(batch, self._keys)
            if finding is not None:  # otherwise it is the first of a log that did not exist before
                broken[batch] = finding
        by_home: defaultdict[str, list[tuple[Batch, Finding]]] = defaultdict(list)
        for batch, finding in broken.items():
            home = origin_of_row(batch)
            by_home[home].append((batch, finding))
            self._known_ids[log_id_of(home)] |= {batch.batch_id, compute_batch_id(batch)}
        for origin, log in self._logs.items():
            yield from self._follow(log, log.gaps(by_home.pop(origin, [])))
            self._explained[log.name.log_id] += log.explained
        for rows in by_home.values():
            yield from (finding for _, finding in rows)

    def _check_history(self) -> Iterator[Finding]:
        history = HistoryCheck(self._logs, self._stated, self._explained, self._size)
        after = {origin: span.after for origin, span in self._spans.items() if span.after is not None}
        for kept in (*self._scope.checkpoints, *after.values()):
            yield from history.check(kept)
        ends = {origin: span.end for origin, span in self._spans.items() if span.end is not None}
        yield from history.check_statements({origin: kept.size for origin, kept in after.items()}, ends)
        yield from history.check_begun(self._engine)
        yield from missing_logs(self._engine, self._keys, self._scope.required, self._logs, history.truncated)

    def _size(self, log: LogCheck) -> int:
        """Return the number of entries in a log, even if only a part of the log is verified."""
        if self._spans[log.name.origin].end is None:
            return log.size
        last = last_batch(self._engine, log.name.log_id)
        return max(log.size, last.tree_size) if last else log.size

    def _loose(self) -> Iterator[Finding]:
        streams = {log.name.log_id: log.name.stream for log in self._logs.values()}
        spans = {log.name.log_id: self._spans[origin] for origin, log in self._logs.items()}
        logs = {log.name.log_id: log for log in self._logs.values()}
        groups = {stream: _inside(rows, spans) for stream, rows in self._groups.items()}
        rows = OrphanRows(self._engine, self._keys, self._pending)
        yield from rows.find(
            groups, streams, self._known_ids, self._explained, lambda batch: logs[batch.log_id].recheck(batch)
        )
        for batch in self._altered_tiles:
            self._explained[batch.log_id].append((batch.first_leaf, batch.tree_size))
        yield from orphan_tiles(
            [tile for tile in self._tiles if not _is_beyond(tile, spans)],
            self._known_ids,
            {(group.log_id, group.batch_id) for rows in groups.values() for group in rows.groups},
            self._explained,
            {batch.batch_id for batch in self._altered_tiles},
        )


def _within(span: LeafSpan, extent: LogExtent) -> int:
    """Return the number of a log's entries in a range."""
    end = extent.size if span.end is None else min(extent.size, span.end)
    return max(0, end - span.first)


def _inside(rows: RecordGroups, spans: Mapping[str, LeafSpan]) -> RecordGroups:
    """Return the groups of which a row is in no log, or claims a leaf within the range of its log."""
    whole = LeafSpan()
    groups = [
        group for group in rows.groups if not spans.get(group.log_id, whole).misses(group.min_leaf, group.max_leaf)
    ]
    return RecordGroups(groups, rows.unlisted)


def _is_beyond(tile: TileGroup, spans: Mapping[str, LeafSpan]) -> bool:
    """Return whether hashes belong to batches after the range of their log."""
    span = spans.get(tile.log_id)
    return span is not None and span.end is not None and tile.last_leaf >= span.end
