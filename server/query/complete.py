"""Complete answers: all matching records of a part of the logs, and a finding for each one that is missing.

A search shows what storage returns. An administrator of the storage can hide records from it with a row policy, a
filter, a view or an index. So a complete answer uses no lookups: it reads every record of its leaves, checks each one
against the signed trees, and evaluates the query itself, on the bytes that were hashed.

Logs are read one after the other, up to the latest checkpoint when the answer begins.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from server.notary.batch import Batch
from server.notary.canonical import decode_record
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName, Stream
from server.notary.record_forms import in_newest_version
from server.notary.statement import Statement
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys
from server.query.checked_rows import Checked
from server.query.complete_steps import CLOCKS_AHEAD, Complete, Extent, LogPart, Matches, ReadSoFar, Step, Summary
from server.query.errors import QueryTooExpensiveError
from server.query.limits import LimitedEngine, QueryLimits
from server.verification.capped import capped
from server.verification.complete_check import BatchTooLargeError, CompleteChecker, MatchingRecord
from server.verification.expiry import expiry_of
from server.verification.history_check import HistoryCheck
from server.verification.homes import is_log, log_id_of, origin_of_row
from server.verification.last_batches import last_valid_batches
from server.verification.leaf_span import LeafSpan, leaf_span
from server.verification.log_check import LogCheck
from server.verification.read_limits import READ_LIMITS
from server.verification.record_evidence import RecordEvidence, State
from storage.conditions import NEVER
from storage.engine import Engine
from storage.inventory import LogExtent, read_batch_index, read_extents
from storage.statements import read_statements
from storage.stored_records import StoredRecord, check_scan_types
from storage.unsigned_rows import has_unsigned_rows

__all__ = ["complete_search"]


def complete_search(engine: Engine, keys: TrustedKeys, wanted: Complete, limits: QueryLimits) -> Iterator[Step]:
    """Yield a complete answer: first the extent, then records, findings and progress, and last the summary.

    Raises:
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    answer = _Answer(LimitedEngine(engine, limits), keys, wanted)
    yield answer.extent()
    for step in answer.steps():
        answer.engine.check()
        answer.findings += isinstance(step, Finding)
        yield step
    yield answer.summary()


@dataclass(frozen=True, slots=True)
class _Log:
    part: LogPart
    span: LeafSpan
    until: int  # end of the leaves to read
    signed: int  # entries of the whole log, according to its largest valid batch
    check: LogCheck
    checker: CompleteChecker


