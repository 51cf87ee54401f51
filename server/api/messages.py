"""Conversion of stored records, evidence and findings to messages of the public API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.attributes import counting, repeated, sent_texts, texts_of
from server.notary.canonical import Pairs, Value, decode_record
from server.notary.errors import MalformedError
from server.notary.findings import Finding, finding_id, stored_hash
from server.notary.origin import LogName, Stream
from server.notary.producer_signature import producer_signature
from server.notary.sent_order import SentOrder
from server.verification.expiry import Expired
from server.verification.record_evidence import RecordEvidence
from server.verification.scope import Progress, Summary
from storage.earlier_spans import EarlierSpan
from storage.stored_records import StoredRecord

__all__ = [
    "earlier_span_message",
    "evidence_message",
    "from_nanos",
    "record_message",
    "span_message",
    "to_nanos",
    "verify_response",
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
    observed = _number(values["ObservedTimestamp"])
    order = SentOrder(_bytes(values["OtlpDetails"]))
    resource = sent_texts(order, _pairs(values["ResourceAttributes"]), "resource_order")
    scope = sent_texts(order, _pairs(values["ScopeAttributes"]), "scope_order")
    log = sent_texts(order, _pairs(values["LogAttributes"]), "log_order")
    message = correlation_pb2.Record(
        timestamp=from_nanos(_number(values["Timestamp"])),
        observed_timestamp=from_nanos(observed) if observed else None,
        ingested_at=from_nanos(_number(values["IngestedAt"])),
        trace_id=_text(values["TraceId"]),
        span_id=_text(values["SpanId"]),
        flags=_number(values["Flags"]),
        severity_text=_text(values["SeverityText"]),
        severity_number=_number(values["SeverityNumber"]),
        service_name=_text(values["ServiceName"]),
        body=_text(values["Body"]),
        event_name=_text(values["EventName"]),
        scope_name=_text(values["ScopeName"]),
        scope_version=_text(values["ScopeVersion"]),
        resource_attributes=counting(resource),
        scope_attributes=counting(scope),
        log_attributes=counting(log),
        otlp_details=_text(values["OtlpDetails"]),
        dropped_attributes_count=_number(values["DroppedAttributesCount"]),
        resource_schema_url=_text(values["ResourceSchemaUrl"]),
        scope_schema_url=_text(values["ScopeSchemaUrl"]),
        evidence=evidence,
        repeated_attributes=[*repeated("log", log), *repeated("scope", scope), *repeated("resource", resource)],
    )
    if checked := producer_signature(_bytes(values["OtlpDetails"])):
        message.producer_signature.CopyFrom(
            correlation_pb2.ProducerSignature(**{name: checked.get(name, "") for name in _SIGNATURE_FIELDS})
        )
    if stream is Stream.AUDIT:
        fields = {field: _text(values[column]) for field, column in _AUDIT_FIELDS.items()}
        message.audit.CopyFrom(correlation_pb2.AuditEvent(**fields))
    return message


def evidence_message(stored: StoredRecord, evidence: RecordEvidence) -> evidence_pb2.Evidence:
    """Convert a record's evidence."""
    batch = evidence.batch
    return evidence_pb2.Evidence(
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


def span_message(stored: StoredRecord, evidence: RecordEvidence) -> correlation_pb2.Span:
    """Convert a stored span with its evidence; a span that a Collector wrote to storage has none."""
    values = decode_record(Stream.SPANS, stored.canonical)
    order = SentOrder(_bytes(values["OtlpDetails"]))
    resource = sent_texts(order, _pairs(values["ResourceAttributes"]), "resource_order")
    scope = sent_texts(order, _pairs(values["ScopeAttributes"]), "scope_order")
    span = sent_texts(order, _pairs(values["SpanAttributes"]), "span_order")
    return correlation_pb2.Span(
        timestamp=from_nanos(_number(values["Timestamp"])),
        duration_nanos=_number(values["Duration"]),
        span_id=_text(values["SpanId"]),
        parent_span_id=_text(values["ParentSpanId"]),
        name=_text(values["SpanName"]),
        kind=_text(values["SpanKind"]),
        service_name=_text(values["ServiceName"]),
        status_code=_text(values["StatusCode"]),
        status_message=_text(values["StatusMessage"]),
        attributes=counting(span),
        trace_id=_text(values["TraceId"]),
        trace_state=_text(values["TraceState"]),
        flags=_number(values["Flags"]),
        ingested_at=from_nanos(_number(values["IngestedAt"])),
        scope_name=_text(values["ScopeName"]),
        scope_version=_text(values["ScopeVersion"]),
        resource_attributes=counting(resource),
        scope_attributes=counting(scope),
        resource_schema_url=_text(values["ResourceSchemaUrl"]),
        scope_schema_url=_text(values["ScopeSchemaUrl"]),
        events=_events(values, order),
        links=_links(values, order),
        dropped_attributes_count=_number(values["DroppedAttributesCount"]),
        dropped_events_count=_number(values["DroppedEventsCount"]),
        dropped_links_count=_number(values["DroppedLinksCount"]),
        otlp_details=_text(values["OtlpDetails"]),
        evidence=None if evidence.is_of_a_collector else evidence_message(stored, evidence),
        repeated_attributes=[*repeated("span", span), *repeated("scope", scope), *repeated("resource", resource)],
    )


def _events(values: dict[str, Value], order: SentOrder) -> Iterator[correlation_pb2.SpanEvent]:
    parts = _elements(values, "Events", "Timestamp", "Name", "Attributes")
    for number, (time, name, pairs) in enumerate(parts):
        attributes = sent_texts(order, _pairs(pairs), "events", str(number), "attributes_order")
        yield correlation_pb2.SpanEvent(
            timestamp=from_nanos(_number(time)),
            name=_text(name),
            attributes=counting(attributes),
            repeated_attributes=repeated("event", attributes),
        )


def _links(values: dict[str, Value], order: SentOrder) -> Iterator[correlation_pb2.SpanLink]:
    parts = _elements(values, "Links", "TraceId", "SpanId", "TraceState", "Attributes")
    for number, (trace_id, span_id, state, pairs) in enumerate(parts):
        attributes = sent_texts(order, _pairs(pairs), "links", str(number), "attributes_order")
        yield correlation_pb2.SpanLink(
            trace_id=_text(trace_id),
            span_id=_text(span_id),
            trace_state=_text(state),
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


def verify_response(item: Progress | Finding | Expired | Summary) -> evidence_pb2.VerifyResponse:
    """Convert one step of a verification."""
    if isinstance(item, Progress):
        return evidence_pb2.VerifyResponse(
            progress=evidence_pb2.VerifyProgress(
                origin=item.origin,
                batches=item.batches,
                records=item.records,
                total_records=item.total_records,
                checkpoint=item.checkpoint,
            )
        )
    if isinstance(item, Expired):
        expired = evidence_pb2.VerifyExpired(
            origin=item.origin, day=item.day.isoformat(), batches=item.batches, records=item.records
        )
        if item.dropped_at is not None:
            expired.dropped_at.FromSeconds(item.dropped_at)
        return evidence_pb2.VerifyResponse(expired=expired)
    if isinstance(item, Summary):
        return evidence_pb2.VerifyResponse(
            summary=evidence_pb2.VerifySummary(
                logs=item.logs,
                batches=item.batches,
                records=item.records,
                findings=item.findings,
                statements=item.statements,
                expired_records=item.expired_records,
                entries=[
                    evidence_pb2.VerifiedEntries(origin=one.origin, first_leaf=one.first, end_leaf=one.end)
                    for one in item.entries
                ],
                resumed_entries=item.resumed,
                mismatched_records=item.mismatched,
                unread_logs=item.unread,
                logs_without_checkpoint=item.unanchored,
                lookups=item.lookups,
                skipped_checks=[
                    evidence_pb2.SkippedCheck(check=one.check, grant=one.grant, reason=one.reason)
                    for one in item.skipped
                ],
            )
        )
    return evidence_pb2.VerifyResponse(
        finding=evidence_pb2.Finding(
            id=finding_id(item),
            stored_hash=stored_hash(item),
            kind=item.kind.value,
            message=item.message,
            log_id=item.log_id,
            origin=item.origin,
            batch_id=str(item.batch_id) if item.batch_id else "",
            sequence=item.sequence,
            leaf_index=item.leaf_index,
            record=_describe(item),
            record_count=item.record_count,
        )
    )


def _describe(finding: Finding) -> str:
    """Describe a record in one line: time, service, content."""
    if finding.record is None:
        return ""
    for stream in _streams(finding):
        try:
            values = decode_record(stream, finding.record)
        except MalformedError:
            continue
        when = from_nanos(_number(values["Timestamp"])).ToJsonString()
        who = f"{_text(values['ActorId'])} {_text(values['Action'])} " if stream is Stream.AUDIT else ""
        content = _text(values["SpanName" if stream is Stream.SPANS else "Body"])
        return f"{when} {_text(values['ServiceName'])} {who}{content}"[:500]
    return ""


def _streams(finding: Finding) -> list[Stream]:
    return [LogName.parse(finding.origin).stream] if finding.origin else list(Stream)


def _elements(values: dict[str, Value], array: str, *parts: str) -> Iterator[tuple[Value, ...]]:
    """Yield the elements of an array whose parts are columns of their own, which may have been made unlike."""
    return zip(*(cast("list[Value]", values[f"{array}.{part}"]) for part in parts), strict=False)


def _number(value: Value) -> int:
    return cast(int, value)


def _bytes(value: Value) -> bytes:
    return cast(bytes, value)


def _text(value: Value) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _pairs(value: Value) -> Pairs:
    return cast("Pairs", value)
