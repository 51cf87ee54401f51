"""The way back from a text and a type to a value, written from the description of texts and types alone."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections import defaultdict, deque
from collections.abc import Iterable

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from server.codec.values import as_string

from .otlp_messages import NOTHING, array, boolean, double, integer, kvlist, raw, string

__all__ = ["Members", "kinds_of_members", "normalise", "normalised", "restore", "restore_as"]


class Members(list[tuple[str, object]]):
    """The members of a JSON object, duplicates included."""


class Digits(str):
    """A JSON number as it is written: 1 may be a double, and -0 has a sign."""


def restore(text: bytes, kind: bytes) -> AnyValue:
    """Return the value that a text and a type stand for."""
    return restore_as(text, json.loads(kind, object_pairs_hook=Members))


def restore_as(text: bytes, kind: object) -> AnyValue:
    """Return the value of a text and a parsed type."""
    if kind == "empty":
        assert text == b""
        return NOTHING
    if kind == "bool":
        return boolean({b"true": True, b"false": False}[text])
    if isinstance(kind, str):
        return _restore(text.decode(), kind)
    return _restore(json.loads(text, object_pairs_hook=Members, parse_int=Digits, parse_float=Digits), kind)


def kinds_of_members(keys: Iterable[str], kinds: Members) -> list[object]:
    """Return a type for each key, from a key-value list's type that leaves out those of only strings."""
    remaining = defaultdict(list)
    for key, kind in kinds:
        remaining[key].append(kind)
    found = [remaining[key].pop(0) if key in remaining else "string" for key in list(keys)]
    assert not any(remaining.values())
    return found


def _restore(node: object, kind: object) -> AnyValue:
    match kind:
        case "string":
            assert isinstance(node, str)
            return string(node)
        case "int":
            assert isinstance(node, str)
            return integer(int(node))
        case "double":
            assert isinstance(node, str)
            return double(float(node))
        case "bool":
            assert isinstance(node, bool)
            return boolean(node)
        case "bytes":
            assert isinstance(node, str)
            return raw(b64decode(node, validate=True))
        case "empty":
            assert node is None
            return NOTHING
        case Members():
            assert isinstance(node, Members)
            kinds = kinds_of_members([key for key, _ in node], kind)
            return kvlist(*((key, _restore(v, k)) for (key, v), k in zip(node, kinds, strict=True)))
        case list():
            assert isinstance(node, list)
            kinds = kind if len(kind) > 1 else (kind or ["string"]) * len(node)
            return array(*(_restore(v, k) for v, k in zip(node, kinds, strict=True)))
    raise AssertionError(kind)


def normalised(value: AnyValue) -> AnyValue:
    """Return a value without what is documented as lost: member order, NaN payloads, string indexes."""
    match value.WhichOneof("value"):
        case "double_value" if math.isnan(value.double_value):
            return double(math.nan)
        case "string_value_strindex":
            return NOTHING
        case "array_value":
            return array(*map(normalised, value.array_value.values))
        case "kvlist_value":
            members = sorted(value.kvlist_value.values, key=lambda member: member.key.encode())
            return kvlist(*((member.key, normalised(member.value)) for member in members))
    return value


def normalise(attributes: RepeatedCompositeFieldContainer[KeyValue]) -> None:
    """Leave out what is documented as not kept of attributes, besides what ``normalised`` leaves out.

    That is the order of different keys, and of values with the same text but different types.
    """
    values = defaultdict(list)
    for each in attributes:
        values[each.key].append(normalised(each.value))
    del attributes[:]
    for key in sorted(values):
        attributes.extend(KeyValue(key=key, value=value) for value in _same_texts_in_order(values[key]))


def _same_texts_in_order(values: list[AnyValue]) -> list[AnyValue]:
    texts = [as_string(value)[0] for value in values]
    of_text: dict[bytes, deque[AnyValue]] = defaultdict(deque)
    for value in sorted(values, key=AnyValue.SerializeToString):
        of_text[as_string(value)[0]].append(value)
    return [of_text[text].popleft() for text in texts]
