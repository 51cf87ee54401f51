"""The correlation service: the timeline of a trace, and search for audit events, with evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from lognotary.v1 import correlation_pb2 as pb
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.filters import access_condition, audit_filter, signature_condition
from server.api.given_proofs import GivenProofs, proofs_for
from server.api.messages import earlier_span_message, evidence_message, from_nanos, record_message, span_message
from server.api.page_tokens import (
    TracePosition,
    make_search_token,
    make_trace_token,
    parse_search_token,
    parse_trace_token,
)
from server.api.queries import parse_query, parse_streams
from server.api.time_ranges import parse_time_range
from server.api.timeline import happened_at, in_order
from server.api.trace_ids import parse_trace_id
from server.api.trace_overview import overview_of
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.checked_rows import Checked
from server.query.limits import LimitedEngine, QueryLimits
from server.query.pages import Page, Position, read_page, read_pages
from server.query.plausible_times import default_end
from server.query.search import Search, admitted, count_later, search, windows_of
from server.query.side_by_side import SideBySide
from server.verification.tree import TileCache
from storage.condition_algebra import all_of, happened_within, is_pinpoint
from storage.conditions import NEVER
from storage.earlier_spans import count_earlier_spans, earlier_spans_of_trace
from storage.engine import Engine
from storage.lookups import narrowed
from storage.records import count_rows, of_audit_events, of_trace

__all__ = ["entries_of", "entry_of", "get_trace", "search_audit", "search_records"]

_TRACE_LIMIT = 1000
_NO_PAGE = Page([], None, others_follow=False)
_END = TracePosition(None, None, None, None)
_PAGE_SIZE = 100
_LARGEST = 1000
_MOST_COUNTED = 10_000_000
_LIMITS = QueryLimits()


def get_trace(
    engine: Engine,
    keys: TrustedKeys,
    together: SideBySide,
    request: pb.GetTraceRequest,
    limits: QueryLimits = _LIMITS,
    *,
    with_earlier: bool = True,
    cache: TileCache | None = None,
    links: Sequence[tuple[str, Callable[[str], str]]] = (),
) -> pb.GetTraceResponse:
    """Answer ``CorrelationService.GetTrace``.

    Args:
        engine: the storage.
        keys: trusted public keys.
        together: threads that read the streams at the same time.
        request: the request.
        limits: limits of its queries.
        with_earlier: True if there may be a table of earlier spans.
        cache: as for ``gather_evidence``.
        links: names of links to other tools, and functions that return the URL of a link for the ID of a trace.

    Raises:
        InvalidArgumentError: the text is not a trace ID, or the page token cannot be used.
        NotFoundError: nothing of the trace is stored.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    trace_id = parse_trace_id(request.trace_id)
    limit = min(request.limit or _TRACE_LIMIT, _TRACE_LIMIT)
    since, until = parse_time_range(request)
    asked = trace_id if since is None and until is None else repr((trace_id, since, until))
    start = parse_trace_token(request.page_token, asked) if request.page_token else TracePosition()
    rehash = request.check != pb.CHECK_SIGNATURES
    proofs = proofs_for(request)
    engine = LimitedEngine(engine, limits)

    positions = {Stream.AUDIT: start.audit, Stream.OPERATIONAL: start.logs, Stream.SPANS: start.spans}
    lookups = {stream: narrowed(of_trace(stream, trace_id), happened_within(since, until)) for stream in positions}
    wanted = {stream: (lookups[stream], position) for stream, position in positions.items() if position is not None}
    with together.reads() as reads:
        unsigned = None
        if with_earlier and start.earlier is not None:
            unsigned = reads.begin(
                partial(earlier_spans_of_trace, engine, trace_id, limit + 1, start.earlier, since=since, until=until)
            )
        found = read_pages(engine, keys, list(wanted.values()), limit, rehash=rehash, together=together, cache=cache)
        earlier = [] if unsigned is None else unsigned.result()
    pages = dict.fromkeys(positions, _NO_PAGE) | dict(zip(wanted, found, strict=True))
    audit, logs, spans = pages.values()
    # A page may have no rows and be followed by others nevertheless.
    if not (any(page.rows or page.following for page in pages.values()) or earlier or request.page_token):
        raise NotFoundError(
            f"nothing is stored of the trace {trace_id}. Records can be found once their sender got its answer; "
            "check the ID, and that the service exports to this server"
        )
    entries = [
        pb.TimelineEntry(timestamp=happened_at(message), audit_event=message)
        for message in _messages(Stream.AUDIT, audit, proofs)
    ]
    entries += [
        pb.TimelineEntry(timestamp=happened_at(message), log=message)
        for message in _messages(Stream.OPERATIONAL, logs, proofs)
    ]
    for message in (*_spans(spans, proofs), *map(earlier_span_message, earlier[:limit])):
        entries.append(pb.TimelineEntry(timestamp=happened_at(message), span=message))
    entries = in_order(entries)
    following = TracePosition(
        audit.following,
        logs.following,
        spans.following,
        (start.earlier or 0) + limit if len(earlier) > limit else None,
    )
    is_last = following == _END
    response = pb.GetTraceResponse(
        trace_id=trace_id,
        entries=entries,
        truncated=not is_last,
        unproved_omitted=any(page.others_follow for page in pages.values()),
        next_page_token="" if is_last else make_trace_token(following, asked),
        overview=overview_of(entries),
    )
    if not request.page_token:
        counts = {stream: len(page.rows) for stream, page in pages.items()}
        more = [stream for stream, page in pages.items() if page.following is not None]
        counted = together.all([partial(count_rows, engine, lookups[stream]) for stream in more])
        counts |= zip(more, counted, strict=True)
        response.audit_event_count, response.log_count = counts[Stream.AUDIT], counts[Stream.OPERATIONAL]
        response.span_count = counts[Stream.SPANS] + (
            count_earlier_spans(engine, trace_id, since=since, until=until) if len(earlier) > limit else len(earlier)
        )
        for name, url_of in links:
            response.links.add(name=name, url=url_of(trace_id))
    return response


