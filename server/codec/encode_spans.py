"""Encoding of the reference codec: span columns to stored columns and leaf hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.codec.encode_columns import encode_column
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.records import SpanColumns
from server.codec.redaction import total_redactions
from server.codec.rows import Rows, received_at
from server.notary.canonical import canonical_columns, leaf_of, record_bytes
from server.notary.origin import Stream
from storage.native import Column

__all__ = ["encode_spans"]

# Canonical column -> field of SpanColumns; what is in events and links, of these.
_FIELDS = {
    "ServiceName": "service_name",
    "ResourceSchemaUrl": "resource_schema_url",
    "ResourceAttributes": "resource_attributes",
    "ScopeSchemaUrl": "scope_schema_url",
    "ScopeName": "scope_name",
    "ScopeVersion": "scope_version",
    "ScopeAttributes": "scope_attributes",
    "Timestamp": "timestamp",
    "TraceId": "trace_id",
    "SpanId": "span_id",
    "ParentSpanId": "parent_span_id",
    "TraceState": "trace_state",
    "SpanName": "span_name",
    "SpanKind": "span_kind",
    "SpanAttributes": "span_attributes",
    "Duration": "duration",
    "StatusCode": "status_code",
    "StatusMessage": "status_message",
    "Events.Timestamp": "events.timestamp",
    "Events.Name": "events.name",
    "Events.Attributes": "events.attributes",
    "Links.TraceId": "links.trace_id",
    "Links.SpanId": "links.span_id",
    "Links.TraceState": "links.trace_state",
    "Links.Attributes": "links.attributes",
    "Flags": "flags",
    "DroppedAttributesCount": "dropped_attributes_count",
    "DroppedEventsCount": "dropped_events_count",
    "DroppedLinksCount": "dropped_links_count",
    "OtlpDetails": "otlp_details",
    "Redactions": "redactions",
}


def encode_spans(
    spans: SpanColumns, ingested_at: int, *, hashed: bool = True, provenance: Provenance = NO_PROVENANCE
) -> list[Rows]:
    """Encode the spans of a request.

    Args:
        spans: columns of the spans.
        ingested_at: time of receipt of the request, in nanoseconds since the epoch.
        hashed: True if the rows get leaf hashes.
        provenance: the tenant and the sender of the spans.

    Returns:
        One Rows; none if there are no spans.
    """
    count = len(spans)
    if not count:
        return []
    given = provenance.columns
    stored: list[Column] = []
    canonical: list[list[bytes]] = []
    for column in canonical_columns(Stream.SPANS):
        if column.name == "IngestedAt":
            values: Sequence[Any] = [received_at(ingested_at, number) for number in range(count)]
        elif column.name in given:
            values = [given[column.name]] * count
        else:
            values = _values(spans, _FIELDS[column.name])
        data, encoded = encode_column(column.kind, values)
        stored.append(data)
        canonical.append(encoded)
    return [
        Rows(
            stream=Stream.SPANS,
            count=count,
            columns=tuple(stored),
            leaf_hashes=b"".join(map(leaf_of, record_bytes(canonical))) if hashed else b"",
            min_timestamp=min(spans.timestamp),
            max_timestamp=max(spans.timestamp),
            first_ingested_at=received_at(ingested_at, 0),
            ingested_at=received_at(ingested_at, count - 1),
            redactions=total_redactions(spans.redactions),
            owner=provenance.owner,
        )
    ]


def _values(spans: SpanColumns, path: str) -> Sequence[Any]:
    field, _, part = path.partition(".")
    values: Sequence[Any] = getattr(spans, field)
    return [[getattr(element, part) for element in elements] for elements in values] if part else values
