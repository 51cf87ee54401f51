"""Conversion of OTLP/JSON to OTLP protobuf.

OTLP/JSON is protobuf's JSON mapping with exceptions (OTLP specification, "JSON Protobuf Encoding"). Because of
these exceptions ``json_format`` is not used: it would read ids as base64, reject some unknown names, drop
invalid characters from base64, and repeat a value of any length in its error message. The rules are:

- the ids of a log record, a span and a link are hexadecimal in upper or lower case, not base64;
- enums are integers or, because that costs nothing, names;
- 64-bit integers are decimal strings or numbers; a number with a fraction is refused, not rounded;
- doubles are numbers, or strings with a number, ``NaN``, ``Infinity`` or ``-Infinity``;
- names are lowerCamelCase; snake_case is accepted too, as in the Collector, because ignoring such names
  would mean answering OK without keeping anything;
- unknown names are ignored if there are known names beside them (``server.codec.json_names``); null is ignored;
- names from before OTLP 0.15, ``instrumentationLibraryLogs`` and the names in it, stand for the current fields
  (so ``instrumentationLibrarySpans``).

The tables of names and types come from the protobuf descriptors, so a new field needs no change here.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.codec.json_names import OLD_NAMES, why_unread
from server.codec.limits import MalformedReason
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError

__all__ = ["memory_of_json", "request_from_json"]

# Protobuf's own limit for decoding, so that every request that passes here can also be decoded.
_MAX_DEPTH = 100

# Each object costs Python some hundred bytes, however little it holds: 64 MiB of "{}," would take 3 GB, and
# compress to a few kilobytes. Ordinary records stay below this limit up to the size limit, because they have
# some forty bytes for each object. Brackets in strings count too, which saves a pass.
_MAX_CONTAINERS = 2_000_000

# Measured bytes of memory that conversion takes: for each byte of the body (raw, as text, in the values, in the
# message), for each object and array (with the message made from it), for each further value or name.
_PER_BYTE, _PER_CONTAINER, _PER_VALUE = 4, 200, 180

_HEX_FIELDS = frozenset(
    {
        "opentelemetry.proto.logs.v1.LogRecord.trace_id",
        "opentelemetry.proto.logs.v1.LogRecord.span_id",
        "opentelemetry.proto.trace.v1.Span.trace_id",
        "opentelemetry.proto.trace.v1.Span.span_id",
        "opentelemetry.proto.trace.v1.Span.parent_span_id",
        "opentelemetry.proto.trace.v1.Span.Link.trace_id",
        "opentelemetry.proto.trace.v1.Span.Link.span_id",
    }
)

_REQUESTS: Mapping[Signal, type[Message]] = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
}

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

_LONGEST_PATH = 200  # in messages


class _InvalidError(Exception):
    """Error of a value that cannot be converted.

    The path to the value is built from the inside out while the exception passes through the levels, so that
    valid requests do not pay for it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = ""

    def inside(self, step: str) -> None:
        """Prepend the step that leads from the level above to the value."""
        self.path = step + self.path


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message, and the function that reads its value; ``convert`` is None if the value is a message."""

    name: str
    json_name: str
    repeated: bool
    in_oneof: bool
    convert: Callable[[object], object] | None


def memory_of_json(body: bytes) -> int:
    """Return an upper estimate of the bytes of memory that converting a body takes, without parsing the body."""
    containers = _containers(body)
    values = max(0, body.count(b",") - containers)
    return _PER_BYTE * len(body) + _PER_CONTAINER * containers + _PER_VALUE * values


def request_from_json(body: bytes, signal: Signal = Signal.LOGS) -> bytes:
    """Convert an OTLP/JSON request.

    Args:
        body: an ``ExportLogsServiceRequest`` or ``ExportTraceServiceRequest`` as OTLP/JSON in UTF-8.
        signal: the signal whose request this is.

    Returns:
        The request, serialized as protobuf.

    Raises:
        MalformedRequestError: the body is not an OTLP/JSON request; the message names the offending field.
    """
    request = _REQUESTS[signal]()
    try:
        _fill(request, _load(body), 1)
    except _InvalidError as error:
        where = _short(error.path.removeprefix(".")) or "the request"
        raise MalformedRequestError(f"{where}: {error.reason}") from None
    return request.SerializeToString()


def _short(path: str) -> str:
    """Leave out the middle of a path that would leave no room for what is wrong there."""
    return path if len(path) <= _LONGEST_PATH else f"{path[: _LONGEST_PATH - 60]} … {path[-57:]}"


def _containers(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")


def _load(body: bytes) -> object:
    if _containers(body) > _MAX_CONTAINERS:
        raise _InvalidError(f"more than {_MAX_CONTAINERS} objects and arrays, send smaller batches")
    try:
        # json would also guess UTF-16 and UTF-32, but RFC 8259, section 8.1, requires UTF-8.
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _InvalidError(f"not UTF-8 at byte {error.start}") from None
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        raise _InvalidError(reason) from None
    except RecursionError:
        raise _InvalidError("nested too deeply") from None
    except ValueError:
        # json raises no other ValueError than this: Python's limit on the digits of an integer.
        raise _InvalidError("a number has too many digits") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a duplicate name: which of its values counts would depend on the parser (RFC 8259, section 4)."""
    result = dict(pairs)
    if len(result) != len(pairs):
        ((double, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _InvalidError(f"the name {double[:64]!r} is used twice in one object")
    return result


def _reject_constant(constant: str) -> NoReturn:
    raise _InvalidError(f'{constant} is not JSON: write "{constant}" in quotes')


def _fill(message: Message, value: object, depth: int) -> None:
    """Set the fields of a message from a JSON object."""
    if type(value) is not dict:
        raise _InvalidError("an object is expected")
    if depth > _MAX_DEPTH:
        raise _InvalidError(MalformedReason.TOO_DEEP.value)
    fields = _fields(message.DESCRIPTOR)
    chosen: str | None = None
    spelled: dict[str, str] = {}
    all_known = True
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            all_known = False
            continue
        if item is None:
            continue
        if name != field.json_name:
            if value.get(field.json_name) is not None or field.name in spelled:
                other = spelled.get(field.name, field.json_name)
                raise _InvalidError(f"{name} and {other} are the same field")
            spelled[field.name] = name
        if field.in_oneof:
            if chosen is not None:
                raise _InvalidError(f"{chosen} and {name} are both set, but a value has one type")
            chosen = name
        try:
            _set(message, field, item, depth)
        except _InvalidError as error:
            error.inside(f".{name}")
            raise
    if not all_known and (why := why_unread(message.DESCRIPTOR.full_name, value, _names(message.DESCRIPTOR))):
        raise _InvalidError(why)


def _set(message: Message, field: _Field, value: object, depth: int) -> None:
    """Set one field of a message from a JSON value that is not null."""
    if field.repeated:
        _extend(getattr(message, field.name), field, value, depth)
    elif field.convert is not None:
        _checked(setattr, field.convert(value), message, field.name)
    else:
        part = getattr(message, field.name)
        part.SetInParent()
        _fill(part, value, depth + 1)


def _extend(target: Any, field: _Field, value: object, depth: int) -> None:
    """Add the elements of a JSON array to a repeated field."""
    if type(value) is not list:
        raise _InvalidError("an array is expected")
    for index, element in enumerate(value):
        try:
            if field.convert is not None:
                _checked(_append, field.convert(element), target)
            else:
                _fill(target.add(), element, depth + 1)
        except _InvalidError as error:
            error.inside(f"[{index}]")
            raise


def _append(target: Any, value: object) -> None:
    target.append(value)


def _checked(setter: Callable[..., None], value: object, *target: Any) -> None:
    """Pass a value to protobuf, which checks the range of integers and the encoding of strings."""
    try:
        setter(*target, value)
    except UnicodeEncodeError:
        raise _InvalidError("half of a surrogate pair, which is not a character") from None
    except (ValueError, OverflowError):
        raise _InvalidError("out of the range of its type") from None


@functools.cache
def _fields(descriptor: Descriptor) -> dict[str, _Field]:
    """Return the fields of a message by name, under all spellings of each name."""
    fields: dict[str, _Field] = {}
    for each in descriptor.fields:
        field = _Field(
            name=each.name,
            json_name=each.json_name,
            repeated=each.is_repeated,
            in_oneof=each.containing_oneof is not None,
            convert=None if each.message_type else _converter(each),
        )
        for name in (each.json_name, each.name, *OLD_NAMES.get(each.full_name, ())):
            fields[name] = field
    return fields


@functools.cache
def _names(descriptor: Descriptor) -> dict[str, str]:
    """Return the known names of a message, each with the field's name in the descriptor."""
    return {name: field.name for name, field in _fields(descriptor).items()}


def _converter(field: FieldDescriptor) -> Callable[[object], object]:
    """Return the function that reads a value of a field's type."""
    if field.full_name in _HEX_FIELDS:
        return _hex
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _base64
    if field.enum_type is not None:
        # protobuf's own table raises SystemError if it is asked for half of a surrogate pair.
        return functools.partial(_enum, {name: value.number for name, value in field.enum_type.values_by_name.items()})
    by_type: dict[int, Callable[[object], object]] = {
        FieldDescriptor.CPPTYPE_STRING: _string,
        FieldDescriptor.CPPTYPE_BOOL: _bool,
        FieldDescriptor.CPPTYPE_DOUBLE: _double,
        FieldDescriptor.CPPTYPE_FLOAT: _double,
    }
    return by_type.get(field.cpp_type, _integer)


def _string(value: object) -> str:
    if type(value) is not str:
        raise _InvalidError("a string is expected")
    return value


def _bool(value: object) -> bool:
    if type(value) is not bool:
        raise _InvalidError("true or false is expected")
    return value


def _integer(value: object) -> int:
    if type(value) is int:
        return value
    if type(value) is str and _INTEGER.fullmatch(value):
        return int(value)
    # An integer in exponent notation, as some serializers write large ones.
    if type(value) is float and value.is_integer():
        return int(value)
    raise _InvalidError("an integer is expected, as a number or a decimal string")


def _double(value: object) -> float:
    result: float
    try:
        if type(value) is int or type(value) is float:
            result = float(value)
        elif type(value) is str and value in _NOT_FINITE:
            return _NOT_FINITE[value]
        elif type(value) is str and _NUMBER.fullmatch(value):
            result = float(value)
        else:
            raise _InvalidError("a number is expected")
    except OverflowError:
        result = float("inf")
    if result in (float("inf"), float("-inf")):
        raise _InvalidError("out of the range of its type")
    return result


def _enum(numbers: Mapping[str, int], value: object) -> int:
    if type(value) is str and value in numbers:
        return numbers[value]
    return _integer(value)


def _hex(value: object) -> bytes:
    try:
        return binascii.unhexlify(_string(value))
    except ValueError:
        raise _InvalidError("not hexadecimal; OTLP/JSON writes ids in hex digits, not in base64") from None


def _base64(value: object) -> bytes:
    """Decode base64 in either alphabet, with or without padding, as protobuf's JSON mapping requires."""
    data = _string(value).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except ValueError:
        raise _InvalidError("not base64") from None
