"""The decoded columns of a request, before classification and encoding."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Attributes", "RecordColumns"]

Attributes = tuple[tuple[bytes, bytes], ...]
"""Attributes as UTF-8 (key, value) pairs, sorted by key and then by value.

All rows of one resource (or scope) share one tuple object, so that it is encoded once.
"""


@dataclass(slots=True)
class RecordColumns:
    """The records of one request as columns: entry i of every list belongs to record i.

    Strings are UTF-8 bytes. Names and meaning are the same as in the stored columns. Times are
    nanoseconds since the Unix epoch, within the range of DateTime64(9): 0 to 2**63 - 1.
    """

    timestamp: list[int] = field(default_factory=list)
    trace_id: list[bytes] = field(default_factory=list)  # 32 lower-case hex digits, or empty
    span_id: list[bytes] = field(default_factory=list)  # 16 lower-case hex digits, or empty
    trace_flags: list[int] = field(default_factory=list)  # the low byte of flags
    severity_text: list[bytes] = field(default_factory=list)
    severity_number: list[int] = field(default_factory=list)  # 0 to 255
    service_name: list[bytes] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    resource_schema_url: list[bytes] = field(default_factory=list)
    resource_attributes: list[Attributes] = field(default_factory=list)
    scope_schema_url: list[bytes] = field(default_factory=list)
    scope_name: list[bytes] = field(default_factory=list)
    scope_version: list[bytes] = field(default_factory=list)
    scope_attributes: list[Attributes] = field(default_factory=list)
    log_attributes: list[Attributes] = field(default_factory=list)
    event_name: list[bytes] = field(default_factory=list)
    observed_timestamp: list[int] = field(default_factory=list)  # 0 if the sender gave none
    flags: list[int] = field(default_factory=list)  # all 32 bits
    dropped_attributes_count: list[int] = field(default_factory=list)
    otlp_details: list[bytes] = field(default_factory=list)  # JSON, empty for most records

    def __len__(self) -> int:
        return len(self.timestamp)
