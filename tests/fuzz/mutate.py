"""Mutations of OTLP logs and traces requests that leave most of a request as it was.

A request is taken apart into the fields of its messages, which are changed, moved and put together again;
so lengths stay right unless a mutation is about them.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from server.codec.signals import Signal
from tests.codec.wire import overlong, varint

__all__ = ["Field", "Message", "fields_of", "mutated", "parse", "serialized"]

# Message -> number of a field -> the message in it (opentelemetry-proto logs/v1, trace/v1, resource/v1,
# common/v1).
_MESSAGES: dict[str, dict[int, str]] = {
    "LogsRequest": {1: "ResourceLogs"},
    "ResourceLogs": {1: "Resource", 2: "ScopeLogs", 1000: "ScopeLogs"},
    "ScopeLogs": {1: "Scope", 2: "LogRecord"},
    "Resource": {1: "KeyValue", 3: "EntityRef"},
    "Scope": {3: "KeyValue"},
    "LogRecord": {5: "AnyValue", 6: "KeyValue"},
    "TracesRequest": {1: "ResourceSpans"},
    "ResourceSpans": {1: "Resource", 2: "ScopeSpans", 1000: "ScopeSpans"},
    "ScopeSpans": {1: "Scope", 2: "Span"},
    "Span": {9: "KeyValue", 11: "Event", 13: "Link", 15: "Status"},
    "Event": {3: "KeyValue"},
    "Link": {4: "KeyValue"},
    "Status": {},
    "KeyValue": {2: "AnyValue"},
    "AnyValue": {5: "ArrayValue", 6: "KeyValueList"},
    "ArrayValue": {1: "AnyValue"},
    "KeyValueList": {1: "KeyValue"},
    "EntityRef": {},
}
_REQUESTS = {Signal.LOGS: "LogsRequest", Signal.TRACES: "TracesRequest"}

_NUMBERS = (0, 1, 2, 3, 9, 17, 24, 127, 128, 200, 255, 256, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64 - 1)
_DOUBLES = (
    0.0,
    -0.0,
    1.5,
    1e-6,
    9.999999999999997e-7,
    1e21,
    1e20,
    5e-324,
    1.7976931348623157e308,
    1e-3,
    123456789.123456,
)
_FIXED64 = (
    *(struct.pack("<d", number) for number in (*_DOUBLES, float("nan"), float("inf"), -float("inf"))),
    *(struct.pack("<Q", number) for number in (1, 2**63 - 1, 2**63, 2**64 - 1, 1_700_000_000_000_000_000)),
)
_TEXTS = (
    *(b"", b"a", b"b", b"x1", b"success", b"404", b"200", b"user", b"login", b"NaN", b"null", b"1", b"\0", b"[]"),
    *(b"service.name", b"event.name", b"audit.action", b"audit.outcome", b"log.type", b"audit", b"audit.x", b"svc"),
    *(b'"\\/\x1f\x7f', "\u2028\u2029\u0080\ud7ff\ue000\U00010000\U0010ffff".encode(), "é".encode() * 70, b"\xe2\x80"),
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ab\xc3", b"12345678\xc3(", bytes(16), b"i" * 16),
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field as it stands on the wire.

    Attributes:
        number: its number.
        wire_type: 0, 1, 2 or 5. Anything else is kept as bytes between fields.
        value: a message's fields, or the bytes of any other value, encoded but for their length.
        message: which message it is, empty if none.
        size_change: by how much its length lies.
        long_size: bytes of its length, more than it needs.
    """

    number: int
    wire_type: int
    value: Message | bytes
    message: str = ""
    size_change: int = 0
    long_size: int = 0


Message = tuple[Field | bytes, ...]


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[at]  # IndexError: it is cut
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise IndexError


def _read_field(data: bytes, at: int) -> tuple[int, int, int, int, int]:
    """Return the number and wire type of a field, where its value begins and ends, and its size's size if too long."""
    tag, at = _read_varint(data, at)
    start, long_size = at, 0
    match tag & 7:
        case 0:
            _, end = _read_varint(data, at)
        case 1:
            end = start + 8
        case 2:
            size, start = _read_varint(data, at)
            end = start + size
            long_size = start - at if start - at > len(varint(size)) else 0
        case 5:
            end = start + 4
        case _:
            raise IndexError
    if end > len(data) or tag >> 3 == 0:
        raise IndexError
    return tag >> 3, tag & 7, start, end, long_size


def parse(data: bytes, signal: Signal = Signal.LOGS) -> Message:
    """Take a request apart, up to where it cannot be read; from there on it is bytes."""
    return _parse(data, _REQUESTS[signal])


def _parse(data: bytes, message: str) -> Message:
    parts: list[Field | bytes] = []
    at = 0
    while at < len(data):
        try:
            number, wire_type, start, end, long_size = _read_field(data, at)
        except IndexError:
            parts.append(data[at:])
            break
        inner = _MESSAGES[message].get(number, "") if wire_type == 2 else ""
        value: Message | bytes = _parse(data[start:end], inner) if inner else data[start:end]
        parts.append(Field(number, wire_type, value, inner, long_size=long_size))
        at = end
    return tuple(parts)


