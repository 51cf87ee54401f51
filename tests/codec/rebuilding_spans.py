"""A row back to the span, written from the description of the columns alone."""

from __future__ import annotations

import json

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import EntityRef, InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from server.codec.decode_spans import SPAN_KINDS, STATUS_CODES
from server.codec.records import Event, Link, SpanColumns

from .rebuilding import key_values
from .restoring import Members, normalise

__all__ = ["comparable", "flattened", "rebuilt"]


def rebuilt(columns: SpanColumns, row: int) -> ResourceSpans:
    """Return the span of a row, alone in its resource and scope."""
    parsed = json.loads(columns.otlp_details[row] or b"{}", object_pairs_hook=Members)
    details = dict(parsed)
    assert len(details) == len(parsed)

    start = int(details.get("start", columns.timestamp[row]))
    end = details.get("end", start + columns.duration[row])
    kind = details.get("kind") or SPAN_KINDS.index(columns.span_kind[row])
    status = details.get("status") or STATUS_CODES.index(columns.status_code[row])
    of_events, of_links = dict(details.get("events", ())), dict(details.get("links", ()))
    span = Span(
        trace_id=an_id(details, "trace_id", columns.trace_id[row]),
        span_id=an_id(details, "span_id", columns.span_id[row]),
        parent_span_id=an_id(details, "parent_span_id", columns.parent_span_id[row]),
        trace_state=columns.trace_state[row].decode(),
        flags=columns.flags[row],
        name=columns.span_name[row].decode(),
        kind=Span.SpanKind.ValueType(int(kind)),
        start_time_unix_nano=start,
        end_time_unix_nano=int(end),
        attributes=key_values(columns.span_attributes[row], details.get("span"), details.get("span_order")),
        dropped_attributes_count=columns.dropped_attributes_count[row],
        events=[an_event(each, dict(of_events.get(str(n), ()))) for n, each in enumerate(columns.events[row])],
        dropped_events_count=columns.dropped_events_count[row],
        links=[a_link(each, dict(of_links.get(str(n), ()))) for n, each in enumerate(columns.links[row])],
        dropped_links_count=columns.dropped_links_count[row],
        status=Status(message=columns.status_message[row].decode(), code=Status.StatusCode.ValueType(int(status))),
    )
    scope = InstrumentationScope(
        name=columns.scope_name[row].decode(),
        version=columns.scope_version[row].decode(),
        attributes=key_values(columns.scope_attributes[row], details.get("scope"), details.get("scope_order")),
        dropped_attributes_count=details.get("scope_dropped", 0),
    )
    resource = Resource(
        attributes=key_values(columns.resource_attributes[row], details.get("resource"), details.get("resource_order")),
        dropped_attributes_count=details.get("resource_dropped", 0),
        entity_refs=[EntityRef(**dict(entity)) for entity in details.get("entity_refs", [])],
    )
    schema_url = columns.resource_schema_url[row].decode()
    return one_span(resource, schema_url, scope, columns.scope_schema_url[row].decode(), span)


def an_id(details: dict[str, str], name: str, stored: bytes) -> bytes:
    return bytes.fromhex(details.get(name, stored.decode()))


def an_event(event: Event, details: dict[str, object]) -> Span.Event:
    return Span.Event(
        time_unix_nano=int(str(details.get("time", event.timestamp))),
        name=event.name.decode(),
        attributes=key_values(event.attributes, details.get("attributes"), details.get("attributes_order")),  # type: ignore[arg-type]
        dropped_attributes_count=details.get("dropped", 0),  # type: ignore[arg-type]
    )


def a_link(link: Link, details: dict[str, object]) -> Span.Link:
    return Span.Link(
        trace_id=an_id(details, "trace_id", link.trace_id),  # type: ignore[arg-type]
        span_id=an_id(details, "span_id", link.span_id),  # type: ignore[arg-type]
        trace_state=link.trace_state.decode(),
        attributes=key_values(link.attributes, details.get("attributes"), details.get("attributes_order")),  # type: ignore[arg-type]
        dropped_attributes_count=details.get("dropped", 0),  # type: ignore[arg-type]
        flags=details.get("flags", 0),  # type: ignore[arg-type]
    )


def one_span(
    resource: Resource, resource_schema_url: str, scope: InstrumentationScope, scope_schema_url: str, span: Span
) -> ResourceSpans:
    scope_spans = ScopeSpans(scope=scope, schema_url=scope_schema_url, spans=[span])
    return ResourceSpans(resource=resource, schema_url=resource_schema_url, scope_spans=[scope_spans])


def flattened(request: ExportTraceServiceRequest) -> list[ResourceSpans]:
    """Return each span of a request, alone in its resource and scope."""
    return [
        one_span(resource_spans.resource, resource_spans.schema_url, scope_spans.scope, scope_spans.schema_url, span)
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def comparable(sent: ResourceSpans) -> bytes:
    """Return a span's bytes without what is documented as not kept."""
    sent = ResourceSpans.FromString(sent.SerializeToString())
    scope_spans = sent.scope_spans[0]
    span = scope_spans.spans[0]
    span.status.SetInParent()  # an empty status left out is the same as one sent
    owners: list[Resource | InstrumentationScope | Span | Span.Event | Span.Link]
    owners = [sent.resource, scope_spans.scope, span, *span.events, *span.links]
    for owner in owners:
        normalise(owner.attributes)
    return sent.SerializeToString(deterministic=True)
