"""The correlation service: the timeline of a trace, and search for audit events, with evidence."""

from __future__ import annotations

from lognotary.v1 import correlation_pb2 as pb
from server.api.errors import NotFoundError
from server.api.filters import audit_filter
from server.api.messages import evidence_message, record_message, span_message, to_nanos
from server.api.page_tokens import make_token, parse_token
from server.api.pages import Page, Position, read_page
from server.api.trace_ids import parse_trace_id
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.records import of_audit_events, of_trace, spans_of_trace

__all__ = ["get_trace", "search_audit"]

_TRACE_LIMIT = 1000
_PAGE_SIZE = 100
_LARGEST = 1000


def get_trace(engine: Engine, keys: TrustedKeys, request: pb.GetTraceRequest) -> pb.GetTraceResponse:
    """Answer ``CorrelationService.GetTrace``.

    Raises:
        InvalidArgumentError: the text is not a trace ID.
        NotFoundError: nothing of the trace is stored.
        StorageError: storage cannot be read.
    """
    trace_id = parse_trace_id(request.trace_id)
    limit = min(request.limit or _TRACE_LIMIT, _TRACE_LIMIT)
    rehash = request.check != pb.CHECK_SIGNATURES
    audit, logs = (
        read_page(engine, keys, of_trace(stream, trace_id), limit, Position(), rehash=rehash)
        for stream in (Stream.AUDIT, Stream.OPERATIONAL)
    )
    spans = spans_of_trace(engine, trace_id, limit + 1)
    if not audit.rows and not logs.rows and not spans:
        raise NotFoundError(
            f"nothing is stored of the trace {trace_id}. Records can be found once their sender got its answer; "
            "check the ID, and that the service exports to this server"
        )
    entries = [
        pb.TimelineEntry(timestamp=message.timestamp, audit_event=message) for message in _messages(Stream.AUDIT, audit)
    ]
    entries += [
        pb.TimelineEntry(timestamp=message.timestamp, log=message) for message in _messages(Stream.OPERATIONAL, logs)
    ]
    for span in spans[:limit]:
        message = span_message(span)
        entries.append(pb.TimelineEntry(timestamp=message.timestamp, span=message))
    entries.sort(key=lambda entry: to_nanos(entry.timestamp))
    return pb.GetTraceResponse(
        trace_id=trace_id,
        entries=entries,
        truncated=audit.following is not None or logs.following is not None or len(spans) > limit,
        unproved_omitted=audit.others_follow or logs.others_follow,
    )


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


def _messages(stream: Stream, page: Page) -> list[pb.Record]:
    return [record_message(stream, row, evidence_message(row, found)) for row, found in page.rows]
