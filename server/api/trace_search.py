"""The call ``FindTraces``: traces in which matching records happened."""

from __future__ import annotations

import time

from lognotary.v1 import correlation_pb2 as pb
from server.api.correlation import entry_of
from server.api.errors import InvalidArgumentError
from server.api.messages import from_nanos
from server.api.page_tokens import make_traces_token, parse_traces_token
from server.api.queries import parse_query, parse_streams
from server.api.time_ranges import parse_time_range
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.limits import QueryLimits
from server.query.plausible_times import default_end
from server.query.search import count_later
from server.query.side_by_side import SideBySide
from server.query.traces import TracePlace, TraceSearch, TraceSummary, find_traces
from server.verification.tree import TileCache
from storage.engine import Engine
from storage.lookups import last_receipt
from storage.traces import WITH_TRACE

__all__ = ["search_traces"]

_PAGE_SIZE = 20
_LARGEST = 100
_MOST_NAMES = 100
_LIMITS = QueryLimits()
_COUNTS = {"audit": "audit_event_count", "operational": "log_count", "spans": "span_count"}


def search_traces(
    engine: Engine,
    keys: TrustedKeys,
    together: SideBySide,
    request: pb.FindTracesRequest,
    limits: QueryLimits = _LIMITS,
    cache: TileCache | None = None,
) -> pb.FindTracesResponse:
    """Answer ``CorrelationService.FindTraces``; ``together`` and ``cache`` as for ``find_traces``.

    Raises:
        InvalidArgumentError: the query, a stream, the range of time or the page token cannot be used.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    since, until = parse_time_range(request)
    streams = parse_streams(request.streams)
    query = parse_query(request.query, request.check, streams)
    if query.evidence is not None:
        raise InvalidArgumentError(
            "query: traces are not found by evidence, which is checked as records are read: search for the records"
        )
    names = [stream.value for stream in streams]
    asked = repr((request.query, names, since, until, request.with_errors, request.min_duration_nanos))
    position = (
        parse_traces_token(request.page_token, asked)
        if request.page_token
        else TracePlace(max(time.time_ns(), last_receipt(engine)) + 1)
    )
    end = default_end(since, until)
    wanted = TraceSearch(
        query,
        streams,
        position,
        since=since,
        until=until if end is None else end,
        with_errors=request.with_errors,
        min_duration=request.min_duration_nanos,
        size=min(request.page_size or _PAGE_SIZE, _LARGEST),
        rehash=request.check != pb.CHECK_SIGNATURES,
    )
    found = find_traces(engine, keys, wanted, limits, together, cache)
    response = pb.FindTracesResponse(
        traces=map(_summary, found.traces),
        next_page_token=make_traces_token(found.following, asked) if found.following else "",
        unproved_omitted=found.unproved_omitted,
    )
    if end is not None and not request.page_token:
        response.until.CopyFrom(from_nanos(end))
        response.later_count = count_later(engine, query, streams, end, limits, WITH_TRACE)
    return response


def _summary(found: TraceSummary) -> pb.TraceSummary:
    rows = found.rows
    message = pb.TraceSummary(
        trace_id=found.trace_id,
        first=from_nanos(found.first),
        last=from_nanos(found.last),
        duration_nanos=found.last - found.first,
        services=sorted({name for one in rows.values() for name in one.services})[:_MOST_NAMES],
        actors=sorted({name for one in rows.values() for name in one.actors})[:_MOST_NAMES],
        error_count=found.errors,
        implausible_time_count=found.implausible,
        match=entry_of(found.match),
    )
    for stream in Stream:
        if stream in rows:
            setattr(message, _COUNTS[stream.value], rows[stream].count)
    return message