def serialized(message: Message) -> bytes:
    """Put a message together."""
    out = bytearray()
    for part in message:
        if isinstance(part, bytes):
            out += part
            continue
        out += varint(part.number << 3 | part.wire_type)
        value = part.value if isinstance(part.value, bytes) else serialized(part.value)
        if part.wire_type == 2:
            size = max(0, len(value) + part.size_change)
            out += overlong(size, part.long_size) if part.long_size else varint(size)
        out += value
    return bytes(out)


Path = tuple[int, ...]


def fields_of(message: Message, path: Path = ()) -> Iterator[tuple[Path, Field]]:
    """Yield every field, with its place in each message around it."""
    for place, part in enumerate(message):
        if isinstance(part, bytes):
            continue
        yield (*path, place), part
        if not isinstance(part.value, bytes):
            yield from fields_of(part.value, (*path, place))


def _put(message: Message, path: Path, parts: Sequence[Field | bytes]) -> Message:
    """Replace the part at a place by others."""
    place, *rest = path
    part = message[place]
    if rest and isinstance(part, Field) and not isinstance(part.value, bytes):
        parts = (replace(part, value=_put(part.value, tuple(rest), parts)),)
    return (*message[:place], *parts, *message[place + 1 :])


def mutated(request: bytes, donors: Sequence[bytes], chance: random.Random, signal: Signal = Signal.LOGS) -> bytes:
    """Return a request with one to five changes."""
    message = parse(request, signal)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        message = _change(message, parse(chance.choice(donors), signal), chance)
    data = serialized(message)
    return _changed_bytes(data, chance) if chance.random() < 0.1 else data


def _change(message: Message, donor: Message, chance: random.Random) -> Message:
    places = list(fields_of(message))
    if not places:
        return donor
    path, field = chance.choice(places)
    match chance.randrange(13):
        case 0:
            return _put(message, path, ())
        case 1:
            return _put(message, path, (field,) * chance.choice((2, 2, 2, 3, 20)))
        case 2 | 3:  # a field like it from elsewhere, in its place or behind it
            likes = [other for _, other in fields_of(donor) if other.message == field.message]
            other = chance.choice(likes) if likes else field
            return _put(message, path, (other,) if chance.random() < 0.5 else (field, other))
        case 4:  # any field from elsewhere
            others = [other for _, other in fields_of(donor)]
            return _put(message, path, (chance.choice(others), field) if others else (field,))
        case 5 if not isinstance(field.value, bytes):  # the order of its fields
            return _put(message, path, (replace(field, value=tuple(chance.sample(field.value, len(field.value)))),))
        case 6 if not isinstance(field.value, bytes):  # sent in parts
            at = chance.randint(0, len(field.value))
            parts = (replace(field, value=field.value[:at]), replace(field, value=field.value[at:]))
            return _put(message, path, parts)
        case 7:
            return _put(message, path, (replace(field, number=chance.choice((*range(1, 17), 1000, 2**29 - 1))),))
        case 8:  # another wire type
            return _put(message, path, (_leaf(chance.choice((field.number, chance.randint(1, 16))), chance),))
        case 9 if field.wire_type == 2:
            change = chance.choice((-1, 1, 2, 127, 128, 2**31, 2**32, 2**63))
            return _put(message, path, (replace(field, size_change=change),))
        case 10 if field.wire_type == 2:
            return _put(message, path, (replace(field, long_size=chance.randint(4, 11)),))
        case 11:  # a group around it, which makes it unknown
            number = chance.choice((field.number, chance.randint(0, 15)))
            end = number if chance.random() < 0.9 else number + 1
            return _put(message, path, (varint(number << 3 | 3), field, varint(end << 3 | 4)))
        case _:
            return _put(message, path, (_with_another_value(field, donor, chance),))


def _leaf(number: int, chance: random.Random) -> Field:
    match chance.choice((0, 1, 2, 2, 5)):
        case 0:
            value = chance.choice((varint(chance.choice(_NUMBERS)), varint(chance.getrandbits(64))))
            return Field(number, 0, overlong(chance.choice(_NUMBERS), 10) if chance.random() < 0.1 else value)
        case 1:
            return Field(number, 1, chance.choice((*_FIXED64, chance.randbytes(8))))
        case 5:
            return Field(number, 5, chance.choice((chance.randbytes(4), bytes(4), b"\xff" * 4)))
        case _:
            return Field(number, 2, chance.choice((*_TEXTS, chance.randbytes(chance.choice((3, 8, 16))))))


def _with_another_value(field: Field, donor: Message, chance: random.Random) -> Field:
    if field.message:
        likes = [other for _, other in fields_of(donor) if other.message == field.message]
        return chance.choice([replace(field, value=()), *likes])
    if field.wire_type == 2 and isinstance(field.value, bytes) and chance.random() < 0.3:
        return replace(field, value=_changed_bytes(field.value, chance))
    for _ in range(20):
        other = _leaf(field.number, chance)
        if other.wire_type == field.wire_type:
            return other
    return field


def _changed_bytes(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(changed))
        match chance.randrange(5):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                del changed[at : at + chance.randint(1, 4)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randint(1, 4))
            case 3:
                changed[at:at] = changed[at : at + chance.randint(1, 40)]
            case _:
                del changed[at:]
    return bytes(changed)
