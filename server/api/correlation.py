"""The correlation service: the timeline of a trace, and search for audit events, with evidence."""

from __future__ import annotations

from functools import partial

from lognotary.v1 import correlation_pb2 as pb
from server.api.errors import NotFoundError
from server.api.filters import audit_filter
from server.api.messages import earlier_span_message, evidence_message, record_message, span_message
from server.api.page_tokens import TracePosition, make_token, make_trace_token, parse_token, parse_trace_token
from server.api.pages import Page, Position, read_page
from server.api.side_by_side import SideBySide
from server.api.timeline import happened_at, timeline_order
from server.api.trace_ids import parse_trace_id
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from storage.earlier_spans import count_earlier_spans, earlier_spans_of_trace
from storage.engine import Engine
from storage.records import count_rows, of_audit_events, of_trace

__all__ = ["get_trace", "search_audit"]

_TRACE_LIMIT = 1000
_NO_PAGE = Page([], None, others_follow=False)
_END = TracePosition(None, None, None, None)
_PAGE_SIZE = 100
_LARGEST = 1000


def get_trace(
    engine: Engine, keys: TrustedKeys, together: SideBySide, request: pb.GetTraceRequest
) -> pb.GetTraceResponse:
    """Answer ``CorrelationService.GetTrace``.

    Raises:
        InvalidArgumentError: the text is not a trace ID, or the page token cannot be used.
        NotFoundError: nothing of the trace is stored.
        StorageError: storage cannot be read.
    """
    trace_id = parse_trace_id(request.trace_id)
    limit = min(request.limit or _TRACE_LIMIT, _TRACE_LIMIT)
    start = parse_trace_token(request.page_token) if request.page_token else TracePosition()
    rehash = request.check != pb.CHECK_SIGNATURES

    def read(stream: Stream, position: Position | None) -> Page:
        if position is None:
            return _NO_PAGE
        return read_page(engine, keys, of_trace(stream, trace_id), limit, position, rehash=rehash)

    with together.reads() as reads:
        begun = [
            reads.begin(partial(read, stream, position))
            for stream, position in (
                (Stream.AUDIT, start.audit),
                (Stream.OPERATIONAL, start.logs),
                (Stream.SPANS, start.spans),
            )
        ]
        more = start.earlier
        unsigned = reads.begin(
            lambda: earlier_spans_of_trace(engine, trace_id, limit + 1, more) if more is not None else []
        )
        pages = audit, logs, spans = [each.result() for each in begun]
        earlier = unsigned.result()
    # A page may have no rows and be followed by others nevertheless.
    if not (any(page.rows or page.following for page in pages) or earlier or request.page_token):
        raise NotFoundError(
            f"nothing is stored of the trace {trace_id}. Records can be found once their sender got its answer; "
            "check the ID, and that the service exports to this server"
        )
    entries = [
        pb.TimelineEntry(timestamp=happened_at(message), audit_event=message)
        for message in _messages(Stream.AUDIT, audit)
    ]
    entries += [
        pb.TimelineEntry(timestamp=happened_at(message), log=message) for message in _messages(Stream.OPERATIONAL, logs)
    ]
    for message in (*_spans(spans), *map(earlier_span_message, earlier[:limit])):
        entries.append(pb.TimelineEntry(timestamp=message.timestamp, span=message))
    entries.sort(key=timeline_order)
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
        unproved_omitted=any(page.others_follow for page in pages),
        next_page_token="" if is_last else make_trace_token(following),
    )
    if not request.page_token:
        response.audit_event_count = _count(engine, Stream.AUDIT, trace_id, audit)
        response.log_count = _count(engine, Stream.OPERATIONAL, trace_id, logs)
        response.span_count = _count(engine, Stream.SPANS, trace_id, spans) + (
            len(earlier) if following.earlier is None else count_earlier_spans(engine, trace_id)
        )
    return response


def _count(engine: Engine, stream: Stream, trace_id: str, first: Page) -> int:
    """Return the number of a trace's records in a stream."""
    return len(first.rows) if first.following is None else count_rows(engine, of_trace(stream, trace_id))


def search_audit(
    engine: Engine, keys: TrustedKeys, request: pb.SearchAuditEventsRequest
) -> pb.SearchAuditEventsResponse:
    """Answer ``CorrelationService.SearchAuditEvents``.

    Raises:
        InvalidArgumentError: a filter or the page token cannot be used.
        StorageError: storage cannot be read.
    """
    size = min(request.page_size or _PAGE_SIZE, _LARGEST)
    page = read_page(
        engine,
        keys,
        of_audit_events(audit_filter(request)),
        size,
        parse_token(request.page_token) if request.page_token else Position(),
        rehash=request.check != pb.CHECK_SIGNATURES,
    )
    return pb.SearchAuditEventsResponse(
        events=_messages(Stream.AUDIT, page),
        next_page_token=make_token(page.following) if page.following else "",
        unproved_omitted=page.others_follow,
    )


def _spans(page: Page) -> list[pb.Span]:
    return [span_message(row, evidence_message(row, found) if row.log_id else None) for row, found in page.rows]


def _messages(stream: Stream, page: Page) -> list[pb.Record]:
    return [record_message(stream, row, evidence_message(row, found)) for row, found in page.rows]
