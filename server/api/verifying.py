"""The call ``Verify``: its request, checked, and the steps of a verification as messages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import evidence_pb2
from server.api.acknowledgements import acknowledgement_message, known_findings
from server.api.checkpoints import parse_log
from server.api.errors import InvalidArgumentError
from server.api.interruptible import interruptible
from server.api.key_marks import check_marked_keys, read_marks
from server.api.messages import to_nanos
from server.api.time_ranges import check_has_begun, check_time_range
from server.api.unsigned_streams import read_unsigned_streams
from server.api.verify_messages import verify_response
from server.notary.acknowledgement import Coverage
from server.notary.checkpoint import Checkpoint, described, open_checkpoint
from server.notary.errors import NotaryError
from server.notary.findings import Finding
from server.notary.note import UnknownKeyError
from server.notary.statement import Statement, StatementKind
from server.notary.statement_check import learn_keys
from server.notary.trust import TrustedKeys, check_checkpoint, parse_public_keys
from server.verification.expiry import Expired
from server.verification.lookup_check import Lookups
from server.verification.scope import Progress, Scope, Summary
from server.verification.verification import verify
from storage.engine import Engine
from storage.errors import StorageError
from storage.interrupt import Interrupt
from storage.statements import read_statements

__all__ = ["Outside", "verify_logs"]

_MOST_LOOKUPS = 100_000


@dataclass(frozen=True, slots=True)
class Outside:
    """The server beside the storage: what it knows of logs, and what it is told of verifications.

    Attributes:
        remembered: function that returns the checkpoints that are known independently of storage, which verification
            checks storage against.
        acknowledged: function that returns the signed acknowledgements of findings that the server keeps.
        on_verified: function that is called with the number of records that a verification has verified, and with
            the number of those that have expired.
        on_finding: function that is called with each finding that nobody has acknowledged.
    """

    remembered: Callable[[], Sequence[Checkpoint | Statement]] = tuple
    acknowledged: Callable[[], Sequence[str]] = tuple
    on_verified: Callable[[int, int], object] = lambda *_: None
    on_finding: Callable[[Finding], object] = lambda _: None


def verify_logs(
    engine: Engine,
    own: TrustedKeys,
    request: evidence_pb2.VerifyRequest,
    interrupt: Interrupt,
    outside: Outside,
) -> Generator[evidence_pb2.VerifyResponse, None, None]:
    """Answer ``EvidenceService.Verify``; the iteration raises StorageError and InterruptedQueryError.

    Args:
        engine: the storage.
        own: the keys that the server trusts, as they were given.
        request: the request.
        interrupt: interrupt that ends the call and the iteration, set by another thread.
        outside: the server beside the storage.

    Raises:
        ApiError, StorageError: the call cannot be answered.
        DataDirectoryError: a checkpoint that this server remembers is damaged. Without it, the answer would not
            show whether storage was rolled back.
    """
    check_time_range(request)
    check_has_begun(request)
    if request.lookups > _MOST_LOOKUPS:
        raise InvalidArgumentError(f"lookups: {request.lookups} is more than {_MOST_LOOKUPS}, the most for one log")
    try:
        given = parse_public_keys(request.public_keys) if request.public_keys else own
        unsigned = own.unsigned_streams | read_unsigned_streams(request)
        keys = given + TrustedKeys(compromised=read_marks(request, own), unsigned_streams=unsigned)
        learned, unread = keys, False
        try:
            with engine.interrupted_by(interrupt):
                rows = list(read_statements(engine, None, StatementKind.KEYS))
        except StorageError:
            unread = True  # verification shows whether the table was altered, or storage is away
        else:
            learned = learn_keys(rows, keys)
            check_marked_keys(request, learned + own, rows)
        scope = _scope(request, learned, outside.remembered(), all_keys=not unread)
        coverage = Coverage(known_findings(request, learned, outside.acknowledged()))
    except NotaryError as error:
        raise InvalidArgumentError(str(error)) from error
    steps = verify(engine, keys, scope, known_keys=own)
    return _responses(engine, outside, steps, coverage, interrupt, sorted(stream.value for stream in unsigned))


def _responses(
    engine: Engine,
    outside: Outside,
    steps: Generator[Progress | Finding | Expired | Summary, None, None],
    coverage: Coverage,
    interrupt: Interrupt,
    unsigned_streams: Sequence[str],
) -> Generator[evidence_pb2.VerifyResponse, None, None]:
    covered = 0
    with contextlib.closing(interruptible(engine, steps, interrupt, "a verification")) as found:
        for step in found:
            response = verify_response(step)
            if isinstance(step, Summary):
                outside.on_verified(step.records - step.mismatched, step.expired_records)
                response.summary.nothing_verified = _is_nothing(step)
                response.summary.acknowledged = covered
                response.summary.unsigned_streams.extend(unsigned_streams)
            elif isinstance(step, Finding) and (known := coverage.take(step)) is not None:
                response.finding.acknowledgement.CopyFrom(acknowledgement_message(known))
                covered += 1
            elif isinstance(step, Finding):
                outside.on_finding(step)
            yield response


def _scope(
    request: evidence_pb2.VerifyRequest,
    keys: TrustedKeys,
    remembered: Sequence[Checkpoint | Statement],
    *,
    all_keys: bool,
) -> Scope:
    """Return the scope of a request; without ``all_keys``, leave out checkpoints that an unknown key signed."""
    given = [*_checked(request.checkpoints, keys, all_keys=all_keys)]
    resume = [*_checked(request.resume, keys, all_keys=all_keys)]
    return Scope(
        since=_nanos(request.since) if request.HasField("since") else None,
        until=_nanos(request.until) if request.HasField("until") else None,
        required=_required(request),
        lookups=Lookups(
            request.lookups if request.HasField("lookups") else Lookups().records, request.all_audit_lookups
        ),
        checkpoints=(*given, *(kept for kept in remembered if kept not in given)),
        resume=[kept.checkpoint if isinstance(kept, Statement) else kept for kept in resume],
    )


def _checked(notes: Iterable[str], keys: TrustedKeys, *, all_keys: bool) -> Iterator[Checkpoint | Statement]:
    for note in notes:
        try:
            yield check_checkpoint(note, keys)
        except UnknownKeyError as error:
            if all_keys:
                checkpoint, _ = open_checkpoint(note)
                raise InvalidArgumentError(f"{described(checkpoint)} cannot be used: {error}") from error


def _required(request: evidence_pb2.VerifyRequest) -> Sequence[str]:
    for log in request.logs:
        parse_log(log)
    return list(request.logs)


def _is_nothing(summary: Summary) -> bool:
    """Return whether a verification verified nothing of what it is about.

    That is no batch, unless a log was found at the checkpoint from which it continued; or no record of a range of time.
    """
    return summary.logs == 0 or summary.nothing_received or (summary.batches == 0 and summary.continued == 0)


def _nanos(timestamp: Timestamp) -> int:
    return min(max(to_nanos(timestamp), 0), (1 << 63) - 1)
