"""OTLP/JSON to OTLP protobuf.

OTLP/JSON is protobuf's JSON mapping with exceptions (OTLP specification, "JSON Protobuf Encoding"), and the
exceptions are why ``json_format`` is not used: it would read ids as base64, reject some unknown names, drop
invalid characters from base64, and repeat a value of any length in its error message. What is read here:

- ``traceId`` and ``spanId`` of a log record are hexadecimal in either case, not base64;
- enums are integers, and, as that costs nothing, also names;
- 64-bit integers are decimal strings or numbers; a number with a fraction is refused, not rounded;
- doubles are numbers, or strings with a number, ``NaN``, ``Infinity`` or ``-Infinity``;
- names are lowerCamelCase; snake_case ones are understood too, as in the Collector, because ignoring
  them would be answering OK and keeping nothing;
- unknown names are ignored beside others that are kept (``server.codec.json_names``), and so is null;
- the names before OTLP 0.15, ``instrumentationLibraryLogs`` and what is in it, are those of today's fields.

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
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from server.codec.json_names import OLD_NAMES, why_unread
from server.errors.ingest import MalformedRequestError

__all__ = ["memory_of_json", "request_from_json"]

# Protobuf's own limit for decoding, so that whatever passes here can also be decoded.
_MAX_DEPTH = 100

# Each object costs Python some hundred bytes, however little is in it: 64 MiB of "{}," would take 3 GB, and
# compressed they are a body of a few kilobytes. Records of the usual kind stay below this up to the size
# limit, as they have some forty bytes for each. Brackets in strings count too, which spares a pass.
_MAX_CONTAINERS = 2_000_000

# What a body takes while it is converted, as measured: for each of its bytes (as they came, as text, in the values, in
# the message), for each object and array (with the message that is made of it), for each further value or name.
_PER_BYTE, _PER_CONTAINER, _PER_VALUE = 4, 200, 180

_HEX_FIELDS = frozenset(
    {
        "opentelemetry.proto.logs.v1.LogRecord.trace_id",
        "opentelemetry.proto.logs.v1.LogRecord.span_id",
    }
)

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class _InvalidError(Exception):
    """A value cannot be converted.

    The path to it is put together from the inside out while the exception passes the levels, so that
    valid requests do not pay for it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = ""

    def inside(self, step: str) -> None:
        """Note the step that leads from the level above to the value."""
        self.path = step + self.path


@dataclass(frozen=True, slots=True)
class _Field:
    """How the value of one name is read; ``convert`` is None if it is a message."""

    name: str
    json_name: str
    repeated: bool
    in_oneof: bool
    convert: Callable[[object], object] | None


def memory_of_json(body: bytes) -> int:
    """Return how many bytes of memory the conversion of a body may take, without looking into it more than needed."""
    containers = _containers(body)
    values = max(0, body.count(b",") - containers)
    return _PER_BYTE * len(body) + _PER_CONTAINER * containers + _PER_VALUE * values


def request_from_json(body: bytes) -> bytes:
    """Convert an OTLP/JSON request.

    Args:
        body: an ``ExportLogsServiceRequest`` as OTLP/JSON in UTF-8.

    Returns:
        The same request, serialized as protobuf.

    Raises:
        MalformedRequestError: the body is no such request; the message says where it is wrong.
    """
    request = logs_service_pb2.ExportLogsServiceRequest()
    try:
        _fill(request, _load(body), 1)
    except _InvalidError as error:
        where = error.path.removeprefix(".") or "the request"
        raise MalformedRequestError(f"{where}: {error.reason}") from None
    return request.SerializeToString()


def _containers(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")


def _load(body: bytes) -> object:
    if _containers(body) > _MAX_CONTAINERS:
        raise _InvalidError(f"more than {_MAX_CONTAINERS} objects and arrays, send smaller batches")
    try:
        # Not left to json, which would guess UTF-16 and UTF-32 too (RFC 8259, 8.1, wants UTF-8).
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
        # The only other one that json raises: Python's limit for the digits of an integer.
        raise _InvalidError("a number has too many digits") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a name that is used twice: which value is meant would depend on the reader (RFC 8259, 4)."""
    result = dict(pairs)
    if len(result) != len(pairs):
        ((double, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _InvalidError(f"the name {double[:64]!r} is used twice in one object")
    return result


def _reject_constant(constant: str) -> NoReturn:
    raise _InvalidError(f'{constant} is no JSON, write "{constant}" in quotes')


def _fill(message: Message, value: object, depth: int) -> None:
    """Set the fields of a message from a JSON object."""
    if type(value) is not dict:
        raise _InvalidError("an object is expected")
    if depth > _MAX_DEPTH:
        raise _InvalidError(f"nested more than {_MAX_DEPTH} levels deep")
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
    """Hand a value to protobuf, which checks the range of integers and the encoding of strings."""
    try:
        setter(*target, value)
    except UnicodeEncodeError:
        raise _InvalidError("half of a surrogate pair, which is no character") from None
    except (ValueError, OverflowError):
        raise _InvalidError("out of the range of its type") from None


@functools.cache
def _fields(descriptor: Descriptor) -> dict[str, _Field]:
    """Return how to read each name of a message, under all of its spellings."""
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
    """Return the names that are read in a message, each with the field's name in the descriptor."""
    return {name: field.name for name, field in _fields(descriptor).items()}


def _converter(field: FieldDescriptor) -> Callable[[object], object]:
    """Return the function that reads a value of this type."""
    if field.full_name in _HEX_FIELDS:
        return _hex
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _base64
    if field.enum_type is not None:
        # Not its own table: that meets half of a surrogate pair with a SystemError.
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
    """Read either base64 alphabet, with or without padding, as protobuf's JSON mapping has it."""
    data = _string(value).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except ValueError:
        raise _InvalidError("not base64") from None
