"""Conversion of stored records and evidence to messages of the public API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.attributes import counting, repeated, sent_texts, texts_of
from server.api.given_proofs import GivenProofs
from server.api.stored_values import bytes_of, number_of, pairs_of, text_of
from server.notary.canonical import Value, decode_record
from server.notary.origin import Stream
from server.notary.producer_signature import producer_signature
from server.notary.sent_order import SentOrder
from server.verification.record_evidence import RecordEvidence
from storage.earlier_spans import EarlierSpan
from storage.stored_records import StoredRecord

__all__ = [
    "earlier_span_message",
    "evidence_message",
    "from_nanos",
    "record_message",
    "span_message",
    "to_nanos",
]

_AUDIT_FIELDS = {
    "record_id": "AuditRecordId",
    "actor_id": "ActorId",
    "actor_type": "ActorType",
    "action": "Action",
    "target_id": "TargetId",
    "target_type": "TargetType",
    "source_id": "SourceId",
    "source_type": "SourceType",
    "outcome": "Outcome",
    "category": "Category",
    "rule": "AuditRule",
    "actor_name": "ActorName",
    "effective_actor_id": "EffectiveActorId",
    "session_id": "SessionId",
    "source_host": "SourceHost",
    "description": "Description",
}


_SIGNATURE_FIELDS = ("result", "reason", "key", "algorithm", "form")


def to_nanos(timestamp: Timestamp) -> int:
    """Return a timestamp in nanoseconds since the epoch."""
    return timestamp.seconds * 10**9 + timestamp.nanos


def from_nanos(nanos: int) -> Timestamp:
    """Return nanoseconds since the epoch as a timestamp."""
    seconds, rest = divmod(nanos, 10**9)
    return Timestamp(seconds=seconds, nanos=rest)


def record_message(stream: Stream, stored: StoredRecord, evidence: evidence_pb2.Evidence) -> correlation_pb2.Record:
    """Convert a stored record."""
    values = decode_record(stream, stored.canonical)
    observed = number_of(values["ObservedTimestamp"])
    order = SentOrder(bytes_of(values["OtlpDetails"]))
    resource = sent_texts(order, pairs_of(values["ResourceAttributes"]), "resource_order")
    scope = sent_texts(order, pairs_of(values["ScopeAttributes"]), "scope_order")
    log = sent_texts(order, pairs_of(values["LogAttributes"]), "log_order")
    message = correlation_pb2.Record(
        timestamp=from_nanos(number_of(values["Timestamp"])),
        observed_timestamp=from_nanos(observed) if observed else None,
        ingested_at=from_nanos(number_of(values["IngestedAt"])),
        trace_id=text_of(values["TraceId"]),
        span_id=text_of(values["SpanId"]),
        flags=number_of(values["Flags"]),
        severity_text=text_of(values["SeverityText"]),
        severity_number=number_of(values["SeverityNumber"]),
        service_name=text_of(values["ServiceName"]),
        body=text_of(values["Body"]),
        event_name=text_of(values["EventName"]),
        scope_name=text_of(values["ScopeName"]),
        scope_version=text_of(values["ScopeVersion"]),
        resource_attributes=counting(resource),
        scope_attributes=counting(scope),
        log_attributes=counting(log),
        otlp_details=text_of(values["OtlpDetails"]),
        dropped_attributes_count=number_of(values["DroppedAttributesCount"]),
        resource_schema_url=text_of(values["ResourceSchemaUrl"]),
        scope_schema_url=text_of(values["ScopeSchemaUrl"]),
        evidence=evidence,
        repeated_attributes=[*repeated("log", log), *repeated("scope", scope), *repeated("resource", resource)],
    )
    if checked := producer_signature(bytes_of(values["OtlpDetails"])):
        message.producer_signature.CopyFrom(
            correlation_pb2.ProducerSignature(**{name: checked.get(name, "") for name in _SIGNATURE_FIELDS})
        )
    if stream is Stream.AUDIT:
        fields = {field: text_of(values[column]) for field, column in _AUDIT_FIELDS.items()}
        message.audit.CopyFrom(correlation_pb2.AuditEvent(**fields))
    return message


def evidence_message(
    stored: StoredRecord, evidence: RecordEvidence, proofs: GivenProofs | None = None
) -> evidence_pb2.Evidence:
    """Convert a record's evidence, with its proof if the answer has proofs."""
    batch = evidence.batch
    message = evidence_pb2.Evidence(
        state=evidence.state.value,
        reason=evidence.reason,
        log_id=stored.log_id,
        origin=batch.origin if batch else "",
        batch_id=str(stored.batch_id) if stored.log_id else "",
        leaf_index=stored.leaf_index if stored.log_id else 0,
        is_expected=evidence.is_expected,
        tree_size=batch.tree_size if batch else 0,
        record_hash=evidence.record_hash.hex(),
    )
    if proofs is not None:
        proofs.add(message, evidence)
    return message


