"""Verification of a storage in sections, one at a time, with bounded memory.

``verify`` checks everything in one pass, and needs a few hundred bytes of memory for every batch. Here each step is
independent. ``SectionCheck`` verifies a part of one log: its batches, and every row that claims one of its leaves;
``check_outside`` verifies everything that is in no log, and the statements. Every row of records and hashes claims one
leaf of one log, so each row is checked once. A record that was moved from one section to another is reported as missing
in the one and unsigned in the other, and not as moved.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from server.notary.batch import Batch, compute_batch_id
from server.notary.chain import Gap, check_batch
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.findings import Finding
from server.notary.origin import LogName, Stream
from server.notary.statement_check import LogStatements
from server.verification.definition_check import check_retention, definition_findings, settled_definitions
from server.verification.expiry import Expiry, expiry_of
from server.verification.history_check import HistoryCheck
from server.verification.homes import origin_of_row, unlisted_batches
from server.verification.log_check import LogCheck
from server.verification.lookup_check import LookupCheck, Lookups
from server.verification.orphan_rows import OrphanRows, orphan_tiles
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.record_check import Inventory, Pending, RecordChecker
from server.verification.sections import ResumePoint, Section, VerificationContext
from storage.definitions import read_definitions
from storage.engine import Engine
from storage.evidence import select_batches
from storage.inventory import Leaves, TileGroup, read_batch_index, read_tile_groups
from storage.record_groups import RecordGroup, RecordGroups, read_record_groups, read_record_groups_outside

__all__ = ["SectionCheck", "check_outside"]

_MOST_ASTRAY = 10_000  # rows that are searched to fill one gap


def check_outside(engine: Engine, context: VerificationContext) -> Iterator[Finding]:
    """Verify everything outside the sections: statements, kept checkpoints, and rows that claim no leaf of a log.

    Rows that were added since the context was read, for a batch that was committed since, are ignored.

    Raises:
        StorageError: storage cannot be read.
    """
    definitions = settled_definitions(engine)
    yield from definition_findings(definitions)
    for stated in context.stated.values():
        yield from stated.findings
    yield from filter(None, (check_batch(batch, context.keys) for batch in context.foreign))
    yield from unlisted_batches(context.unlisted_foreign)
    sizes = {log.origin: log.size for log in context.logs}
    names = map(LogName.parse, sizes)
    checkers = (
        RecordChecker(engine, name, _expiry(engine, context, name), Inventory({}, {}), Pending(), set())
        for name in names
    )
    checks = {checker.name.origin: LogCheck(engine, context.keys, checker) for checker in checkers}
    explained: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    history = HistoryCheck(checks, context.stated, explained, lambda log: sizes[log.name.origin])
    for kept in context.kept:
        yield from history.check(kept)
    yield from history.check_statements(sizes)
    yield from history.check_begun(engine)
    filled = [origin for origin, size in sizes.items() if size]
    yield from check_retention(definitions, context.stated, filled, lambda: read_definitions(engine))
    after = {log.log_id: log.size for log in context.logs}
    tiles = read_tile_groups(engine, after=after, committed=False)
    records = {stream: read_record_groups_outside(engine, stream, after, READ_LIMITS.junk) for stream in Stream}
    streams = {check.name.log_id: check.name.stream for check in checks.values()}
    yield from OrphanRows(engine, context.keys, Pending()).find(records, streams, {}, explained)
    yield from orphan_tiles(tiles, {}, _named(records), explained, set())


class SectionCheck:
    """Verification of one section; call ``findings`` first, because the other results come from it."""

    def __init__(
        self,
        engine: Engine,
        context: VerificationContext,
        section: Section,
        lookups: Lookups | None = None,
        limits: ReadLimits = READ_LIMITS,
    ) -> None:
        """Prepare to verify a section of one of the logs; look up as many of its records as ``lookups`` says."""
        self.place = ResumePoint(section.end, section.place.note)
        """The point at which the next section begins."""
        self.batches = 0
        self.records = 0
        self.expired = 0
        """Number of records that retention has dropped."""
        self._engine = engine
        self._context = context
        self._section = section
        self._name = LogName.parse(section.log.origin)
        self._expiry = _expiry(engine, context, self._name)
        self._pending = Pending()
        self._limits = limits
        self._known_ids: set[UUID] = set()
        self._altered_tiles: list[Batch] = []
        self._lookups = LookupCheck(engine, self._name, lookups or Lookups())

    def findings(self) -> Iterator[Finding]:
        """Verify the section and yield the findings; raises StorageError."""
        section, log_id, stream = self._section, self._name.log_id, self._name.stream
        leaves = Leaves(log_id, section.place.leaf, section.end)
        # The list of batches is read before the rows, as in ``verify``.
        index = read_batch_index(self._engine, log_id, after=section.place.leaf, end=section.end)
        tiles = read_tile_groups(self._engine, within=leaves)
        records = {each: read_record_groups(self._engine, each, leaves) for each in Stream}
        stated = self._stated()
        log = self._open(records[stream].groups, tiles, stated)
        yield from filter(None, log.batches(index))
        yield from self._lookups.drawn()
        rows = [*log.broken, *self._astray(log.missing)]
        self._known_ids |= {named for batch, _ in rows for named in (batch.batch_id, compute_batch_id(batch))}
        at_home = [(batch, finding) for batch, finding in rows if origin_of_row(batch) == self._name.origin]
        yield from (finding for batch, finding in rows if origin_of_row(batch) != self._name.origin)
        yield from filter(None, log.gaps(at_home))
        explained = defaultdict(list, {log_id: list(log.explained)})
        history = HistoryCheck({self._name.origin: log}, {log_id: stated}, explained, lambda _: section.end)
        if self._before is not None:
            yield from history.check(self._before)
        yield from history.check_statements({})
        known_ids = {log_id: self._known_ids}
        loose = OrphanRows(self._engine, self._context.keys, self._pending)
        yield from loose.find(records, {log_id: stream}, known_ids, explained)
        explained[log_id] += [(batch.first_leaf, batch.tree_size) for batch in self._altered_tiles]
        altered_ids = {batch.batch_id for batch in self._altered_tiles}
        yield from orphan_tiles(tiles, known_ids, _named(records), explained, altered_ids)
        self.batches, self.records = log.verified_batches, log.verified_records
        self.expired = self._expiry.records
        if log.tip is not None and log.tip.tree_size > section.place.leaf:
            # Broken rows after the section are checked again with the next section, which has more context for them.
            self.place = ResumePoint(log.tip.tree_size, log.tip.checkpoint)

    def _open(self, records: Sequence[RecordGroup], tiles: Sequence[TileGroup], stated: LogStatements) -> LogCheck:
        checker = RecordChecker(
            self._engine,
            self._name,
            self._expiry,
            Inventory({group.batch_id: group for group in records}, {group.batch_id: group for group in tiles}),
            self._pending,
            self._known_ids,
            altered_tiles=self._altered_tiles,
            limits=self._limits,
            lookups=self._lookups,
        )
        sizes = {statement.checkpoint.size for statement in stated.statements.values()}
        return LogCheck(self._engine, self._context.keys, checker, resume=self._before, wanted=sizes)

    @property
    def _before(self) -> Checkpoint | None:
        note = self._section.place.note
        return open_checkpoint(note)[0] if note else None

    def _stated(self) -> LogStatements:
        """Return the statements about sizes of the log within this section."""
        every = self._context.stated.get(self._name.log_id, LogStatements()).statements
        first = self._section.place.leaf + 1 if self._section.place.leaf else 0
        return LogStatements(
            {number: each for number, each in every.items() if first <= each.checkpoint.size <= self._section.end}
        )

    def _astray(self, missing: Sequence[Gap]) -> Iterator[tuple[Batch, Finding]]:
        """Yield rows of batches that are missing here because their TreeSize or their LogId was altered."""
        for gap in missing:
            numbers = range(gap.first_sequence, gap.after.sequence)
            rows = select_batches(
                self._engine,
                "LogId = {log:String} AND Sequence >= {first:UInt64} AND Sequence < {end:UInt64} "
                "AND (TreeSize <= {after:UInt64} OR TreeSize > {until:UInt64}) LIMIT {most:UInt64}",
                {
                    "log": self._name.log_id,
                    "first": numbers.start,
                    "end": numbers.stop,
                    "after": self._section.place.leaf,
                    "until": self._section.end,
                    "most": _MOST_ASTRAY,
                },
            )
            for batch in self._context.foreign:
                fits = batch.sequence in numbers or gap.first_leaf < batch.tree_size <= gap.end_leaf
                # A row that names this log is among those above, or in the section.
                if fits and batch.log_id != self._name.log_id and origin_of_row(batch) == self._name.origin:
                    rows.append(batch)
            for batch in rows:
                finding = check_batch(batch, self._context.keys)
                if finding is not None:
                    yield batch, finding


def _expiry(engine: Engine, context: VerificationContext, name: LogName) -> Expiry:
    stated = context.stated.get(name.log_id, LogStatements())
    return expiry_of(engine, name, context.keys, stated, time.time_ns())


def _named(records: Mapping[Stream, RecordGroups]) -> set[tuple[str, UUID]]:
    return {(group.log_id, group.batch_id) for rows in records.values() for group in rows.groups}
