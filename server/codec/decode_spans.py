"""Decoding of the reference codec: an OTLP traces request to columns, with the official protobuf classes.

Columns have the same meaning as in the Collector's clickhouseexporter (``exporter_traces.go``). These rules cover what
the exporter leaves open or loses; in all else ``server.codec.decode`` says how, for spans are decoded like log records:

- ``Timestamp`` is the start. ``Duration`` is the time from start to end, 0 if the end is before the start.
- ``SpanKind`` is ``Unspecified``, ``Internal``, ``Server``, ``Client``, ``Producer`` or ``Consumer``; ``StatusCode``
  is ``Unset``, ``Ok`` or ``Error``; a number that has no name is stored as empty.
- Events and links keep the order in which they were sent.

``otlp_details`` holds everything that the other columns lose, so that the stored row is the whole span. It is empty if
there is nothing. Otherwise it is a compact JSON object with the members that apply, in this order:

====================  ==================================================================================
``start``             the start in decimal nanoseconds, as a string, if beyond 2**63 - 1
``end``               the end in decimal nanoseconds, as a string, if before the start
``kind``              the number of the kind in decimal, as a string, if it has no name
``status``            the number of the status in decimal, as a string, if it has no name
``trace_id``          an invalid trace id in lower-case hex, unless it is empty
``span_id``           an invalid span id in lower-case hex, unless it is empty
``parent_span_id``    an invalid parent span id in lower-case hex, unless it is empty
``span``              the types of the span's attributes, unless all are strings
``span_order``        as ``log_order`` of ``server.codec.decode``, for the span's attributes
``events``            an object of what the columns lose of events, under their numbers, from 0, in decimal, in order;
                      each an object with the members that apply, in this order:
                      ``time`` (as ``start``), ``attributes`` (types, as ``span``), ``attributes_order`` (as
                      ``span_order``), ``dropped`` (the event's dropped_attributes_count, unless 0)
``links``             the same for links: ``trace_id``, ``span_id``, ``attributes``, ``attributes_order``,
                      ``dropped``, and ``flags`` (the link's flags, unless 0)
``scope`` and so on   what is said of the scope and the resource, and ``commitments``: see ``server.codec.decode``
====================  ==================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.codec.commitments import Commitments
from server.codec.decode_parts import (
    ALL_STRINGS,
    MAX_TIME,
    attributes_of,
    details_json,
    hex_id,
    order_details,
    parse,
    repeated_of,
    resource_of,
    source_of,
)
from server.codec.limits import ROW_LIMITS, RowLimits, check_members, too_many_records
from server.codec.records import Event, Link, SpanColumns
from server.codec.redaction import UNREDACTED, Redactor, redactions_text
from server.codec.signals import Signal

__all__ = ["SPAN_KINDS", "STATUS_CODES", "decode_spans"]

SPAN_KINDS = (b"Unspecified", b"Internal", b"Server", b"Client", b"Producer", b"Consumer")
"""Names of the numbers of OTLP's ``Span.SpanKind``, from 0."""

STATUS_CODES = (b"Unset", b"Ok", b"Error")
"""Names of the numbers of OTLP's ``Status.StatusCode``, from 0."""


def decode_spans(request: bytes, limits: RowLimits = ROW_LIMITS, redactor: Redactor = UNREDACTED) -> SpanColumns:
    """Return the spans of a serialized ``ExportTraceServiceRequest``, in the order in which they were sent.

    Source: opentelemetry-proto ``collector/trace/v1/trace_service.proto`` and ``trace/v1/trace.proto``; the mapping to
    columns is described in this module.

    Args:
        request: the serialized request.
        limits: limits on the rows of the request.
        redactor: replaces secrets before anything else is done with the spans.

    Raises:
        MalformedRequestError: as in ``server.codec.decode.decode``; or a list of events or links is too long.
    """
    message = parse(ExportTraceServiceRequest, request, Signal.TRACES)
    columns = SpanColumns()
    spans = repeated = 0
    for resource_spans in message.resource_spans:
        resource = resource_of(resource_spans, redactor)
        for scope_spans in resource_spans.scope_spans:
            source = source_of(resource, scope_spans, redactor)
            spans += len(scope_spans.spans)
            repeated += len(scope_spans.spans) * source.size
            if spans > limits.records or repeated > limits.repeated:
                raise too_many_records(limits, Signal.TRACES)
            for span in scope_spans.spans:
                redacted, made = Counter(source.redacted), len(redactor.disclosures)
                _redact(span, redactor, redacted)
                columns.append_source(source)
                details = _append_span(columns, span)
                commitments = Commitments(source.commitments, others=redactor.commitments(made))
                columns.otlp_details.append(details_json((*details, *source.details, *commitments.details)))
                columns.redactions.append(redactions_text(redacted))
    return columns


