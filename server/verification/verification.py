"""Verification of the whole storage: the batches of every log, the records of every batch, and orphan rows.

It needs only the storage, and runs in the server for its API, or in ``lognotary verify --storage`` without a
server.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from server.notary.batch import Batch, compute_batch_id
from server.notary.chain import check_batch
from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement
from server.notary.trust import TrustedKeys
from server.verification.capped import capped
from server.verification.definition_check import check_retention, definition_findings, settled_definitions
from server.verification.expiry import Expired, Expiry, expiry_of
from server.verification.foreign_logs import ForeignLogs
from server.verification.history_check import HistoryCheck
from server.verification.hold_check import check_holds
from server.verification.homes import log_id_of, origin_of_row
from server.verification.last_batches import last_batch_of
from server.verification.leaf_span import LeafSpan
from server.verification.log_check import LogCheck
from server.verification.lookup_check import LookupCheck
from server.verification.orphan_rows import OrphanRows, orphan_tiles
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.received import Received
from server.verification.record_check import Pending, RecordChecker
from server.verification.required_logs import missing_logs
from server.verification.scope import Entries, Progress, Scope, SkippedCheck, Summary
from server.verification.stored_logs import StoredLogs
from server.verification.tolerance import Tolerance
from storage.definitions import StoredDefinitions, read_definitions
from storage.engine import Engine
from storage.errors import AccessDeniedError, StorageError
from storage.inventory import TileGroup
from storage.record_groups import RecordGroups

__all__ = ["verify"]

_logger = logging.getLogger(__name__)

_ALL_LEAVES = (0, 1 << 64)
_OF_ROWS = frozenset({FindingKind.BATCH_ALTERED, FindingKind.BATCH_FOREIGN_SIGNED, FindingKind.BATCH_DUPLICATED})
# Findings about signed records that are not there as they were signed, or cannot be read.
_MISMATCHES = frozenset(
    {
        FindingKind.RECORD_MISSING,
        FindingKind.RECORD_CHANGED,
        FindingKind.RECORD_REORDERED,
        FindingKind.TABLE_ALTERED,
    }
)


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
    for finding in foreign.findings(run.signed_logs(), keys, run.key_names(), known_keys or TrustedKeys()):
        told += 1
        yield finding
    yield replace(run.summary(), findings=told)


@dataclass(frozen=True, slots=True)
class _OpenLog:
    """A log whose records can be read."""

    check: LogCheck
    span: LeafSpan
    expiry: Expiry
    lookups: LookupCheck
    received: Received

    def entries(self) -> Entries:
        """Return the entries that are verified."""
        first, end = self.span.first, self.span.end
        return Entries(self.check.name.origin, first, max(first, self.check.size if end is None else end))


class _Verification:
    """One pass over the storage."""

    def __init__(self, engine: Engine, keys: TrustedKeys, scope: Scope, limits: ReadLimits) -> None:
        self._limits = limits
        self._engine = engine
        self._scope = scope
        self._pending = Pending(limits=limits)
        self._known_ids: defaultdict[str, set[UUID]] = defaultdict(set)  # by LogId
        # By LogId: leaves whose records need no finding of their own, because their batch has one.
        self._explained: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._logs: dict[str, _OpenLog] = {}  # by origin
        self._unread: set[str] = set()  # origins of logs that could not be read to their end
        self._tolerance = Tolerance()
        self._stored = StoredLogs(engine, keys, scope, limits)
        self._altered_tiles: list[Batch] = []
        self.found = 0
        self._now = time.time_ns()
        self._definitions = StoredDefinitions({})
        self._mismatched = 0
        self._skipped: list[SkippedCheck] = []

    def summary(self) -> Summary:
        """Return the summary of what has been verified."""
        partly = not self._scope.whole or bool(self._stored.resume)
        unread = sorted(self._unread)
        return Summary(
            logs=len(self._logs.keys() - self._unread),
            batches=self._batches,
            records=self._records,
            findings=self.found,
            statements=sum(len(log.statements) for log in self._stored.stated.values()),
            expired_records=sum(log.expiry.records for log in self._logs.values()),
            continued=sum(log.span.after is not None and log.check.tip is not None for log in self._logs.values()),
            mismatched=min(self._mismatched, self._records),
            entries=[log.entries() for _, log in sorted(self._logs.items())] if partly else (),
            resumed=sum(span.first for span in self._stored.spans.values()) if self._scope.whole else 0,
            nothing_received=not self._scope.whole and not self._any_received(),
            unread=unread,
            skipped=[*self._definitions.unread, *self._skipped],
            unanchored=sorted(self._unanchored()),
            lookups=sum(log.lookups.lookups for log in self._logs.values()),
        )

    def _unanchored(self) -> Iterator[str]:
        """Return the logs that nothing outside storage says anything about, if their end is verified."""
        kept = {_checkpoint_of(kept).origin for kept in self._scope.checkpoints} | self._stored.resume.keys()
        for origin, log in self._logs.items():
            if log.check.tip is not None and origin not in kept | self._unread and log.span.end is None:
                yield origin

    def count(self, finding: Finding) -> None:
        """Count a finding."""
        self.found += 1
        if finding.kind in _MISMATCHES:
            self._mismatched += finding.record_count

    def _any_received(self) -> bool:
        try:
            return any(log.received.any(self._engine, log.check.name) for log in self._logs.values())
        except StorageError:
            if not self.found:
                raise
            return False

    def signed_logs(self) -> Iterator[str]:
        """Return the LogIds of the logs of which a batch or a statement is signed by a known key."""
        yield from (log_id for log_id, log in self._stored.stated.items() if log.statements)
        yield from (log.name.log_id for log in self._checks() if log.tip is not None)

    def key_names(self) -> Mapping[str, str]:
        """Return the names of keys, by fingerprint, as statements have them."""
        return self._stored.key_names

    def steps(self) -> Iterator[Progress | Finding | Expired]:
        self._definitions = settled_definitions(self._engine)
        for finding in definition_findings(self._definitions):
            self._tolerance.tables_altered = True
            yield finding
        yield from self._read()
        if self._stored.batches_read:
            yield from self._check()

    def _check(self) -> Iterator[Progress | Finding | Expired]:
        for origin, log in self._logs.items():
            steps = log.check.batches(self._stored.indexes[origin])
            yield from self._follow(log.check, capped(steps, self._limits.told, _OF_ROWS))
        for origin, log in self._logs.items():
            yield from self._tolerance.trying(f"Lookups of {origin}", capped(log.lookups.drawn(), self._limits.told))
        yield from self._gaps()
        yield from self._tolerance.trying("The history of logs", self._check_history())
        yield from self._tolerance.trying("The rows of no batch", self._loose())
        yield from self._tolerance.trying("The retention of tables", self._check_retention())
        if self._scope.whole and Stream.AUDIT in self._stored.groups:
            yield from self._tolerance.trying("Legal holds", self._check_holds())
        for origin, log in self._logs.items():
            yield from log.expiry.expired(origin)

    def _read(self) -> Iterator[Finding]:
        """Read what all logs need, as far as it can be read."""
        yield from self._stored.read(self._tolerance)
        if not self._stored.batches_read:
            self._unread |= {origin for log in self._stored.stated.values() for origin in log.origins}
        for origin in self._stored.indexes:
            name = LogName.parse(origin)
            if name.stream in self._stored.groups:
                self._logs[origin] = self._open(name)
            else:
                self._leave(name)

    def _open(self, name: LogName) -> _OpenLog:
        stated = self._stored.statements_of(name.log_id)
        expiry = expiry_of(self._engine, name, self._stored.keys, stated, self._now)
        lookups = LookupCheck(self._engine, name, self._scope.lookups)
        checker = RecordChecker(
            self._engine,
            name,
            expiry,
            self._stored.inventory(name),
            self._pending,
            self._known_ids[name.log_id],
            altered_tiles=self._altered_tiles,
            limits=self._limits,
            lookups=lookups,
        )
        span = self._stored.spans[name.origin]
        received = Received(self._scope.since, self._scope.until)
        check = LogCheck(
            self._engine,
            self._stored.keys,
            checker,
            resume=span.after,
            end=span.end,
            wanted={statement.checkpoint.size for statement in stated.statements.values()},
            on_verified=received.add,
        )
        return _OpenLog(check, span, expiry, lookups, received)

    def _follow(self, log: LogCheck, steps: Iterable[Finding | None]) -> Iterator[Progress | Finding]:
        followed = False

        def follow() -> Iterator[Progress | Finding]:
            nonlocal followed
            for step in steps:
                if step is not None:
                    yield step
                else:
                    total = max(self._stored.total, self._records)
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
        return sum(log.verified_batches for log in self._checks())

    @property
    def _records(self) -> int:
        return sum(log.verified_records for log in self._checks())

    def _checks(self) -> Iterator[LogCheck]:
        return (log.check for log in self._logs.values())

    def _gaps(self) -> Iterator[Progress | Finding]:
        """Assign broken rows to the log they belong to, and yield what is missing in each log."""
        broken = {batch: finding for log in self._checks() for batch, finding in log.broken}
        for batch in self._stored.foreign:
            finding = check_batch(batch, self._stored.keys)
            if finding is not None:  # otherwise it is the first of a log that did not exist before
                broken[batch] = finding
        by_home: defaultdict[str, list[tuple[Batch, Finding]]] = defaultdict(list)
        for batch, finding in broken.items():
            home = origin_of_row(batch)
            by_home[home].append((batch, finding))
            if home in self._logs:  # what names a batch of no log is a finding of its own
                self._known_ids[log_id_of(home)] |= {batch.batch_id, compute_batch_id(batch)}
        for log in self._checks():
            rows = by_home.pop(log.name.origin, [])
            if log.name.origin not in self._unread:
                yield from self._follow(log, capped(log.gaps(rows), self._limits.told, _OF_ROWS))
            self._explained[log.name.log_id] += log.explained
        yield from capped([finding for rows in by_home.values() for _, finding in rows], self._limits.told)

    def _check_history(self) -> Iterator[Finding]:
        logs = {origin: log.check for origin, log in self._logs.items() if origin not in self._unread}
        unread = {log_id_of(origin) for origin in self._stored.indexes.keys() - logs.keys()}
        stated = {log_id: log for log_id, log in self._stored.stated.items() if log_id not in unread}
        history = HistoryCheck(logs, stated, self._explained, self._size)
        after = {origin: span.after for origin, span in self._stored.spans.items() if span.after is not None}
        for kept in (*self._scope.checkpoints, *after.values()):
            origin = _checkpoint_of(kept).origin
            if log_id_of(origin) not in unread:
                yield from history.check(kept)
        ends = {origin: span.end for origin, span in self._stored.spans.items() if span.end is not None}
        yield from history.check_statements({origin: kept.size for origin, kept in after.items()}, ends)
        if self._stored.statements_read:
            yield from history.check_begun(self._engine)
        checks = {origin: log.check for origin, log in self._logs.items()}
        yield from missing_logs(self._engine, self._stored.keys, self._scope.required, checks, history.truncated)

    def _check_retention(self) -> Iterator[Finding]:
        kept = [
            origin
            for origin, log in self._logs.items()
            if (last := log.check.tip) is not None and not log.expiry.covers(last)
        ]
        yield from check_retention(self._definitions, self._stored.stated, kept, lambda: read_definitions(self._engine))

    def _check_holds(self) -> Iterator[Finding]:
        # Records of holds are in logs of the default tenant, whose data are never dropped.
        audit = (
            log.expiry
            for log in self._logs.values()
            if log.check.name.stream is Stream.AUDIT and not self._stored.statements_of(log.check.name.log_id).drops
        )
        kept_since = max((expiry.before for expiry in audit), default=self._now)
        try:
            yield from check_holds(self._engine, kept_since, self._now)
        except AccessDeniedError as error:
            skipped = SkippedCheck("legal holds against their signed records", "SELECT ON legal_holds", str(error))
            _logger.warning("verification leaves out a check of %s", skipped)
            self._skipped.append(skipped)

    def _size(self, log: LogCheck) -> int:
        """Return the number of entries in a log, even if only a part of the log is verified."""
        if self._stored.spans[log.name.origin].end is None:
            return log.size
        last = last_batch_of(self._engine, self._stored.keys, log.name.log_id)
        return max(log.size, last.valid.tree_size) if last and last.valid else log.size

    def _loose(self) -> Iterator[Finding]:
        logs = {log.name.log_id: log for log in self._checks()}
        streams = {log_id: log.name.stream for log_id, log in logs.items()}
        spans = {log.check.name.log_id: log.span for log in self._logs.values()}
        groups = {stream: _inside(rows, spans) for stream, rows in self._stored.groups.items()}
        rows = OrphanRows(self._engine, self._stored.keys, self._pending)
        yield from rows.find(
            groups, streams, self._known_ids, self._explained, lambda batch: logs[batch.log_id].recheck(batch)
        )
        for batch in self._altered_tiles:
            self._explained[batch.log_id].append((batch.first_leaf, batch.tree_size))
        yield from orphan_tiles(
            [tile for tile in self._stored.tiles or () if not _is_beyond(tile, spans)],
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
