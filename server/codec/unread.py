"""Detection of requests that would be answered with OK although some or all of their records would be lost.

OTLP requires receivers to ignore unknown fields. But OK means that every record is stored, so an unknown field is
ignored only if the message has known fields too. A message is refused

- if it is a request, a ``ResourceLogs`` or a ``ScopeLogs`` without records, and has a field that could hold records
  (a message, a string, bytes or a group, not empty) under a number that OTLP does not define there;
- if it has unknown fields and no known field; this also applies to a ``LogRecord``;
- if it is a ``LogRecord`` whose field 1 is not a time: in a span and in a metric, field 1 is a string;
- if it is a ``Span`` one of whose known fields has another type: field 1 of a log record is a time, and fields 7 and 9
  of a metric are no time and no list of attributes.

A traces request is the same with ``ResourceSpans``, ``ScopeSpans`` and ``Span`` under the same numbers.

``instrumentation_library_logs``, number 1000, is the name of ``scope_logs`` in OTLP 0.15 to 0.18, and is read as
``scope_logs``; so is ``instrumentation_library_spans`` as ``scope_spans``. (Before 0.15 it had the number that
``scope_logs`` has now.) Senders were permitted to send the same records as both. A request that has both is refused,
because the two are not compared.

This module parses the wire format itself, because protobuf's classes would create an object for each of these fields.
Its input is well-formed: the official parser has accepted it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError
from server.notary.canonical import encode_varint

__all__ = [
    "SEND_ONE",
    "SEND_SOME",
    "Level",
    "Unread",
    "UnreadReason",
    "delimited",
    "find_unread",
    "unread_error",
    "wire_fields",
    "with_present_numbers",
]

SEND_SOME = {
    Signal.LOGS: "send log records as resourceLogs[].scopeLogs[].logRecords[]",
    Signal.TRACES: "send spans as resourceSpans[].scopeSpans[].spans[]",
}
"""Advice to the senders of requests without records."""

SEND_ONE = {
    Signal.LOGS: "a log record has a body, attributes, a time and what else OTLP's LogRecord has",
    Signal.TRACES: "a span has ids, a name, times and what else OTLP's Span has",
}
"""Advice to the senders of records in which nothing is known."""

_VARINT, _FIXED64, _DELIMITED, _START_GROUP, _END_GROUP, _FIXED32 = range(6)


class Level(IntEnum):
    """Level of a message in a request, from the outside in."""

    REQUEST = 0
    RESOURCE_LOGS = 1
    """Or ResourceSpans."""
    SCOPE_LOGS = 2
    """Or ScopeSpans."""
    LOG_RECORD = 3
    """Or Span."""


class UnreadReason(IntEnum):
    """Reason why a field would not be kept; the values match the C++ enum UnreadReason."""

    UNKNOWN = 0
    TWICE = 1
    NOT_A_LOG = 2
    NOT_A_SPAN = 3


@dataclass(frozen=True, slots=True)
class Unread:
    """A field that would not be kept.

    Attributes:
        reason: reason why the field would not be kept.
        number: number of the field.
        level: level of the message that has the field.
        resource_logs: index of the ResourceLogs or ResourceSpans, 0 if there is none.
        scope_logs: index of the ScopeLogs or ScopeSpans in it, 0 if there is none.
        record: index of the LogRecord or Span in that, 0 if there is none.
    """

    reason: UnreadReason
    number: int
    level: Level
    resource_logs: int = 0
    scope_logs: int = 0
    record: int = 0


def _tag(number: int, wire_type: int) -> int:
    return number << 3 | wire_type


_OLD_SCOPE_LOGS = _tag(1000, _DELIMITED)
_SCOPE_LOGS = _tag(2, _DELIMITED)

# By level: the lists that lead to records, and all other known fields.
_CARRIES = (
    frozenset({_tag(1, _DELIMITED)}),
    frozenset({_SCOPE_LOGS, _OLD_SCOPE_LOGS}),
    frozenset({_tag(2, _DELIMITED)}),
    frozenset[int](),
)
_KNOWN = (
    frozenset[int](),
    frozenset({_tag(1, _DELIMITED), _tag(3, _DELIMITED)}),
    frozenset({_tag(1, _DELIMITED), _tag(3, _DELIMITED)}),
)
_OF_RECORD = {
    Signal.LOGS: frozenset(
        {
            *(_tag(number, _DELIMITED) for number in (3, 5, 6, 9, 10, 12)),
            *(_tag(number, _FIXED64) for number in (1, 11)),
            *(_tag(number, _VARINT) for number in (2, 7)),
            _tag(8, _FIXED32),
        }
    ),
    Signal.TRACES: frozenset(
        {
            *(_tag(number, _DELIMITED) for number in (1, 2, 3, 4, 5, 9, 11, 13, 15)),
            *(_tag(number, _FIXED64) for number in (7, 8)),
            *(_tag(number, _VARINT) for number in (6, 10, 12, 14)),
            _tag(16, _FIXED32),
        }
    ),
}
_NAMES = {
    Signal.LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
    Signal.TRACES: ("resourceSpans", "scopeSpans", "spans"),
}
# Fields of a record that have one type in this signal, and another in the others.
_TELLING = {
    Signal.LOGS: (frozenset({1}), UnreadReason.NOT_A_LOG),
    Signal.TRACES: (frozenset(tag >> 3 for tag in _OF_RECORD[Signal.TRACES]), UnreadReason.NOT_A_SPAN),
}


def find_unread(request: bytes, signal: Signal = Signal.LOGS) -> Unread | None:
    """Return the first field of a well-formed request that would not be kept, None if there is no such field."""
    return _find(request, 0, len(request), Level.REQUEST, (), signal)


def unread_error(unread: Unread, signal: Signal = Signal.LOGS) -> MalformedRequestError:
    """Return the error for a field that would not be kept."""
    names = _NAMES[signal][: unread.level]
    indexes = (unread.resource_logs, unread.scope_logs, unread.record)
    where = ".".join(f"{name}[{index}]" for name, index in zip(names, indexes, strict=False)) or "the request"
    match unread.reason:
        case UnreadReason.TWICE:
            new, old = ("scope_logs", "logs") if signal is Signal.LOGS else ("scope_spans", "spans")
            reason = f"field {unread.number} is the old instrumentation_library_{old}: send {new} only, not both"
        case UnreadReason.NOT_A_LOG:
            reason = f"field {unread.number} is not a time, as in a span or a metric: send log records only"
        case UnreadReason.NOT_A_SPAN:
            reason = f"field {unread.number} has another type than in a span, as in a log or a metric: send spans only"
        case UnreadReason.UNKNOWN:
            send = (SEND_ONE if unread.level is Level.LOG_RECORD else SEND_SOME)[signal]
            reason = f"nothing of the unknown field {unread.number} would be kept: {send}"
    return MalformedRequestError(f"{where}: {reason}")


def with_present_numbers(request: bytes) -> bytes:
    """Return a well-formed request with ``scope_logs`` in place of ``instrumentation_library_logs``."""
    parts: list[bytes] = []
    copied = 0
    for tag, begin, start, end in wire_fields(request, 0, len(request)):
        if tag in _CARRIES[Level.REQUEST] and _has_old_number(request, start, end):
            parts += request[copied:begin], delimited(tag, _with_present_number(request, start, end))
            copied = end
    return b"".join((*parts, request[copied:])) if parts else request


def _has_old_number(data: bytes, start: int, end: int) -> bool:
    return any(tag == _OLD_SCOPE_LOGS for tag, _, _, _ in wire_fields(data, start, end))


def _with_present_number(data: bytes, start: int, end: int) -> bytes:
    return b"".join(
        delimited(_SCOPE_LOGS, data[first:last]) if tag == _OLD_SCOPE_LOGS else data[begin:last]
        for tag, begin, first, last in wire_fields(data, start, end)
    )


def _find(data: bytes, start: int, end: int, level: Level, place: tuple[int, ...], signal: Signal) -> Unread | None:
    carries = _CARRIES[level]
    known_tags = _OF_RECORD[signal] if level is Level.LOG_RECORD else _KNOWN[level]
    telling, not_one = _TELLING[signal]
    known = old = present = False
    unknown = structured = 0
    for tag, _, first, last in wire_fields(data, start, end):
        if tag in carries:
            old |= tag == _OLD_SCOPE_LOGS
            present |= tag != _OLD_SCOPE_LOGS
        elif tag in known_tags:
            known = True
        elif level is Level.LOG_RECORD and tag >> 3 in telling:
            return Unread(not_one, tag >> 3, level, *place)
        else:
            unknown = unknown or tag >> 3
            if tag & 7 == _START_GROUP or (tag & 7 == _DELIMITED and last > first):
                structured = structured or tag >> 3
    if present and old:
        return Unread(UnreadReason.TWICE, _OLD_SCOPE_LOGS >> 3, level, *place)
    kept = present or old or (known and (level is Level.LOG_RECORD or not structured))
    if unknown and not kept:
        return Unread(UnreadReason.UNKNOWN, structured or unknown, level, *place)
    if present or old:
        index = 0
        for tag, _, first, last in wire_fields(data, start, end):
            if tag in carries:
                if found := _find(data, first, last, Level(level + 1), (*place, index), signal):
                    return found
                index += 1
    return None


def wire_fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the tag of each field of a well-formed message, the offset of the field, the start and end of its value."""
    while at < end:
        begin = at
        tag, at = _varint(data, at)
        start = at
        match tag & 7:
            case 0:
                _, at = _varint(data, at)
            case 1:
                at += 8
            case 2:
                size, start = _varint(data, at)
                at = start + size
            case 3:
                at = _end_of_group(data, at)
            case _:
                at += 4
        yield tag, begin, start, at


def _end_of_group(data: bytes, at: int) -> int:
    depth = 1
    while depth:
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                _, at = _varint(data, at)
            case 1:
                at += 8
            case 2:
                size, at = _varint(data, at)
                at += size
            case 3:
                depth += 1
            case 4:
                depth -= 1
            case _:
                at += 4
    return at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = shift = 0
    while byte >= 0x80:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        byte = data[at]
    return value | byte << shift, at + 1


def delimited(tag: int, content: bytes) -> bytes:
    """Return a delimited field, serialized."""
    return encode_varint(tag) + encode_varint(len(content)) + content