def span_message(
    stored: StoredRecord, evidence: RecordEvidence, proofs: GivenProofs | None = None
) -> correlation_pb2.Span:
    """Convert a stored span with its evidence; a span that a Collector wrote to storage has none."""
    values = decode_record(Stream.SPANS, stored.canonical)
    order = SentOrder(bytes_of(values["OtlpDetails"]))
    resource = sent_texts(order, pairs_of(values["ResourceAttributes"]), "resource_order")
    scope = sent_texts(order, pairs_of(values["ScopeAttributes"]), "scope_order")
    span = sent_texts(order, pairs_of(values["SpanAttributes"]), "span_order")
    return correlation_pb2.Span(
        timestamp=from_nanos(number_of(values["Timestamp"])),
        duration_nanos=number_of(values["Duration"]),
        span_id=text_of(values["SpanId"]),
        parent_span_id=text_of(values["ParentSpanId"]),
        name=text_of(values["SpanName"]),
        kind=text_of(values["SpanKind"]),
        service_name=text_of(values["ServiceName"]),
        status_code=text_of(values["StatusCode"]),
        status_message=text_of(values["StatusMessage"]),
        attributes=counting(span),
        trace_id=text_of(values["TraceId"]),
        trace_state=text_of(values["TraceState"]),
        flags=number_of(values["Flags"]),
        ingested_at=from_nanos(number_of(values["IngestedAt"])),
        scope_name=text_of(values["ScopeName"]),
        scope_version=text_of(values["ScopeVersion"]),
        resource_attributes=counting(resource),
        scope_attributes=counting(scope),
        resource_schema_url=text_of(values["ResourceSchemaUrl"]),
        scope_schema_url=text_of(values["ScopeSchemaUrl"]),
        events=_events(values, order),
        links=_links(values, order),
        dropped_attributes_count=number_of(values["DroppedAttributesCount"]),
        dropped_events_count=number_of(values["DroppedEventsCount"]),
        dropped_links_count=number_of(values["DroppedLinksCount"]),
        otlp_details=text_of(values["OtlpDetails"]),
        evidence=None if evidence.is_of_a_collector else evidence_message(stored, evidence, proofs),
        repeated_attributes=[*repeated("span", span), *repeated("scope", scope), *repeated("resource", resource)],
    )


def _events(values: dict[str, Value], order: SentOrder) -> Iterator[correlation_pb2.SpanEvent]:
    parts = _elements(values, "Events", "Timestamp", "Name", "Attributes")
    for number, (time, name, pairs) in enumerate(parts):
        attributes = sent_texts(order, pairs_of(pairs), "events", str(number), "attributes_order")
        yield correlation_pb2.SpanEvent(
            timestamp=from_nanos(number_of(time)),
            name=text_of(name),
            attributes=counting(attributes),
            repeated_attributes=repeated("event", attributes),
        )


def _links(values: dict[str, Value], order: SentOrder) -> Iterator[correlation_pb2.SpanLink]:
    parts = _elements(values, "Links", "TraceId", "SpanId", "TraceState", "Attributes")
    for number, (trace_id, span_id, state, pairs) in enumerate(parts):
        attributes = sent_texts(order, pairs_of(pairs), "links", str(number), "attributes_order")
        yield correlation_pb2.SpanLink(
            trace_id=text_of(trace_id),
            span_id=text_of(span_id),
            trace_state=text_of(state),
            attributes=counting(attributes),
            repeated_attributes=repeated("link", attributes),
        )


def earlier_span_message(span: EarlierSpan) -> correlation_pb2.Span:
    """Convert a span of the earlier table, of which there is no evidence."""
    attributes = texts_of(span.attributes)
    return correlation_pb2.Span(
        timestamp=from_nanos(span.timestamp),
        duration_nanos=span.duration,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        kind=span.kind,
        service_name=span.service_name,
        status_code=span.status_code,
        status_message=span.status_message,
        attributes=counting(attributes),
        repeated_attributes=repeated("span", attributes),
    )


def _elements(values: dict[str, Value], array: str, *parts: str) -> Iterator[tuple[Value, ...]]:
    """Yield the elements of an array whose parts are columns of their own, which may have been made unlike."""
    return zip(*(cast("list[Value]", values[f"{array}.{part}"]) for part in parts), strict=False)
