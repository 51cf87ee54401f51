"""The columns of the canonical record, of each version."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

from server.notary.errors import MalformedError
from server.notary.origin import Stream

__all__ = [
    "CANONICAL_VERSION",
    "VERSIONS",
    "CanonicalColumn",
    "Kind",
    "canonical_columns",
    "has_version",
    "mark_of",
    "version_of",
    "versions_of",
]

VERSIONS = (1, 2)
"""Versions that are verified."""

CANONICAL_VERSION = VERSIONS[-1]
"""The version of new records."""

_INT64 = struct.Struct("<q")


class Kind(Enum):
    """Encoding of a column. ``WORD`` is a LowCardinality string, encoded like ``STRING``; plurals are arrays."""

    TIME = "DateTime64(9)"
    UINT8 = "UInt8"
    UINT32 = "UInt32"
    UINT64 = "UInt64"
    STRING = "String"
    WORD = "LowCardinality(String)"
    MAP = "Map(LowCardinality(String), String)"
    TIMES = "Array(DateTime64(9))"
    STRINGS = "Array(String)"
    WORDS = "Array(LowCardinality(String))"
    MAPS = "Array(Map(LowCardinality(String), String))"

    @property
    def element(self) -> Kind | None:
        """The kind of the elements of an array, None for all else."""
        return _ELEMENTS.get(self)


_ELEMENTS = {Kind.TIMES: Kind.TIME, Kind.STRINGS: Kind.STRING, Kind.WORDS: Kind.WORD, Kind.MAPS: Kind.MAP}


@dataclass(frozen=True, slots=True)
class CanonicalColumn:
    """One column of the canonical record: its stored name and how it is encoded."""

    name: str
    kind: Kind


_CONTENT_1 = (
    # The base columns of the OpenTelemetry Collector's clickhouseexporter.
    CanonicalColumn("Timestamp", Kind.TIME),
    CanonicalColumn("TraceId", Kind.STRING),
    CanonicalColumn("SpanId", Kind.STRING),
    CanonicalColumn("TraceFlags", Kind.UINT8),
    CanonicalColumn("SeverityText", Kind.WORD),
    CanonicalColumn("SeverityNumber", Kind.UINT8),
    CanonicalColumn("ServiceName", Kind.WORD),
    CanonicalColumn("Body", Kind.STRING),
    CanonicalColumn("ResourceSchemaUrl", Kind.WORD),
    CanonicalColumn("ResourceAttributes", Kind.MAP),
    CanonicalColumn("ScopeSchemaUrl", Kind.WORD),
    CanonicalColumn("ScopeName", Kind.STRING),
    CanonicalColumn("ScopeVersion", Kind.WORD),
    CanonicalColumn("ScopeAttributes", Kind.MAP),
    CanonicalColumn("LogAttributes", Kind.MAP),
    CanonicalColumn("EventName", Kind.STRING),
    # What those leave out of the OTLP record.
    CanonicalColumn("ObservedTimestamp", Kind.TIME),
    CanonicalColumn("Flags", Kind.UINT32),
    CanonicalColumn("DroppedAttributesCount", Kind.UINT32),
    CanonicalColumn("OtlpDetails", Kind.WORD),
    # When it was received.
    CanonicalColumn("IngestedAt", Kind.TIME),
)

_AUDIT_1 = (
    CanonicalColumn("AuditRecordId", Kind.STRING),
    CanonicalColumn("ActorId", Kind.STRING),
    CanonicalColumn("ActorType", Kind.WORD),
    CanonicalColumn("Action", Kind.WORD),
    CanonicalColumn("TargetId", Kind.STRING),
    CanonicalColumn("TargetType", Kind.WORD),
    CanonicalColumn("SourceId", Kind.STRING),
    CanonicalColumn("SourceType", Kind.WORD),
    CanonicalColumn("Outcome", Kind.WORD),
    CanonicalColumn("Category", Kind.WORD),
    CanonicalColumn("AuditRule", Kind.WORD),
)

_CONTENT_2 = (
    # Who delivered it, and its resource and scope: the same for many records.
    CanonicalColumn("Tenant", Kind.WORD),
    CanonicalColumn("Sender", Kind.WORD),
    CanonicalColumn("ServiceName", Kind.WORD),
    CanonicalColumn("ResourceSchemaUrl", Kind.WORD),
    CanonicalColumn("ResourceAttributes", Kind.MAP),
    CanonicalColumn("ScopeSchemaUrl", Kind.WORD),
    CanonicalColumn("ScopeName", Kind.STRING),
    CanonicalColumn("ScopeVersion", Kind.WORD),
    CanonicalColumn("ScopeAttributes", Kind.MAP),
    # What differs.
    CanonicalColumn("Timestamp", Kind.TIME),
    CanonicalColumn("TraceId", Kind.STRING),
    CanonicalColumn("SpanId", Kind.STRING),
    CanonicalColumn("TraceFlags", Kind.UINT8),
    CanonicalColumn("SeverityText", Kind.WORD),
    CanonicalColumn("SeverityNumber", Kind.UINT8),
    CanonicalColumn("Body", Kind.STRING),
    CanonicalColumn("LogAttributes", Kind.MAP),
    CanonicalColumn("EventName", Kind.STRING),
    CanonicalColumn("ObservedTimestamp", Kind.TIME),
    CanonicalColumn("Flags", Kind.UINT32),
    CanonicalColumn("DroppedAttributesCount", Kind.UINT32),
    CanonicalColumn("OtlpDetails", Kind.WORD),
    CanonicalColumn("IngestedAt", Kind.TIME),
    CanonicalColumn("Redactions", Kind.STRING),
)

_AUDIT_2 = (
    CanonicalColumn("AuditRecordId", Kind.STRING),
    CanonicalColumn("ActorId", Kind.STRING),
    CanonicalColumn("ActorName", Kind.STRING),
    CanonicalColumn("ActorType", Kind.WORD),
    CanonicalColumn("EffectiveActorId", Kind.STRING),
    CanonicalColumn("SessionId", Kind.STRING),
    CanonicalColumn("Action", Kind.WORD),
    CanonicalColumn("TargetId", Kind.STRING),
    CanonicalColumn("TargetType", Kind.WORD),
    CanonicalColumn("SourceId", Kind.STRING),
    CanonicalColumn("SourceType", Kind.WORD),
    CanonicalColumn("SourceHost", Kind.STRING),
    CanonicalColumn("Outcome", Kind.WORD),
    CanonicalColumn("Category", Kind.WORD),
    CanonicalColumn("AuditRule", Kind.WORD),
    CanonicalColumn("Description", Kind.STRING),
)

_SPAN_2 = (
    # Who delivered it, and its resource and scope: as in records, and in the same order.
    *_CONTENT_2[:9],
    # What differs.
    CanonicalColumn("Timestamp", Kind.TIME),
    CanonicalColumn("TraceId", Kind.STRING),
    CanonicalColumn("SpanId", Kind.STRING),
    CanonicalColumn("ParentSpanId", Kind.STRING),
    CanonicalColumn("TraceState", Kind.STRING),
    CanonicalColumn("SpanName", Kind.WORD),
    CanonicalColumn("SpanKind", Kind.WORD),
    CanonicalColumn("SpanAttributes", Kind.MAP),
    CanonicalColumn("Duration", Kind.UINT64),
    CanonicalColumn("StatusCode", Kind.WORD),
    CanonicalColumn("StatusMessage", Kind.STRING),
    CanonicalColumn("Events.Timestamp", Kind.TIMES),
    CanonicalColumn("Events.Name", Kind.WORDS),
    CanonicalColumn("Events.Attributes", Kind.MAPS),
    CanonicalColumn("Links.TraceId", Kind.STRINGS),
    CanonicalColumn("Links.SpanId", Kind.STRINGS),
    CanonicalColumn("Links.TraceState", Kind.STRINGS),
    CanonicalColumn("Links.Attributes", Kind.MAPS),
    CanonicalColumn("Flags", Kind.UINT32),
    CanonicalColumn("DroppedAttributesCount", Kind.UINT32),
    CanonicalColumn("DroppedEventsCount", Kind.UINT32),
    CanonicalColumn("DroppedLinksCount", Kind.UINT32),
    CanonicalColumn("OtlpDetails", Kind.WORD),
    CanonicalColumn("IngestedAt", Kind.TIME),
    CanonicalColumn("Redactions", Kind.STRING),
)

_COLUMNS = {
    (Stream.OPERATIONAL, 1): _CONTENT_1,
    (Stream.AUDIT, 1): _CONTENT_1 + _AUDIT_1,
    (Stream.OPERATIONAL, 2): _CONTENT_2,
    (Stream.AUDIT, 2): _CONTENT_2 + _AUDIT_2,
    (Stream.SPANS, 2): _SPAN_2,
}


def canonical_columns(stream: Stream, version: int = CANONICAL_VERSION) -> tuple[CanonicalColumn, ...]:
    """Return the columns of the canonical record of a stream, in order; without the mark.

    Raises:
        MalformedError: the version is unknown, or the stream has none of this version.
    """
    if version not in VERSIONS:
        raise MalformedError(f"canonical version {version} is not supported by this Lognotary")
    try:
        return _COLUMNS[stream, version]
    except KeyError:
        raise MalformedError(f"canonical version {version} does not exist for the stream {stream.value}") from None


def versions_of(stream: Stream) -> tuple[int, ...]:
    """Return the versions that a stream's canonical records may have: there are spans since version 2."""
    return tuple(version for version in VERSIONS if (stream, version) in _COLUMNS)


def mark_of(version: int) -> bytes:
    """Return the bytes with which the records of a version begin: 8, or none for version 1."""
    return b"" if version == 1 else _INT64.pack(-version)


def has_version(record: bytes, version: int) -> bool:
    """Return whether bytes begin like the canonical record of a version."""
    if len(record) < _INT64.size:
        return False
    first = int(_INT64.unpack_from(record)[0])
    return first >= 0 if version == 1 else first == -version


def version_of(record: bytes) -> int:
    """Return the version of a canonical record, whether it is supported or not.

    Raises:
        MalformedError: the bytes are no canonical record.
    """
    if len(record) < _INT64.size:
        raise MalformedError("the canonical record ends too early")
    (first,) = _INT64.unpack_from(record)
    if first == -1:
        raise MalformedError("the canonical record begins with -1, but version 1 has no mark")
    return 1 if first >= 0 else -int(first)
