"""Verification of the whole storage: the batches of every log, the records of every batch, and orphan rows.

It needs only the storage, and runs in the server for its API, or in ``lognotary verify --storage`` without a
server.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from uuid import UUID

from server.notary.batch import Batch, compute_batch_id
from server.notary.chain import check_batch
from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys
from server.verification.capped import capped
from server.verification.definition_check import check_retention, definition_findings, settled_definitions
from server.verification.expiry import Expired, Expiry
from server.verification.foreign_logs import ForeignLogs, key_names
from server.verification.history_check import HistoryCheck
from server.verification.homes import is_log, log_id_of, origin_of_row, unlisted_batches
from server.verification.leaf_span import LeafSpan, leaf_span
from server.verification.log_check import LogCheck
from server.verification.lookup_check import LookupCheck
from server.verification.orphan_rows import OrphanRows, orphan_tiles
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.received import Received
from server.verification.record_check import Inventory, Pending, RecordChecker
from server.verification.required_logs import missing_logs
from server.verification.scope import Entries, Progress, Scope, Summary
from server.verification.tolerance import Tolerance
from storage.definitions import StoredDefinitions, read_definitions
from storage.engine import Engine
from storage.errors import StorageError
from storage.evidence import last_batch, read_foreign_batches, read_fragments, sample_batches
from storage.inventory import BatchIndex, LogExtent, TileGroup, read_batch_index, read_extents, read_tile_groups
from storage.record_groups import RecordGroups, read_all_record_groups
from storage.schema import RECORD_TABLES
from storage.statements import read_statements
from storage.stored_records import check_scan_types

__all__ = ["verify"]

_MOST_RECORDS = (1 << 63) - 1
_ALL_LEAVES = (0, 1 << 64)
_OF_ROWS = frozenset({FindingKind.BATCH_ALTERED, FindingKind.BATCH_FOREIGN_SIGNED, FindingKind.BATCH_DUPLICATED})
# Findings about signed records that are not there as they were signed.
_MISMATCHES = frozenset({FindingKind.RECORD_MISSING, FindingKind.RECORD_CHANGED, FindingKind.RECORD_REORDERED})
_SAMPLE = 3  # batches of a log that show whether it is one, if there are suspiciously many


def verify(
    engine: Engine,
    keys: TrustedKeys,
    scope: Scope,
    limits: ReadLimits = READ_LIMITS,
    *,
    known_keys: TrustedKeys | None = None,
) -> Generator[Progress | Finding | Expired | Summary, None, None]:
    """Verify storage; yield progress and findings, and last the summary.

    Args:
        engine: the storage.
        keys: trusted public keys.
        scope: scope of the verification.
        limits: limits on how much is read at once.
        known_keys: keys that are not trusted, but are named by their fingerprints if they signed a log.

    Raises:
        StorageError: storage cannot be read.
    """
    run = _Verification(engine, keys, scope, limits)
    told = 0
    foreign = ForeignLogs()
    for item in run.steps():
        if isinstance(item, Finding):
            run.count(item)
        if not (isinstance(item, Finding) and foreign.holds(item)):
            told += isinstance(item, Finding)
            yield item
    for finding in foreign.findings(run.signed_logs(), keys, run.key_names, known_keys or TrustedKeys()):
        told += 1
        yield finding
    yield replace(run.summary(), findings=told)


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
        self._indexes: dict[str, BatchIndex] = {}  # by origin
        self._lookups: dict[str, LookupCheck] = {}  # by origin
        self._foreign: list[Batch] = []
        self._unread: set[str] = set()  # origins of logs that could not be read to their end
        self._tolerance = Tolerance()
        self._statements_read = False
        self._batches_read = False
        self._groups: dict[Stream, RecordGroups] = {}
        self._tiles: list[TileGroup] | None = None
        self._altered_tiles: list[Batch] = []
        self._total = 0
        self.found = 0
        self.key_names: dict[str, str] = {}
        self._stated: dict[str, LogStatements] = {}
        self._now = time.time_ns()
        self._definitions = StoredDefinitions({})
        self._received: dict[str, Received] = {}  # by origin
        self._mismatched = 0
        self._resume = {checkpoint.origin: checkpoint for checkpoint in scope.resume if checkpoint.size}

    def summary(self) -> Summary:
        """Return the summary of what has been verified."""
        partly = not self._scope.whole or bool(self._resume)
        unread = sorted(self._unread)
        return Summary(
            logs=len(self._logs.keys() - self._unread),
            batches=self._batches,
            records=self._records,
            findings=self.found,
            statements=sum(len(log.statements) for log in self._stated.values()),
            expired_records=sum(expiry.records for expiry in self._expiries.values()),
            continued=sum(
                self._spans[origin].after is not None and log.tip is not None for origin, log in self._logs.items()
            ),
            mismatched=min(self._mismatched, self._records),
            entries=[self._entries(log) for _, log in sorted(self._logs.items())] if partly else (),
            resumed=sum(span.first for span in self._spans.values()) if self._scope.whole else 0,
            nothing_received=not self._scope.whole and not self._any_received(),
            unread=unread,
            skipped=self._definitions.unread,
            unanchored=sorted(self._unanchored()),
            lookups=sum(check.lookups for check in self._lookups.values()),
        )

    def _unanchored(self) -> Iterator[str]:
        """Return the logs that nothing outside storage says anything about, if their end is verified."""
        kept = {_checkpoint_of(kept).origin for kept in self._scope.checkpoints} | self._resume.keys()
        for origin, log in self._logs.items():
            if log.tip is not None and origin not in kept | self._unread and self._spans[origin].end is None:
                yield origin

    def count(self, finding: Finding) -> None:
        """Count a finding."""
        self.found += 1
        if finding.kind in _MISMATCHES:
            self._mismatched += finding.record_count

    def _entries(self, log: LogCheck) -> Entries:
        span = self._spans[log.name.origin]
        return Entries(log.name.origin, span.first, max(span.first, log.size if span.end is None else span.end))

    def _any_received(self) -> bool:
        try:
            return any(self._received[origin].any(self._engine, log.name) for origin, log in self._logs.items())
        except StorageError:
            if not self.found:
                raise
            return False

    def signed_logs(self) -> Iterator[str]:
        """Return the LogIds of the logs of which a batch or a statement is signed by a known key."""
        yield from (log_id for log_id, log in self._stated.items() if log.statements)
        yield from (log.name.log_id for log in self._logs.values() if log.tip is not None)

    def steps(self) -> Iterator[Progress | Finding | Expired]:
        self._definitions = settled_definitions(self._engine)
        for finding in definition_findings(self._definitions):
            self._tolerance.tables_altered = True
            yield finding
        yield from self._read()
        if self._batches_read:
            yield from self._check()

    def _check(self) -> Iterator[Progress | Finding | Expired]:
        for origin, log in self._logs.items():
            yield from self._follow(log, capped(log.batches(self._indexes[origin]), self._limits.told, _OF_ROWS))
        for origin, lookups in self._lookups.items():
            yield from self._tolerance.trying(f"Lookups of {origin}", capped(lookups.drawn(), self._limits.told))
        yield from self._gaps()
        yield from self._tolerance.trying("The history of logs", self._check_history())
        yield from self._tolerance.trying("The rows of no batch", self._loose())
        yield from self._tolerance.trying("The retention of tables", self._check_retention())
        for origin, expiry in self._expiries.items():
            yield from expiry.expired(origin)

    def _read(self) -> Iterator[Finding]:
        """Read what all logs need, as far as it can be read."""
        # Statements are read before batches, so that every checkpoint that a statement is about is among the batches.
        yield from self._tolerance.trying("Statements", self._read_statements(), "log_statements")
        # The list of batches is read before the rows, so that the rows of every verified batch are all among
        # them, however much is written meanwhile.
        yield from self._tolerance.trying("The list of batches", self._read_batches(), "log_batches")
        if not self._batches_read:  # everything else would seem to belong to no log
            self._unread |= {origin for log in self._stated.values() for origin in log.origins}
            return
        yield from self._tolerance.trying("The hashes of logs", self._read_tiles(), "log_tiles")
        for stream in Stream:
            what, table = f"{stream.value.capitalize()} records", RECORD_TABLES[stream]
            yield from self._tolerance.trying(what, self._read_groups(stream), table)
        for origin in self._indexes:
            name = LogName.parse(origin)
            if name.stream in self._groups:
                self._logs[origin] = self._open(name)
            else:
                self._leave(name)

    def _read_statements(self) -> Iterator[Finding]:
        rows = list(read_statements(self._engine))
        self.key_names = key_names(rows)
        self._keys = learn_keys(rows, self._keys)
        self._stated = check_statements(rows, self._keys)
        self._statements_read = True
        others: list[Finding] = []
        for log in self._stated.values():
            if log.statements:
                yield from capped(log.findings, self._limits.told)
            else:
                others += log.findings
        yield from capped(others, self._limits.told)

    def _read_batches(self) -> Iterator[Finding]:
        extents = self._extents()
        self._spans = {extent.origin: self._span(extent) for extent in extents}
        # The sizes are not checked yet, and a row may name any.
        total = sum(self._spans[extent.origin].entries(extent.size) for extent in extents)
        self._total = min(total, _MOST_RECORDS)
        self._indexes = {extent.origin: self._index(extent) for extent in extents}
        self._foreign, unlisted = read_foreign_batches(
            self._engine, [extent.log_id for extent in extents], self._limits.junk
        )
        self._batches_read = True
        yield from unlisted_batches(unlisted)

    def _read_tiles(self) -> Iterator[Finding]:
        firsts = {log_id_of(origin): span.first for origin, span in self._spans.items() if span.first}
        read_fragments(self._engine, "", 0, 1)  # shows whether they can be read
        self._tiles = read_tile_groups(self._engine, after=firsts)
        yield from ()

    def _read_groups(self, stream: Stream) -> Iterator[Finding]:
        check_scan_types(self._engine, stream)
        self._groups[stream] = read_all_record_groups(self._engine, stream, self._limits.junk)
        yield from ()

    def _extents(self) -> list[LogExtent]:
        """Return the logs. Other names are foreign, and if there are many also those without a valid first row."""
        extents = [extent for extent in read_extents(self._engine) if is_log(extent.log_id, extent.origin)]
        if len(extents) <= self._limits.logs:
            return extents
        sample = sample_batches(self._engine, _SAMPLE)
        signed = {batch.origin for batch in sample if check_batch(batch, self._keys) is None}
        return [extent for extent in extents if extent.origin in signed or self._has_statements(extent.log_id)]

    def _has_statements(self, log_id: str) -> bool:
        return log_id in self._stated and bool(self._stated[log_id].statements)

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
        tiles = None
        if self._tiles is not None:
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
            lookups=self._lookups.setdefault(name.origin, LookupCheck(self._engine, name, self._scope.lookups)),
        )
        sizes = {statement.checkpoint.size for statement in stated.statements.values()}
        received = self._received[name.origin] = Received(self._scope.since, self._scope.until)
        return LogCheck(
            self._engine,
            self._keys,
            checker,
            resume=self._spans[name.origin].after,
            end=self._spans[name.origin].end,
            wanted=sizes,
            on_verified=received.add,
        )

    def _follow(self, log: LogCheck, steps: Iterable[Finding | None]) -> Iterator[Progress | Finding]:
        followed = False

        def follow() -> Iterator[Progress | Finding]:
            nonlocal followed
            for step in steps:
                if step is not None:
                    yield step
                else:
                    total = max(self._total, self._records)
                    yield Progress(log.name.origin, self._batches, self._records, total, self._good_until(log))
            followed = True

        yield from self._tolerance.trying(log.name.origin, follow())
        if not followed:
            self._leave(log.name)

    def _leave(self, name: LogName) -> None:
        """Leave a log that cannot be read: nothing that is stored with it needs a finding of its own."""
        self._unread.add(name.origin)
        self._explained[name.log_id].append(_ALL_LEAVES)

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

    def _gaps(self) -> Iterator[Progress | Finding]:
        """Assign broken rows to the log they belong to, and yield what is missing in each log."""
        broken = {batch: finding for log in self._logs.values() for batch, finding in log.broken}
        for batch in self._foreign:
            finding = check_batch(batch, self._keys)
            if finding is not None:  # otherwise it is the first of a log that did not exist before
                broken[batch] = finding
        by_home: defaultdict[str, list[tuple[Batch, Finding]]] = defaultdict(list)
        for batch, finding in broken.items():
            home = origin_of_row(batch)
            by_home[home].append((batch, finding))
            if home in self._logs:  # what names a batch of no log is a finding of its own
                self._known_ids[log_id_of(home)] |= {batch.batch_id, compute_batch_id(batch)}
        for origin, log in self._logs.items():
            rows = by_home.pop(origin, [])
            if origin not in self._unread:
                yield from self._follow(log, capped(log.gaps(rows), self._limits.told, _OF_ROWS))
            self._explained[log.name.log_id] += log.explained
        yield from capped([finding for rows in by_home.values() for _, finding in rows], self._limits.told)

    def _check_history(self) -> Iterator[Finding]:
        logs = {origin: log for origin, log in self._logs.items() if origin not in self._unread}
        unread = {log_id_of(origin) for origin in self._indexes.keys() - logs.keys()}
        stated = {log_id: log for log_id, log in self._stated.items() if log_id not in unread}
        history = HistoryCheck(logs, stated, self._explained, self._size)
        after = {origin: span.after for origin, span in self._spans.items() if span.after is not None}
        for kept in (*self._scope.checkpoints, *after.values()):
            origin = _checkpoint_of(kept).origin
            if log_id_of(origin) not in unread:
                yield from history.check(kept)
        ends = {origin: span.end for origin, span in self._spans.items() if span.end is not None}
        yield from history.check_statements({origin: kept.size for origin, kept in after.items()}, ends)
        if self._statements_read:
            yield from history.check_begun(self._engine)
        yield from missing_logs(self._engine, self._keys, self._scope.required, self._logs, history.truncated)

    def _check_retention(self) -> Iterator[Finding]:
        kept = [
            origin
            for origin, log in self._logs.items()
            if (last := log.tip) is not None and not self._expiries[origin].covers(last)
        ]
        yield from check_retention(self._definitions, self._stated, kept, lambda: read_definitions(self._engine))

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
            [tile for tile in self._tiles or () if not _is_beyond(tile, spans)],
            self._known_ids,
            {(group.log_id, group.batch_id) for rows in groups.values() for group in rows.groups},
            self._explained,
            {batch.batch_id for batch in self._altered_tiles},
        )


def _checkpoint_of(kept: Checkpoint | Statement) -> Checkpoint:
    return kept.checkpoint if isinstance(kept, Statement) else kept


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
