"""OTLP attribute values and bodies as text, and their type, which the text alone does not show.

The text is the same as the OpenTelemetry Collector stores (``Value.AsString`` in its
``pdata/pcommon/value.go``), so that rows of the Collector and of Lognotary look alike:

- a string unchanged; an empty text for an empty value;
- ``true`` and ``false``; integers in decimal; bytes in standard base64 with padding;
- doubles as in ES6, the shortest digits that read back as the same number, with an exponent only
  below 1e-6 and from 1e21 on; ``NaN``, ``Infinity``, ``-Infinity``; ``-0`` keeps its sign;
- arrays and key-value lists as the compact JSON of Go's ``encoding/json`` without HTML escaping:
  members sorted by the UTF-8 bytes of their keys, U+2028 and U+2029 escaped, bytes as a base64
  string, an empty value as ``null``.

Nested values follow the OpenTelemetry specification ("AnyValue representation for non-OTLP
protocols") in three cases in which the Collector loses data: a NaN or infinity is a string (the Collector
stores ``''`` for the whole value), empty bytes are ``""`` (the Collector writes ``null``), and all members
with the same key are kept, in the order in which they were sent (the Collector keeps one of them).

The type is compact JSON. With the type, the text can be turned back into the value:

- a scalar: ``"string"``, ``"int"``, ``"double"``, ``"bool"``, ``"bytes"`` or ``"empty"``;
- an array: the list of its elements' types. If all are the same, the list has only the first; if all are
  ``"string"``, or the array is empty, the list is empty. So for an array of n elements the list has n
  types, or one type for all elements, or is ``[]`` for strings;
- a key-value list: an object of the members' types under their keys, in the order of the text. A
  key whose values are all strings is left out. Any other key is listed with each of its values,
  so the n-th type of a key belongs to its n-th value.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from decimal import Decimal
from operator import itemgetter

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

from server.codec.limits import check_members

__all__ = ["STRING", "as_string", "json_text", "member_types"]

STRING = b'"string"'
INT = b'"int"'
DOUBLE = b'"double"'
BOOL = b'"bool"'
BYTES = b'"bytes"'
EMPTY = b'"empty"'

_NOT_FINITE = (b"NaN", b"Infinity", b"-Infinity")

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def as_string(value: AnyValue) -> tuple[bytes, bytes]:
    """Return the text and the type of a value, as described in this module.

    Source: Collector ``pdata/pcommon/value.go``, ``Value.AsString``.
    """
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value.encode(), STRING
        case "int_value":
            return b"%d" % value.int_value, INT
        case "double_value":
            return _double(value.double_value), DOUBLE
        case "bool_value":
            return b"true" if value.bool_value else b"false", BOOL
        case "bytes_value":
            return b64encode(value.bytes_value), BYTES
        case "array_value":
            return _array(value.array_value)
        case "kvlist_value":
            return _kvlist(value.kvlist_value)
        case _:  # no value, or string_value_strindex, which has a meaning only in profiles
            return b"", EMPTY


def json_text(value: object) -> bytes:
    """Return compact JSON with the escapes of Go's ``encoding/json`` without HTML escaping.

    Source: Go ``encoding/json/encode.go``, ``appendString``. Python escapes the same characters,
    except the two line separators.
    """
    return _JSON.encode(value).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def member_types(members: list[tuple[bytes, bytes]]) -> bytes:
    """Return the type of a key-value list, given its members' keys and types in order."""
    listed = {key for key, kind in members if kind != STRING}
    types = [json_text(key.decode()) + b":" + kind for key, kind in members if key in listed]
    return b"{" + b",".join(types) + b"}"


def _double(number: float) -> bytes:
    if math.isnan(number):
        return b"NaN"
    if math.isinf(number):
        return b"Infinity" if number > 0 else b"-Infinity"
    text = repr(number)  # the shortest digits, as in Go; only the threshold for exponents differs
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        return format(Decimal(text), "f").removesuffix(".0").encode()
    return text.replace("e-0", "e-").encode()  # Go also cleans 1e-07 to 1e-7


def _nested(value: AnyValue) -> tuple[bytes, bytes]:
    text, kind = as_string(value)
    if kind == EMPTY:
        return b"null", kind
    if kind in (STRING, BYTES) or text in _NOT_FINITE:
        return json_text(text.decode()), kind
    return text, kind


def _array(array: ArrayValue) -> tuple[bytes, bytes]:
    elements = [_nested(value) for value in array.values]
    types = [kind for _, kind in elements]
    if len(set(types)) == 1:
        types = [kind for kind in types[:1] if kind != STRING]
    return b"[" + b",".join(text for text, _ in elements) + b"]", b"[" + b",".join(types) + b"]"


def _kvlist(kvlist: KeyValueList) -> tuple[bytes, bytes]:
    check_members(kvlist.values)
    # The sort is stable and only by key, so values with the same key stay in order.
    ordered = sorted(((member.key.encode(), member.value) for member in kvlist.values), key=itemgetter(0))
    members = [(key, *_nested(value)) for key, value in ordered]
    texts = [json_text(key.decode()) + b":" + text for key, text, _ in members]
    return b"{" + b",".join(texts) + b"}", member_types([(key, kind) for key, _, kind in members])
