"""Encoding of the reference codec: classified record columns to stored columns and leaf hashes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from server.codec.audit.classify import AuditFields
from server.codec.decode_parts import with_detail
from server.codec.encode_columns import encode_column
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.records import RecordColumns
from server.codec.redaction import total_redactions
from server.codec.rows import ALL_STREAMS, Rows, received_at
from server.notary.canonical import canonical_columns, leaf_of, record_bytes
from server.notary.origin import Stream
from storage.native import Column

__all__ = ["encode_records"]

# Canonical column -> field of RecordColumns or of AuditFields.
_RECORD_FIELDS = {
    "TraceId": "trace_id",
    "SpanId": "span_id",
    "TraceFlags": "trace_flags",
    "SeverityText": "severity_text",
    "SeverityNumber": "severity_number",
    "ServiceName": "service_name",
    "Body": "body",
    "ResourceSchemaUrl": "resource_schema_url",
    "ResourceAttributes": "resource_attributes",
    "ScopeSchemaUrl": "scope_schema_url",
    "ScopeName": "scope_name",
    "ScopeVersion": "scope_version",
    "ScopeAttributes": "scope_attributes",
    "LogAttributes": "log_attributes",
    "EventName": "event_name",
    "ObservedTimestamp": "observed_timestamp",
    "Flags": "flags",
    "DroppedAttributesCount": "dropped_attributes_count",
    "Redactions": "redactions",
}
_AUDIT_FIELDS = {
    "AuditRecordId": "record_id",
    "ActorId": "actor_id",
    "ActorName": "actor_name",
    "ActorType": "actor_type",
    "EffectiveActorId": "effective_actor_id",
    "SessionId": "session_id",
    "Action": "action",
    "TargetId": "target_id",
    "TargetType": "target_type",
    "SourceId": "source_id",
    "SourceType": "source_type",
    "SourceHost": "source_host",
    "Outcome": "outcome",
    "Category": "category",
    "AuditRule": "rule",
    "Description": "description",
}


def encode_records(
    records: RecordColumns,
    audit: Sequence[AuditFields | None],
    ingested_at: int,
    hashed: Collection[Stream] = ALL_STREAMS,
    rules_digest: str = "",
    provenance: Provenance = NO_PROVENANCE,
) -> list[Rows]:
    """Encode the records of a request.

    Args:
        records: columns of the records.
        audit: the audit fields of each record, None for an operational record.
        ingested_at: time of receipt of the request, in nanoseconds since the epoch.
        hashed: streams whose rows get leaf hashes.
        rules_digest: digest of the audit rules, for the details of audit records.
        provenance: the tenant and the sender of the records.

    Returns:
        At most one Rows per stream, audit first.
    """
    chosen = {
        Stream.AUDIT: [i for i, fields in enumerate(audit) if fields is not None],
        Stream.OPERATIONAL: [i for i, fields in enumerate(audit) if fields is None],
    }
    return [
        _encode(stream, records, audit, rows, ingested_at, rules_digest, provenance, hashed=stream in hashed)
        for stream, rows in chosen.items()
        if rows
    ]


def _encode(
    stream: Stream,
    records: RecordColumns,
    audit: Sequence[AuditFields | None],
    chosen: list[int],
    ingested_at: int,
    rules_digest: str,
    provenance: Provenance,
    *,
    hashed: bool,
) -> Rows:
    # A record without any time counts as of its receipt.
    timestamps = [records.timestamp[i] or received_at(ingested_at, i) for i in chosen]
    given = provenance.columns
    stored: list[Column] = []
    canonical: list[list[bytes]] = []
    for column in canonical_columns(stream):
        if column.name == "IngestedAt":
            values: list[Any] = [received_at(ingested_at, i) for i in chosen]
        elif column.name == "Timestamp":
            values = timestamps
        elif column.name == "OtlpDetails":
            values = [_details(records, i, rules_digest if stream is Stream.AUDIT else "") for i in chosen]
        elif column.name in given:
            values = [given[column.name]] * len(chosen)
        elif column.name in _RECORD_FIELDS:
            everything = getattr(records, _RECORD_FIELDS[column.name])
            values = [everything[i] for i in chosen]
        else:
            values = [getattr(audit[i], _AUDIT_FIELDS[column.name]) for i in chosen]
        data, encoded = encode_column(column.kind, values)
        stored.append(data)
        canonical.append(encoded)
    return Rows(
        stream=stream,
        count=len(chosen),
        columns=tuple(stored),
        leaf_hashes=b"".join(map(leaf_of, record_bytes(canonical))) if hashed else b"",
        min_timestamp=min(timestamps),
        max_timestamp=max(timestamps),
        first_ingested_at=received_at(ingested_at, chosen[0]),
        ingested_at=received_at(ingested_at, chosen[-1]),
        redactions=total_redactions(records.redactions[i] for i in chosen),
        owner=provenance.owner,
    )


def _details(records: RecordColumns, number: int, rules_digest: str) -> bytes:
    details = records.otlp_details[number]
    if rules_digest:
        details = with_detail(details, b'"rules":"%b"' % rules_digest.encode())
    for listed in records.commitments[number].details:
        details = with_detail(details, listed)
    return details
