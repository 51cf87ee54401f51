"""ClickHouse's Native format, written from columns.

A block is a number of columns and of rows, then for each column its name, its type and its data.
Columns of several requests are joined without decoding them: plain data is concatenated, the
dictionaries of LowCardinality columns are united. Format: ClickHouse documentation, "Native", and
for LowCardinality ``SerializationLowCardinality`` (version 1, additional keys only).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from server.notary.canonical import encode_string, encode_varint

__all__ = ["Column", "MapColumn", "NamedColumn", "PlainColumn", "WordColumn", "encode_block", "join_columns"]

_HAS_ADDITIONAL_KEYS = 1 << 9
_NEEDS_UPDATE = 1 << 10
_KEYS_VERSION = struct.pack("<Q", 1)


@dataclass(frozen=True, slots=True)
class PlainColumn:
    """Fixed-width values or length-prefixed strings, as they stand in a block."""

    data: bytes

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class WordColumn:
    """A LowCardinality(String) column.

    Attributes:
        dictionary: the distinct values.
        indexes: for each row the value's place in the dictionary, 32 bits each.
    """

    dictionary: tuple[bytes, ...]
    indexes: array[int]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return sum(map(len, self.dictionary)) + 4 * len(self.indexes)

    @classmethod
    def of(cls, values: Iterable[bytes]) -> WordColumn:
        """Make a column of values."""
        places: dict[bytes, int] = {}
        indexes = array("I", [places.setdefault(value, len(places)) for value in values])
        return cls(tuple(places), indexes)


@dataclass(frozen=True, slots=True)
class MapColumn:
    """A Map(LowCardinality(String), String) column.

    Attributes:
        lengths: number of pairs of each row, 32 bits each.
        keys: the keys of all rows, one after the other.
        values: the values of all rows as length-prefixed strings.
    """

    lengths: array[int]
    keys: WordColumn
    values: bytes

    @property
    def size(self) -> int:
        """Size in bytes."""
        return 4 * len(self.lengths) + self.keys.size + len(self.values)


Column = PlainColumn | WordColumn | MapColumn


class NamedColumn(Protocol):
    """What a block's header says of a column."""

    @property
    def name(self) -> str:
        """The column's name."""

    @property
    def type(self) -> str:
        """Its ClickHouse type."""


def join_columns(columns: Sequence[Column]) -> Column:
    """Join the same column of several requests to one.

    Raises:
        TypeError: the columns are of different kinds.
    """
    if len(columns) == 1:
        return columns[0]
    if all(isinstance(column, PlainColumn) for column in columns):
        return PlainColumn(b"".join(column.data for column in columns))  # type: ignore[union-attr]
    words = [column for column in columns if isinstance(column, WordColumn)]
    if len(words) == len(columns):
        return _join_words(words)
    maps = [column for column in columns if isinstance(column, MapColumn)]
    if len(maps) == len(columns):
        lengths = array("I")
        for column in maps:
            lengths.extend(column.lengths)
        keys = _join_words([column.keys for column in maps])
        return MapColumn(lengths, keys, b"".join(column.values for column in maps))
    raise TypeError("columns of different kinds cannot be joined")


def _join_words(columns: Sequence[WordColumn]) -> WordColumn:
    places: dict[bytes, int] = {}
    indexes = array("I")
    for column in columns:
        moved = [places.setdefault(value, len(places)) for value in column.dictionary]
        indexes.extend([moved[index] for index in column.indexes])
    return WordColumn(tuple(places), indexes)


def encode_block(header: Sequence[NamedColumn], columns: Sequence[Column], rows: int) -> bytes:
    """Encode one block.

    Args:
        header: names and types, one for each column.
        columns: the data, each of ``rows`` rows.
        rows: number of rows.
    """
    parts = [encode_varint(len(columns)), encode_varint(rows)]
    for named, column in zip(header, columns, strict=True):
        parts += [encode_string(named.name.encode()), encode_string(named.type.encode())]
        if isinstance(column, PlainColumn):
            parts.append(column.data)
        elif isinstance(column, WordColumn):
            parts.append(_KEYS_VERSION)
            parts += _word_data(column)
        else:
            parts.append(_KEYS_VERSION)
            parts.append(array("Q", accumulate(column.lengths)).tobytes())
            parts += _word_data(column.keys)
            parts.append(column.values)
    return b"".join(parts)


def _word_data(column: WordColumn) -> list[bytes]:
    if not column.indexes:  # nothing stands in a block for no values, not even their number
        return []
    size = len(column.dictionary)
    width, code = (0, "B") if size <= 1 << 8 else (1, "H") if size <= 1 << 16 else (2, "I")
    indexes = column.indexes if code == "I" else array(code, column.indexes)
    return [
        struct.pack("<QQ", width | _HAS_ADDITIONAL_KEYS | _NEEDS_UPDATE, size),
        *map(encode_string, column.dictionary),
        struct.pack("<Q", len(indexes)),
        indexes.tobytes(),
    ]
