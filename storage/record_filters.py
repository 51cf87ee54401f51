"""Conditions as filters of canonical records, which decide without ClickHouse: see ``server.notary.record_filter``.

A program is the tree of a condition, each node before its parts. ``server/notary/native/filter.cpp`` reads it; all
numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.notary.canonical import Value, canonical_columns, decode_record
from server.notary.canonical_columns import mark_of
from server.notary.origin import Stream
from server.notary.record_filter import RecordFilter
from server.notary.record_forms import added_columns
from storage.condition_sql import SEVERITY_NAMES, compile_condition
from storage.condition_values import holds
from storage.conditions import (
    AllOf,
    AnyAttribute,
    AnyOf,
    Attribute,
    Column,
    Condition,
    End,
    Exists,
    HasWords,
    HasWordsLike,
    Holds,
    IntegerWithin,
    IsOneOf,
    Negated,
    NumberWithin,
    Place,
    Resembles,
    SeverityWithin,
    TextWithin,
    TimeWithin,
    ascii_lower,
    words_of,
)

__all__ = ["filter_of"]

_MOST_BYTES = 32 << 20
_CONSTANT, _COLUMN, _ATTRIBUTE, _ANY_ATTRIBUTE = range(4)  # places of texts
_NUMBER, _NUMBER_COLUMN, _LEAF = range(3)  # places of numbers
_NO_COLUMN = 0xFFFF
_OPEN, _EXCLUDED, _INCLUDED = range(3)


def filter_of(
    stream: Stream, version: int, log_id: str, condition: Condition, most_bytes: int = _MOST_BYTES
) -> RecordFilter:
    """Return the filter of a condition for the records of a log; columns that a version lacks are empty.

    Raises:
        ValueError: as ``compile_condition``.
        MalformedError: the version is unknown, or the stream has none of this version.
    """
    compile_condition(stream, condition)
    constants: dict[str, Value] = {"LogId": log_id.encode()}
    constants.update(dict.fromkeys(added_columns(stream, version), b""))

    def passes(leaf: int, record: bytes) -> bool:
        return holds(condition, {**constants, "LeafIndex": leaf, **decode_record(stream, record)})

    return RecordFilter(_Program(stream, version, constants).node(condition), passes, most_bytes)


@dataclass(frozen=True, slots=True)
class _Program:
    stream: Stream
    version: int
    constants: Mapping[str, Value]

    def node(self, condition: Condition) -> bytes:
        match condition:
            case AllOf(parts):
                return b"\0" + _several(map(self.node, parts))
            case AnyOf(parts):
                return b"\1" + _several(map(self.node, parts))
            case Negated(part):
                return b"\2" + self.node(part)
            case IsOneOf(place, texts):
                return b"\3" + self._place(place) + _texts(texts)
            case Holds(place, text):
                return b"\4" + self._place(place) + _text(ascii_lower(text))
            case Resembles(place, pieces, ignores_case):
                sought = map(ascii_lower, pieces) if ignores_case else pieces
                return b"\5" + self._place(place) + bytes((ignores_case,)) + _texts(sought)
            case HasWords(column, text):
                sought_text = ascii_lower(text)
                words = dict.fromkeys(words_of(sought_text))
                return b"\6" + self._place(column) + _text(sought_text) + _texts(words)
            case HasWordsLike(column, pieces):
                return b"\7" + self._place(column) + _texts(map(ascii_lower, pieces))
            case Exists(place):
                return b"\x08" + self._place(place)
            case TextWithin(place, low, high):
                return b"\x09" + self._place(place) + b"".join(_text_end(end) for end in (low, high))
            case NumberWithin(place, low, high):
                return b"\x0a" + self._place(place) + b"".join(_number_end(end) for end in (low, high))
            case IntegerWithin(column, first, last):
                return b"\x0b" + self._number(column) + b"".join(_integer_end(end, "<Q") for end in (first, last))
            case SeverityWithin(lowest, highest):
                names = _several(_text(name) + bytes((number,)) for name, number in SEVERITY_NAMES.items())
                columns = self._index("SeverityNumber") + self._index("SeverityText")
                return b"\x0c" + bytes((lowest, highest)) + columns + names
            case TimeWithin(column, since, until, or_received):
                other = self._index("IngestedAt") if or_received else struct.pack("<H", _NO_COLUMN)
                return (
                    b"\x0d"
                    + self._index(column.name)
                    + other
                    + b"".join(_integer_end(end, "<q") for end in (since, until))
                )

    def _place(self, place: Place) -> bytes:
        match place:
            case Column(name):
                value = self.constants.get(name)
                if isinstance(value, bytes):
                    return bytes((_CONSTANT,)) + _bytes(value)
                return bytes((_COLUMN,)) + self._index(name)
            case Attribute(name, key):
                return bytes((_ATTRIBUTE,)) + self._index(name) + _text(key)
            case AnyAttribute(key):
                own = "SpanAttributes" if self.stream is Stream.SPANS else "LogAttributes"
                return bytes((_ANY_ATTRIBUTE,)) + self._index(own) + self._index("ResourceAttributes") + _text(key)

    def _number(self, column: Column) -> bytes:
        if column.name == "LeafIndex":
            return bytes((_LEAF,))
        if column.name in self.constants:
            return struct.pack("<BQ", _NUMBER, 0)
        return bytes((_NUMBER_COLUMN,)) + self._index(column.name)

    def _index(self, name: str) -> bytes:
        """Return the place of a column among the columns of the canonical record, the mark included."""
        mark = 1 if mark_of(self.version) else 0
        names = [column.name for column in canonical_columns(self.stream, self.version)]
        return struct.pack("<H", mark + names.index(name))


def _several(nodes: Iterable[bytes]) -> bytes:
    parts = list(nodes)
    return struct.pack("<I", len(parts)) + b"".join(parts)


def _bytes(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _texts(texts: Iterable[str]) -> bytes:
    return _several(map(_text, texts))


def _text_end(end: End | None) -> bytes:
    return _sign(end) + (b"" if end is None else _text(end.text))


def _number_end(end: End | None) -> bytes:
    return _sign(end) + (b"" if end is None else struct.pack("<d", float(end.text)))


def _integer_end(end: int | None, form: str) -> bytes:
    return bytes((_OPEN,)) if end is None else bytes((_INCLUDED,)) + struct.pack(form, end)


def _sign(end: End | None) -> bytes:
    return bytes((_OPEN if end is None else _INCLUDED if end.included else _EXCLUDED,))