class _Answer:
    """A complete answer in progress."""

    def __init__(self, engine: LimitedEngine, keys: TrustedKeys, wanted: Complete) -> None:
        """Read which logs there are; raises as ``complete_search``."""
        self.engine = engine
        self.findings = 0
        conditions = {stream: wanted.condition(stream) for stream in wanted.streams}
        self._conditions = {stream: condition for stream, condition in conditions.items() if condition != NEVER}
        self._kept = [kept for kept in wanted.kept if self._is_wanted(_checkpoint_of(kept).origin)]
        # This order is safe while logs are written: later reads cover everything that earlier reads returned.
        rows = list(read_statements(engine))
        self._keys = learn_keys(rows, keys)
        stated = check_statements(rows, self._keys)
        logs = [log for log in read_extents(engine) if is_log(log.log_id, log.origin) and self._is_wanted(log.origin)]
        known = {log.log_id for log in logs}
        self._stated = {
            log_id: log for log_id, log in stated.items() if log_id in known or any(map(self._is_wanted, log.origins))
        }
        # Logs that have a statement, but no batch yet.
        origins = (origin for log_id, log in self._stated.items() if log_id not in known for origin in log.origins)
        logs += [LogExtent(log_id_of(origin), origin, 0, 0) for origin in origins if self._is_wanted(origin)]
        self._unsigned = [stream for stream in self._conditions if _has_unsigned(engine, stream, self._keys)]
        last = last_valid_batches(engine, self._keys)
        now = time.time_ns()
        self._logs = {log.origin: self._open(log, last.get(log.log_id), wanted, now) for log in logs}

    def extent(self) -> Extent:
        return Extent([log.part for log in self._logs.values()], self._unsigned)

    def summary(self) -> Summary:
        logs = [_with_checkpoint(log) for log in self._logs.values()]
        leaves = sum(part.leaves for part in logs)
        expired = sum(log.checker.expiry.records for log in self._logs.values())
        return Summary(logs, leaves, expired, self.findings, self._unsigned)

    def steps(self) -> Iterator[Matches | ReadSoFar | Finding]:
        for stream in self._conditions:
            check_scan_types(self.engine, stream)
        yield from capped((finding for log in self._stated.values() for finding in log.findings), READ_LIMITS.told)
        before = 0
        for log in self._logs.values():
            for step in capped(self._read(log), READ_LIMITS.told):
                if step is None:
                    yield ReadSoFar(before + min(log.check.verified_records, log.part.leaves))
                else:
                    yield Matches(_checked(log.check.name.stream, step)) if isinstance(step, list) else step
            before += log.part.leaves
            yield ReadSoFar(before)
        yield from self._check_history()

    def _is_wanted(self, origin: str) -> bool:
        return bool(log_id_of(origin)) and LogName.parse(origin).stream in self._conditions

    def _open(self, extent: LogExtent, last: Batch | None, wanted: Complete, now: int) -> _Log:
        name = LogName.parse(extent.origin)
        stated = self._stated.get(extent.log_id, LogStatements())
        since = wanted.received_since
        if since is None and wanted.since is not None:
            since = wanted.since - CLOCKS_AHEAD
        span = leaf_span(stated, since, wanted.received_until)
        signed = 0 if last is None else last.tree_size
        # Only signed sizes decide where the answer ends; rows after that are read too, since they may be altered.
        end = signed if span.end is None else span.end
        until = max(extent.size, signed) if span.end is None else span.end
        part = LogPart(extent.origin, min(span.first, end), end, "" if last is None else last.checkpoint)
        expiry = expiry_of(self.engine, name, self._keys, stated, now)
        checker = CompleteChecker(self.engine, name, expiry, self._conditions[name.stream])
        sizes = {statement.checkpoint.size for statement in stated.statements.values()}
        check = LogCheck(
            self.engine,
            self._keys,
            checker,
            resume=span.after,
            end=end,
            wanted=sizes | {_checkpoint_of(kept).size for kept in self._kept},
        )
        return _Log(part, span, until, signed, check, checker)

    def _read(self, log: _Log) -> Iterator[Finding | list[MatchingRecord] | None]:
        """Yield findings, matching records, and None after each part."""
        index = read_batch_index(self.engine, log.check.name.log_id, after=log.part.first, end=log.until)
        yield from _with_records(log.check.batches(index), log.checker)
        at_home = [(batch, finding) for batch, finding in log.check.broken if _is_of(batch, log.part.origin)]
        yield from (finding for batch, finding in log.check.broken if not _is_of(batch, log.part.origin))
        explained = False
        for step in _with_records(log.check.gaps(at_home), log.checker):
            explained = explained or isinstance(step, Finding)
            yield step
        if not (explained or log.check.broken or _signs_all(log.part, _size_of(_with_checkpoint(log)))):
            yield Finding(
                FindingKind.BATCH_MISSING,
                f"{log.part.origin}: no valid checkpoint is stored that signs the records up to {log.part.end - 1}, "
                "although log_batches had rows for them",
                log_id=log.check.name.log_id,
                origin=log.part.origin,
            )

    def _check_history(self) -> Iterator[Finding]:
        checks = {origin: log.check for origin, log in self._logs.items()}
        history = HistoryCheck(checks, self._stated, defaultdict(list), self._size)
        begins = (log.span.after for log in self._logs.values() if log.span.after is not None)
        for kept in (*self._kept, *begins):
            yield from history.check(kept)
        after = {origin: log.span.first for origin, log in self._logs.items() if log.span.after is not None}
        ends = {origin: log.span.end for origin, log in self._logs.items() if log.span.end is not None}
        yield from history.check_statements(after, ends)
        yield from history.check_begun(self.engine)

    def _size(self, check: LogCheck) -> int:
        log = self._logs[check.name.origin]
        return check.size if log.span.end is None else max(check.size, log.signed)


def _with_checkpoint(log: _Log) -> LogPart:
    """Return the part of a log, with a checkpoint that signs all of the part if one was read."""
    tip = log.check.tip
    if tip is None or _signs_all(log.part, _size_of(log.part)) or tip.tree_size <= _size_of(log.part):
        return log.part
    return replace(log.part, checkpoint=tip.checkpoint)


def _size_of(part: LogPart) -> int:
    return open_checkpoint(part.checkpoint)[0].size if part.checkpoint else 0


def _signs_all(part: LogPart, size: int) -> bool:
    return size >= part.end or not part.leaves


def _has_unsigned(engine: Engine, stream: Stream, keys: TrustedKeys) -> bool:
    """Return whether a stream has unsigned records, or may get some."""
    return stream in keys.unsigned_streams or has_unsigned_rows(engine, stream)


def _with_records(
    steps: Iterable[Finding | None], checker: CompleteChecker
) -> Iterator[Finding | list[MatchingRecord] | None]:
    try:
        for step in steps:
            if checker.found:
                found, checker.found = checker.found, []
                yield found
            yield step
    except BatchTooLargeError as error:
        raise QueryTooExpensiveError(f"{error}: add a term to the query") from error


def _checked(stream: Stream, records: Sequence[MatchingRecord]) -> list[Checked]:
    return [(_stored(stream, record), _evidence(record)) for record in records]


def _stored(stream: Stream, record: MatchingRecord) -> StoredRecord:
    canonical = in_newest_version(stream, record.canonical)
    timestamp = decode_record(stream, canonical)["Timestamp"]
    return StoredRecord(
        stream,
        record.batch.log_id,
        record.batch.batch_id,
        record.leaf_index,
        timestamp if isinstance(timestamp, int) else 0,
        order_ok=True,
        canonical=canonical,
    )


def _evidence(record: MatchingRecord) -> RecordEvidence:
    return RecordEvidence(State.VERIFIED, "", record.batch, record.canonical)


def _is_of(batch: Batch, origin: str) -> bool:
    return origin_of_row(batch) == origin


def _checkpoint_of(kept: Checkpoint | Statement) -> Checkpoint:
    return kept.checkpoint if isinstance(kept, Statement) else kept