def _redact(span: Span, redactor: Redactor, redacted: Counter[str]) -> None:
    redactor.redact_attributes(span.attributes, redacted)
    for event in span.events:
        redactor.redact_attributes(event.attributes, redacted)
    for link in span.links:
        redactor.redact_attributes(link.attributes, redacted)
    span.status.message = redactor.redacted(span.status.message.encode(), redacted).decode()


def _append_span(columns: SpanColumns, span: Span) -> list[bytes]:
    """Append what is of the span alone, without details; return the details."""
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    kind, status = _name(SPAN_KINDS, span.kind), _name(STATUS_CODES, span.status.code)
    trace_id, span_id = hex_id(span.trace_id, 16), hex_id(span.span_id, 8)
    parent_span_id = hex_id(span.parent_span_id, 8)
    attributes, types = attributes_of(span.attributes)
    events, event_details = _events(span.events)
    links, link_details = _links(span.links)

    columns.timestamp.append(min(start, MAX_TIME))
    columns.trace_id.append(trace_id)
    columns.span_id.append(span_id)
    columns.parent_span_id.append(parent_span_id)
    columns.trace_state.append(span.trace_state.encode())
    columns.span_name.append(span.name.encode())
    columns.span_kind.append(kind)
    columns.span_attributes.append(attributes)
    columns.duration.append(max(0, end - start))
    columns.status_code.append(status)
    columns.status_message.append(span.status.message.encode())
    columns.events.append(events)
    columns.links.append(links)
    columns.flags.append(span.flags)
    columns.dropped_attributes_count.append(span.dropped_attributes_count)
    columns.dropped_events_count.append(span.dropped_events_count)
    columns.dropped_links_count.append(span.dropped_links_count)

    details = []
    if start > MAX_TIME:
        details.append(b'"start":"%d"' % start)
    if end < start:
        details.append(b'"end":"%d"' % end)
    if not kind:
        details.append(b'"kind":"%d"' % span.kind)
    if not status:
        details.append(b'"status":"%d"' % span.status.code)
    details += _invalid_id(b"trace_id", span.trace_id, trace_id)
    details += _invalid_id(b"span_id", span.span_id, span_id)
    details += _invalid_id(b"parent_span_id", span.parent_span_id, parent_span_id)
    if types != ALL_STRINGS:
        details.append(b'"span":' + types)
    details += order_details(b"span_order", repeated_of(span.attributes))
    if event_details:
        details.append(b'"events":' + event_details)
    if link_details:
        details.append(b'"links":' + link_details)
    return details


def _events(events: Collection[Span.Event]) -> tuple[tuple[Event, ...], bytes]:
    """Return the events, and what the columns lose of them."""
    check_members(events)
    decoded, lost = [], []
    for number, event in enumerate(events):
        attributes, types = attributes_of(event.attributes)
        decoded.append(Event(min(event.time_unix_nano, MAX_TIME), event.name.encode(), attributes))
        details = []
        if event.time_unix_nano > MAX_TIME:
            details.append(b'"time":"%d"' % event.time_unix_nano)
        details += _of_attributes(types, event)
        if details:
            lost.append(b'"%d":' % number + details_json(details))
    return tuple(decoded), details_json(lost)


def _links(links: Collection[Span.Link]) -> tuple[tuple[Link, ...], bytes]:
    """Return the links, and what the columns lose of them."""
    check_members(links)
    decoded, lost = [], []
    for number, link in enumerate(links):
        trace_id, span_id = hex_id(link.trace_id, 16), hex_id(link.span_id, 8)
        attributes, types = attributes_of(link.attributes)
        decoded.append(Link(trace_id, span_id, link.trace_state.encode(), attributes))
        details = [
            *_invalid_id(b"trace_id", link.trace_id, trace_id),
            *_invalid_id(b"span_id", link.span_id, span_id),
            *_of_attributes(types, link),
        ]
        if link.flags:
            details.append(b'"flags":%d' % link.flags)
        if details:
            lost.append(b'"%d":' % number + details_json(details))
    return tuple(decoded), details_json(lost)


def _name(names: tuple[bytes, ...], number: int) -> bytes:
    return names[number] if 0 <= number < len(names) else b""


def _invalid_id(member: bytes, raw: bytes, valid: bytes) -> list[bytes]:
    return [b'"%b":"%b"' % (member, raw.hex().encode())] if raw and not valid else []


def _of_attributes(types: bytes, owner: Span.Event | Span.Link) -> list[bytes]:
    details = []
    if types != ALL_STRINGS:
        details.append(b'"attributes":' + types)
    details += order_details(b"attributes_order", repeated_of(owner.attributes))
    if owner.dropped_attributes_count:
        details.append(b'"dropped":%d' % owner.dropped_attributes_count)
    return details
