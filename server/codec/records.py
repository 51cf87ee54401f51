"""The decoded columns of a request, before classification and encoding."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from server.codec.commitments import LISTED_SIZE, Commitments

__all__ = ["Attributes", "Event", "Link", "RecordColumns", "Repeated", "Source", "SourceColumns", "SpanColumns"]

Attributes = tuple[tuple[bytes, bytes], ...]
"""Attributes as UTF-8 (key, value) pairs, sorted by key and then by value.

All rows of one resource (or scope) share one tuple object, so that it is encoded once.
"""

Repeated = tuple[tuple[bytes, tuple[bytes, ...]], ...]
"""Keys that are more than once in a list of attributes, each with its values in the order in which they were sent."""


@dataclass(frozen=True, slots=True)
class Source:
    """Resource and scope of some records or spans.

    Attributes:
        details: members of ``otlp_details``.
        redacted: rules of redaction -> number of secrets that each has replaced in the resource and the scope.
        commitments: commitments that the server has made in the resource and the scope, in hexadecimal.
    """

    service_name: bytes
    resource_schema_url: bytes
    resource_attributes: Attributes
    scope_schema_url: bytes = b""
    scope_name: bytes = b""
    scope_version: bytes = b""
    scope_attributes: Attributes = ()
    resource_repeated: Repeated = ()
    scope_repeated: Repeated = ()
    details: tuple[bytes, ...] = ()
    redacted: Counter[str] = field(default_factory=Counter)
    commitments: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that every record or span repeats."""
        words = (
            self.service_name,
            self.resource_schema_url,
            self.scope_schema_url,
            self.scope_name,
            self.scope_version,
        )
        return (
            sum(map(len, words))
            + sum(len(key) + len(text) for key, text in self.resource_attributes + self.scope_attributes)
            + sum(len(detail) + 1 for detail in self.details)
            + LISTED_SIZE * len(self.commitments)
        )


@dataclass(slots=True)
class SourceColumns:
    """Columns of resources and scopes: entry i of every list belongs to record or span i of a request.

    Strings are UTF-8 bytes. Names and meaning are the same as in the stored columns.
    """

    service_name: list[bytes] = field(default_factory=list)
    resource_schema_url: list[bytes] = field(default_factory=list)
    resource_attributes: list[Attributes] = field(default_factory=list)
    scope_schema_url: list[bytes] = field(default_factory=list)
    scope_name: list[bytes] = field(default_factory=list)
    scope_version: list[bytes] = field(default_factory=list)
    scope_attributes: list[Attributes] = field(default_factory=list)
    resource_repeated: list[Repeated] = field(default_factory=list)
    scope_repeated: list[Repeated] = field(default_factory=list)

    def append_source(self, source: Source) -> None:
        """Append the resource and scope of one record or span."""
        self.service_name.append(source.service_name)
        self.resource_schema_url.append(source.resource_schema_url)
        self.resource_attributes.append(source.resource_attributes)
        self.scope_schema_url.append(source.scope_schema_url)
        self.scope_name.append(source.scope_name)
        self.scope_version.append(source.scope_version)
        self.scope_attributes.append(source.scope_attributes)
        self.resource_repeated.append(source.resource_repeated)
        self.scope_repeated.append(source.scope_repeated)

    def __len__(self) -> int:
        return len(self.service_name)


@dataclass(slots=True)
class RecordColumns(SourceColumns):
    """The log records of one request as columns.

    Times are nanoseconds since the Unix epoch, within the range of DateTime64(9): 0 to 2**63 - 1.
    """

    timestamp: list[int] = field(default_factory=list)  # 0 if the sender gave none
    trace_id: list[bytes] = field(default_factory=list)  # 32 lower-case hex digits, or empty
    span_id: list[bytes] = field(default_factory=list)  # 16 lower-case hex digits, or empty
    trace_flags: list[int] = field(default_factory=list)  # the low byte of flags
    severity_text: list[bytes] = field(default_factory=list)
    severity_number: list[int] = field(default_factory=list)  # 0 to 255
    body: list[bytes] = field(default_factory=list)
    body_text: list[bytes] = field(default_factory=list)  # as audit rules see it: of bytes, the text in them
    log_attributes: list[Attributes] = field(default_factory=list)
    log_repeated: list[Repeated] = field(default_factory=list)
    event_name: list[bytes] = field(default_factory=list)
    observed_timestamp: list[int] = field(default_factory=list)  # 0 if the sender gave none
    flags: list[int] = field(default_factory=list)  # all 32 bits
    dropped_attributes_count: list[int] = field(default_factory=list)
    otlp_details: list[bytes] = field(default_factory=list)  # JSON, empty for most records
    event_details: list[bytes] = field(default_factory=list)  # the same without the type of the body
    redactions: list[bytes] = field(default_factory=list)  # JSON, empty for most records
    commitments: list[Commitments] = field(default_factory=list)  # which the encoder lists in otlp_details


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a span; the time is in nanoseconds since the Unix epoch, 0 to 2**63 - 1."""

    timestamp: int
    name: bytes
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a span; ids are lower-case hex digits, or empty."""

    trace_id: bytes
    span_id: bytes
    trace_state: bytes
    attributes: Attributes


@dataclass(slots=True)
class SpanColumns(SourceColumns):
    """The spans of one request as columns.

    Times are nanoseconds since the Unix epoch, within the range of DateTime64(9): 0 to 2**63 - 1.
    """

    timestamp: list[int] = field(default_factory=list)
    trace_id: list[bytes] = field(default_factory=list)  # 32 lower-case hex digits, or empty
    span_id: list[bytes] = field(default_factory=list)  # 16 lower-case hex digits, or empty
    parent_span_id: list[bytes] = field(default_factory=list)  # 16 lower-case hex digits, or empty
    trace_state: list[bytes] = field(default_factory=list)
    span_name: list[bytes] = field(default_factory=list)
    span_kind: list[bytes] = field(default_factory=list)
    span_attributes: list[Attributes] = field(default_factory=list)
    duration: list[int] = field(default_factory=list)  # nanoseconds, 64 bits
    status_code: list[bytes] = field(default_factory=list)
    status_message: list[bytes] = field(default_factory=list)
    events: list[tuple[Event, ...]] = field(default_factory=list)
    links: list[tuple[Link, ...]] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    dropped_attributes_count: list[int] = field(default_factory=list)
    dropped_events_count: list[int] = field(default_factory=list)
    dropped_links_count: list[int] = field(default_factory=list)
    otlp_details: list[bytes] = field(default_factory=list)  # JSON, empty for many spans
    redactions: list[bytes] = field(default_factory=list)  # JSON, empty for most spans
