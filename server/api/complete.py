"""The call ``CompleteSearch``: the matching records, in steps, with the proof that none is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence

from lognotary.v1 import correlation_pb2 as pb
from server.api.correlation import entry_of
from server.api.errors import InvalidArgumentError
from server.api.interruptible import interruptible
from server.api.messages import to_nanos
from server.api.queries import parse_streams, parse_verified_query
from server.api.time_ranges import CLOCKS, parse_time_range
from server.api.verify_messages import verify_response
from server.notary.checkpoint import Checkpoint, described, open_checkpoint
from server.notary.errors import NotaryError
from server.notary.findings import Finding
from server.notary.note import UnknownKeyError
from server.notary.origin import LogName
from server.notary.statement import Statement
from server.notary.trust import TrustedKeys, check_checkpoint
from server.query.checked_rows import Checked
from server.query.complete import complete_search
from server.query.complete_steps import (
    Complete,
    Extent,
    LogPart,
    Matches,
    ReadSoFar,
    Step,
    Summary,
)
from server.query.limits import QueryLimits
from storage.engine import Engine
from storage.interrupt import Interrupt

__all__ = ["COMPLETE_LIMITS", "answer_completely"]

COMPLETE_LIMITS = QueryLimits(seconds=4 * 3600, rows=100_000_000_000)
"""Limits of a complete answer, which reads every record."""

_MOST_ENTRIES = 500  # of a message

_Steps = Generator[pb.CompleteSearchResponse, None, None]


def answer_completely(
    engine: Engine,
    keys: TrustedKeys,
    request: pb.CompleteSearchRequest,
    interrupt: Interrupt,
    remembered: Callable[[], Sequence[Checkpoint | Statement]] = tuple,
    limits: QueryLimits = COMPLETE_LIMITS,
) -> _Steps:
    """Answer ``CorrelationService.CompleteSearch``; the iteration raises QueryTooExpensiveError and StorageError.

    Args:
        engine: the storage.
        keys: trusted public keys.
        request: the request.
        interrupt: interrupt, set by another thread, that ends the iteration with InterruptedQueryError.
        remembered: function that returns the checkpoints known independently of storage.
        limits: limits of the answer.

    Raises:
        InvalidArgumentError: the query, a stream, a range of time or a checkpoint cannot be used.
    """
    since, until = parse_time_range(request)
    received_since, received_until = _received(request)
    streams = parse_streams(request.streams)
    answer = "a complete answer has verified records only, and findings about the others"
    query = parse_verified_query(request.query, streams, answer)
    given = [_checked(note, keys) for note in request.checkpoints]
    kept = (*given, *(one for one in remembered() if one not in given))
    wanted = Complete(query, streams, since, until, received_since, received_until, kept)
    steps = _steps(complete_search(engine, keys, wanted, limits), request.limit)
    return interruptible(engine, steps, interrupt, "a complete answer")


def _checked(note: str, keys: TrustedKeys) -> Checkpoint | Statement:
    try:
        checkpoint, _ = open_checkpoint(note)
        return check_checkpoint(note, keys)
    except UnknownKeyError as error:
        raise InvalidArgumentError(f"checkpoints: {described(checkpoint)} cannot be used: {error}") from error
    except NotaryError as error:
        raise InvalidArgumentError(f"checkpoints: {error}") from error


def _received(request: pb.CompleteSearchRequest) -> tuple[int | None, int | None]:
    """Return the range of the time of receipt, in nanoseconds since the epoch."""
    ends = []
    for name in ("received_since", "received_until"):
        end = to_nanos(getattr(request, name)) if request.HasField(name) else None
        if end is not None and not 0 <= end < 1 << 63:
            raise InvalidArgumentError(f"{name} is not between 1970 and 2262")
        ends.append(end)
    since, until = ends
    if since is not None and until is not None and since >= until:
        raise InvalidArgumentError("received_since is not before received_until, so nothing can be between them")
    if since is not None and since > time.time_ns() + CLOCKS:
        raise InvalidArgumentError("received_since is in the future, so nothing can have been received after it")
    return since, until


def _steps(steps: Iterator[Step], limit: int) -> _Steps:
    matched = given = total = 0
    for step in steps:
        match step:
            case Extent(logs, unsigned):
                total = sum(part.leaves for part in logs)
                names = [stream.value for stream in unsigned]
                extent = pb.CompleteExtent(logs=map(_log, logs), leaves=total, unsigned_streams=names)
                yield pb.CompleteSearchResponse(extent=extent)
            case Matches(records):
                matched += len(records)
                some = records[: limit - given] if limit else records
                given += len(some)
                yield from _entries(some)
            case ReadSoFar(leaves):
                progress = pb.CompleteProgress(leaves=leaves, total_leaves=total, matched=matched)
                yield pb.CompleteSearchResponse(progress=progress)
            case Finding():
                yield pb.CompleteSearchResponse(finding=verify_response(step).finding)
            case Summary(logs, leaves, expired, findings, unsigned):
                summary = pb.CompleteSummary(
                    complete=step.is_complete,
                    logs=map(_log, logs),
                    leaves=leaves,
                    matched=matched,
                    given=given,
                    expired=expired,
                    findings=findings,
                    unsigned_streams=[stream.value for stream in unsigned],
                )
                yield pb.CompleteSearchResponse(summary=summary)


def _entries(records: Sequence[Checked]) -> Iterator[pb.CompleteSearchResponse]:
    for start in range(0, len(records), _MOST_ENTRIES):
        entries = map(entry_of, records[start : start + _MOST_ENTRIES])
        yield pb.CompleteSearchResponse(records=pb.CompleteRecords(entries=entries))


def _log(part: LogPart) -> pb.CompleteLog:
    return pb.CompleteLog(
        origin=part.origin,
        log_id=LogName.parse(part.origin).log_id,
        first_leaf=part.first,
        end_leaf=part.end,
        checkpoint=part.checkpoint,
    )
