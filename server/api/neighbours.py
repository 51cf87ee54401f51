"""The call ``Neighbours``: the records around a record."""

from __future__ import annotations

from collections.abc import Collection

from lognotary.v1 import correlation_pb2 as pb
from server.api.checkpoints import parse_log
from server.api.correlation import entries_of, entry_of
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.given_proofs import proofs_for
from server.api.queries import parse_query, parse_streams
from server.errors.suggestions import not_one_of
from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.query.checked_rows import Checked
from server.query.limits import LimitedEngine, QueryLimits
from server.query.neighbours import BY, NeighbourSearch, NoSuchValueError, neighbours, record_at, records_of_id
from server.verification.last_batches import last_batch_of
from server.verification.tree import TileCache
from storage.bound import sees_all_records
from storage.engine import Engine

__all__ = ["find_neighbours"]

_DEFAULT = 10
_LARGEST = 500
_SHOWN = 5
_LARGEST_LEAF = (1 << 63) - 1
_LIMITS = QueryLimits()


def find_neighbours(
    engine: Engine,
    keys: TrustedKeys,
    request: pb.NeighboursRequest,
    limits: QueryLimits = _LIMITS,
    cache: TileCache | None = None,
) -> pb.NeighboursResponse:
    """Answer ``CorrelationService.Neighbours``; ``cache`` as for ``gather_evidence``.

    Raises:
        InvalidArgumentError: the request names no record or several, the record has not what its neighbours should have
            in common with it, or the query or a stream cannot be used.
        NotFoundError: the record is not stored.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    by = request.by or "time"
    if by not in BY:
        raise InvalidArgumentError(f"by: {not_one_of(by, BY)}")
    before, after = request.before, request.after
    for name, number in (("before", before), ("after", after)):
        if number > _LARGEST:
            raise InvalidArgumentError(f"{name}: {number} is more than {_LARGEST}")
    if not before and not after:
        before = after = _DEFAULT
    proofs = proofs_for(request)
    streams = parse_streams(request.streams)
    record, origin = _record(LimitedEngine(engine, limits), keys, request, cache)
    if by == "leaf":
        streams = _own_stream(record[0].stream, streams if request.streams else ())
    wanted = NeighbourSearch(
        by,
        before,
        after,
        parse_query(request.query, request.check, streams),
        streams,
        rehash=request.check != pb.CHECK_SIGNATURES,
    )
    try:
        found = neighbours(engine, keys, record, wanted, limits, cache)
    except NoSuchValueError as error:
        raise InvalidArgumentError(f"by: {error}") from error
    return pb.NeighboursResponse(
        record=entry_of(record, proofs),
        before=entries_of(found.before, proofs),
        after=entries_of(found.after, proofs),
        more_before=found.more_before,
        more_after=found.more_after,
        unproved_omitted=found.unproved_omitted,
        by=by,
        value=origin if by == "leaf" else found.value,
        missing_leaves=found.missing,
    )


def _own_stream(own: Stream, named: Collection[Stream]) -> tuple[Stream]:
    """Return the stream of a log, in which all neighbours by leaf are; a request need not name it."""
    if named and own not in named:
        raise InvalidArgumentError(
            f"streams: the record's log has the stream {own.value} only, and so have neighbours by leaf: "
            "leave streams out"
        )
    return (own,)


def _record(
    engine: Engine, keys: TrustedKeys, request: pb.NeighboursRequest, cache: TileCache | None
) -> tuple[Checked, str]:
    """Return the record of a request, and the origin of its log; the origin is empty if no log has the record."""
    if request.record_id:
        if request.log or request.leaf_index:
            raise InvalidArgumentError("give either log and leaf_index, or record_id")
        return _record_of_id(engine, keys, request.record_id, cache)
    if not request.log:
        raise InvalidArgumentError("log and leaf_index must be given, or record_id: a record has neighbours")
    log_id = parse_log(request.log)
    last = last_batch_of(engine, keys, log_id)
    if last is None:
        raise NotFoundError(f"there is no log {request.log}; list the logs with 'lognotary checkpoint --list'")
    latest = last.largest
    stream, leaf = _stream_of(latest.origin), request.leaf_index
    found = record_at(engine, keys, stream, log_id, leaf, cache) if leaf <= _LARGEST_LEAF else None
    if found is None:
        reason = _why_missing(leaf, latest.tree_size, stream)
        raise NotFoundError(f"record {leaf} of {latest.origin} is not stored{reason}")
    return found, latest.origin


def _why_missing(leaf: int, size: int, stream: Stream) -> str:
    if leaf >= size:
        return f": the log has {size:,} entries"
    if sees_all_records(stream):
        return ": it has expired or was deleted"
    return ", or these credentials do not permit reading it"


def _record_of_id(engine: Engine, keys: TrustedKeys, record_id: str, cache: TileCache | None) -> tuple[Checked, str]:
    found = records_of_id(engine, keys, record_id, _SHOWN, cache)
    if not found:
        raise NotFoundError(f"no audit record has the ID {record_id[:200]!r}")
    if len(found) > 1:
        places = ", ".join(f"{_origin(one) or one[0].log_id or 'no log'}#{one[0].leaf_index}" for one in found)
        raise InvalidArgumentError(f"record_id: several records have this ID; give log and leaf_index of one: {places}")
    return found[0], _origin(found[0])


def _origin(checked: Checked) -> str:
    batch = checked[1].batch
    return batch.origin if batch else ""


def _stream_of(origin: str) -> Stream:
    try:
        return LogName.parse(origin).stream
    except MalformedError as error:  # somebody wrote another row
        raise NotFoundError(f"the log has no usable origin: {error}") from error