def search_audit(
    engine: Engine,
    keys: TrustedKeys,
    request: pb.SearchAuditEventsRequest,
    limits: QueryLimits = _LIMITS,
    cache: TileCache | None = None,
) -> pb.SearchAuditEventsResponse:
    """Answer ``CorrelationService.SearchAuditEvents``; ``cache`` as for ``read_page``.

    Raises:
        InvalidArgumentError: a filter, the query or the page token cannot be used.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    requested, proofs = audit_filter(request), proofs_for(request)
    query = parse_query(request.query, request.check, (Stream.AUDIT,), (Stream.AUDIT,))
    asked = repr((requested, request.query, request.signature, request.include_access))
    condition = all_of([query.condition(Stream.AUDIT), signature_condition(request), access_condition(request)])
    position = parse_search_token(request.page_token, asked) if request.page_token else Position()
    if condition == NEVER:
        return pb.SearchAuditEventsResponse()
    end = default_end(requested.since, requested.until)
    filters = requested if end is None else replace(requested, until=end)
    limited = LimitedEngine(engine, limits)
    is_direct = "TraceId" in filters.equal or is_pinpoint(condition)
    page = read_page(
        limited,
        keys,
        [narrowed(of_audit_events(filters), condition)],
        min(request.page_size or _PAGE_SIZE, _LARGEST),
        position,
        rehash=request.check != pb.CHECK_SIGNATURES,
        windows=None if is_direct else windows_of(limited, filters.since, filters.until, latest_first=True),
        cache=cache,
    )
    page = admitted(page, query)
    response = pb.SearchAuditEventsResponse(
        events=_messages(Stream.AUDIT, page, proofs),
        next_page_token=make_search_token(page.following, asked) if page.following else "",
        unproved_omitted=page.others_follow,
    )
    if end is not None and not request.page_token:
        later = narrowed(of_audit_events(replace(requested, since=end)), condition)
        response.until.CopyFrom(from_nanos(end))
        response.later_count = count_rows(limited, later)
    return response


def _spans(page: Page, proofs: GivenProofs | None) -> list[pb.Span]:
    return [span_message(row, found, proofs) for row, found in page.rows]


def search_records(
    engine: Engine,
    keys: TrustedKeys,
    request: pb.SearchRequest,
    limits: QueryLimits = _LIMITS,
    together: SideBySide | None = None,
    cache: TileCache | None = None,
) -> pb.SearchResponse:
    """Answer ``CorrelationService.Search``; ``together`` and ``cache`` as for ``read_page``.

    Raises:
        InvalidArgumentError: the query, a stream, the range of time or the page token cannot be used.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    since, until = parse_time_range(request)
    proofs = proofs_for(request)
    streams = parse_streams(request.streams)
    query = parse_query(request.query, request.check, streams)
    asked = repr((request.query, [stream.value for stream in streams], since, until, request.oldest_first))
    if request.count_up_to and query.evidence is not None:
        raise InvalidArgumentError(
            "count_up_to: a query about evidence cannot be counted, because evidence is checked as records are read"
        )
    end = default_end(since, until)
    wanted = Search(
        query,
        streams,
        since=since,
        until=until if end is None else end,
        latest_first=not request.oldest_first,
        size=min(request.page_size or _PAGE_SIZE, _LARGEST),
        position=parse_search_token(request.page_token, asked) if request.page_token else Position(),
        rehash=request.check != pb.CHECK_SIGNATURES,
        count_up_to=min(request.count_up_to, _MOST_COUNTED),
    )
    found = search(engine, keys, wanted, limits, together, cache)
    response = pb.SearchResponse(
        entries=entries_of(found.page.rows, proofs),
        next_page_token=make_search_token(found.page.following, asked) if found.page.following else "",
        unproved_omitted=found.page.others_follow,
    )
    if found.count is not None:
        response.count, response.count_is_lower_bound = found.count.number, not found.count.is_exact
    if end is not None and not request.page_token:
        response.until.CopyFrom(from_nanos(end))
        response.later_count = count_later(engine, query, streams, end, limits)
    return response


def entry_of(checked: Checked, proofs: GivenProofs | None = None) -> pb.TimelineEntry:
    """Return a record with its evidence as an entry of a timeline, with its proof if the answer has proofs."""
    row, found = checked
    if row.stream is Stream.SPANS:
        span = span_message(row, found, proofs)
        return pb.TimelineEntry(timestamp=happened_at(span), span=span)
    message = record_message(row.stream, row, evidence_message(row, found, proofs))
    if row.stream is Stream.AUDIT:
        return pb.TimelineEntry(timestamp=happened_at(message), audit_event=message)
    return pb.TimelineEntry(timestamp=happened_at(message), log=message)


def entries_of(rows: Iterable[Checked], proofs: GivenProofs | None) -> Iterator[pb.TimelineEntry]:
    """Return records with their evidence as entries of a timeline, as ``entry_of`` does."""
    return (entry_of(row, proofs) for row in rows)


def _messages(stream: Stream, page: Page, proofs: GivenProofs | None) -> list[pb.Record]:
    return [record_message(stream, row, evidence_message(row, found, proofs)) for row, found in page.rows]
