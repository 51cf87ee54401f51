"""Verification of the whole storage: the batches of every log, the records of every batch, and orphan rows.

It needs only the storage, and runs in the server for its API, or in ``lognotary verify --storage`` without a
server.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
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
from server.verification.homes import log_id_of, origin_of_row
from server.verification.log_check import LogCheck
from server.verification.orphan_rows import OrphanRows, orphan_tiles
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.record_check import Inventory, Pending, RecordChecker
from server.verification.required_logs import missing_logs
from storage.engine import Engine
from storage.evidence import last_batch, read_misnamed_batches
from storage.inventory import (
    RecordGroup,
    TileGroup,
    count_records,
    list_logs,
    read_batch_index,
    read_record_groups,
    read_tile_groups,
)
from storage.statements import read_statements

__all__ = ["Progress", "Scope", "Summary", "verify"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Scope of a verification.

    Attributes:
        since: verify only batches ingested at or after this time, in nanoseconds since the epoch.
        until: verify only batches ingested before this time, in nanoseconds since the epoch.
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
        self._expiries: dict[str, Expiry] = {}  # by origin
        self._groups: dict[Stream, list[RecordGroup]] = {}
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
            statements=sum(len(log.statements) for log in self._stated.values()) if self._scope.whole else 0,
            expired_records=sum(expiry.records for expiry in self._expiries.values()),
        )

    def steps(self) -> Iterator[Progress | Finding | Expired]:
        # Statements are read before batches, so that every checkpoint that a statement is about is among the batches.
        rows = list(read_statements(self._engine))
        self._keys = learn_keys(rows, self._keys)
        self._stated = check_statements(rows, self._keys)
        if self._scope.whole:
            yield from (finding for log in self._stated.values() for finding in log.findings)
        # The list of batches is read before the rows, so that the rows of every verified batch are all among
        # them, however much is written meanwhile.
        since, until = self._scope.since, self._scope.until
        indexes = {
            origin: read_batch_index(self._engine, log_id, since=since, until=until, after=self._resumed(origin))
            for log_id, origin in list_logs(self._engine)
            if log_id_of(origin) == log_id
        }
        misnamed = read_misnamed_batches(self._engine, since=since, until=until)
        after = {log_id_of(origin): checkpoint.size for origin, checkpoint in self._resume.items()}
        if self._scope.whole:
            self._tiles = read_tile_groups(self._engine, after=after)
        for stream in Stream:
            self._groups[stream] = read_record_groups(self._engine, stream, since=since, until=until, after=after)
        self._total = count_records(self._engine, since=since, until=until, after=after)
        for origin in indexes:
            self._logs[origin] = self._open(LogName.parse(origin))
        for origin, log in self._logs.items():
            yield from self._follow(log, log.batches(indexes[origin]))
        yield from self._gaps(misnamed)
        history = HistoryCheck(self._logs, self._stated, self._explained, self._size)
        for kept in (*self._scope.checkpoints, *self._resume.values()):
            yield from history.check(kept)
        if self._scope.whole:
            yield from history.check_statements({origin: kept.size for origin, kept in self._resume.items()})
        yield from missing_logs(self._engine, self._keys, self._scope.required, self._logs, history.truncated)
        yield from self._loose()
        for origin, expiry in self._expiries.items():
            yield from expiry.expired(origin)

    def _resumed(self, origin: str) -> int:
        checkpoint = self._resume.get(origin)
        return checkpoint.size if checkpoint else 0

    def _open(self, name: LogName) -> LogCheck:
        records = {group.batch_id: group for group in self._groups[name.stream] if group.log_id == name.log_id}
        tiles = {group.batch_id: group for group in self._tiles if group.log_id == name.log_id}
        checker = RecordChecker(
            self._engine,
            name,
            Inventory(records, tiles if self._scope.whole else None),
            self._pending,
            self._known_ids[name.log_id],
            altered_tiles=self._altered_tiles,
            limits=self._limits,
        )
        stated = self._stated.get(name.log_id, LogStatements())
        expiry = Expiry(stated, self._now)
        self._expiries[name.origin] = expiry
        resume = self._resume.get(name.origin)
        sizes = {statement.checkpoint.size for statement in stated.statements.values()}
        whole = self._scope.whole
        return LogCheck(self._engine, self._keys, checker, expiry, whole=whole, resume=resume, wanted=sizes)

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

    def _gaps(self, misnamed: Sequence[Batch]) -> Iterator[Progress | Finding]:
        """Assign broken rows to the log they belong to, and yield what is missing in each log."""
        broken = {batch: finding for log in self._logs.values() for batch, finding in log.broken}
        for batch in misnamed:
            finding = check_batch(batch, self._keys)
            if finding is not None:
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

    def _size(self, log: LogCheck) -> int:
        """Return the number of entries in a log, even if only a part of the log is verified."""
        if self._scope.whole:
            return log.size
        last = last_batch(self._engine, log.name.log_id)
        return max(log.size, last.tree_size) if last else log.size

    def _loose(self) -> Iterator[Finding]:
        streams = {log.name.log_id: log.name.stream for log in self._logs.values()}
        rows = OrphanRows(self._engine, self._pending)
        yield from rows.find(self._groups, streams, self._known_ids, self._explained)
        for batch in self._altered_tiles:
            self._explained[batch.log_id].append((batch.first_leaf, batch.tree_size))
        yield from orphan_tiles(
            self._tiles,
            self._known_ids,
            {(group.log_id, group.batch_id) for groups in self._groups.values() for group in groups},
            self._explained,
            {batch.batch_id for batch in self._altered_tiles},
        )
