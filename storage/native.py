"""Writer of ClickHouse's Native format from columns.

A block is a number of columns and of rows, then for each column its name, its type and its data.
Columns come in parts, one for each request of a batch, which are joined without decoding: plain
data is concatenated, the dictionaries of LowCardinality columns are merged. Format: ClickHouse
documentation, "Native", and for LowCardinality ``SerializationLowCardinality`` (version 1,
additional keys only).

Numbers within columns are little-endian, whatever the machine.
"""

from __future__ import annotations

import itertools
import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from server.notary.canonical import encode_string, encode_varint

__all__ = [
    "ArrayColumn",
    "Block",
    "Column",
    "MapColumn",
    "NamedColumn",
    "PlainColumn",
    "WordColumn",
    "encode_block",
    "encode_joinable",
    "pack_numbers",
]

_HAS_ADDITIONAL_KEYS = 1 << 9
_NEEDS_UPDATE = 1 << 10
_KEYS_VERSION = struct.pack("<Q", 1)
_SMALL = 256  # values in a part


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Pack numbers as in columns: 32 bits each."""
    packed = array("I", numbers)
    return packed.tobytes() if packed.itemsize == 4 else np.array(packed, "<u4").tobytes()


@dataclass(frozen=True, slots=True)
class PlainColumn:
    """Column of fixed-width values or length-prefixed strings, in block encoding."""

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
        indexes: index into the dictionary for each row, 32 bits each.
    """

    dictionary: tuple[bytes, ...]
    indexes: bytes

    @property
    def size(self) -> int:
        """Size in bytes."""
        return sum(map(len, self.dictionary)) + len(self.indexes)

    @classmethod
    def of(cls, values: Iterable[bytes]) -> WordColumn:
        """Create a column from values."""
        places: dict[bytes, int] = {}
        indexes = pack_numbers([places.setdefault(value, len(places)) for value in values])
        return cls(tuple(places), indexes)


@dataclass(frozen=True, slots=True)
class MapColumn:
    """A Map(LowCardinality(String), String) column.

    Attributes:
        lengths: number of pairs in each row, 32 bits each.
        keys: the keys of all rows, one after the other.
        values: the values of all rows as length-prefixed strings.
    """

    lengths: bytes
    keys: WordColumn
    values: bytes

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.lengths) + self.keys.size + len(self.values)


@dataclass(frozen=True, slots=True)
class ArrayColumn:
    """An Array column.

    Attributes:
        lengths: number of elements in each row, 32 bits each.
        elements: the elements of all rows, one after the other.
    """

    lengths: bytes
    elements: PlainColumn | WordColumn | MapColumn

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.lengths) + self.elements.size


Column = PlainColumn | WordColumn | MapColumn | ArrayColumn

_Kind = TypeVar("_Kind", PlainColumn, WordColumn, MapColumn, ArrayColumn)


class NamedColumn(Protocol):
    """Header of a column in a block."""

    @property
    def name(self) -> str:
        """The column's name."""

    @property
    def type(self) -> str:
        """Its ClickHouse type."""


@dataclass(frozen=True, slots=True)
class Block:
    """An encoded block that can be joined with others of the same header (``native_join``).

    Attributes:
        data: the encoded block.
        ends: for each column the place in ``data`` where it ends; the format itself does not tell.
    """

    data: bytes
    ends: tuple[int, ...]


def encode_block(header: Sequence[NamedColumn], columns: Sequence[Sequence[Column]], rows: int) -> bytes:
    """Encode one block.

    Args:
        header: name and type of each column.
        columns: parts of each column, in order, which together have ``rows`` rows.
        rows: number of rows.

    Raises:
        TypeError: the parts of a column have different kinds.
    """
    return encode_joinable(header, columns, rows).data


def encode_joinable(header: Sequence[NamedColumn], columns: Sequence[Sequence[Column]], rows: int) -> Block:
    """Encode one block, and note where its columns end. Args and errors as ``encode_block``."""
    pieces = [encode_varint(len(columns)), encode_varint(rows)]
    ends: list[int] = []
    counted, size = 0, 0
    for named, parts in zip(header, columns, strict=True):
        pieces += [encode_string(named.name.encode()), encode_string(named.type.encode())]
        first = parts[0]
        if isinstance(first, ArrayColumn):
            arrays = _alike(first, parts)
            elements: list[Column] = [part.elements for part in arrays]
            # What tells how words are written stands before all else.
            pieces += [*_prefix(elements[0]), _offsets([part.lengths for part in arrays]), *_contents(elements)]
        else:
            pieces += [*_prefix(first), *_contents(parts)]
        size += sum(map(len, pieces[counted:]))
        counted = len(pieces)
        ends.append(size)
    return Block(b"".join(pieces), tuple(ends))


def _prefix(column: Column) -> list[bytes]:
    return [] if isinstance(column, PlainColumn) else [_KEYS_VERSION]


def _contents(parts: Sequence[Column]) -> list[bytes]:
    first = parts[0]
    if isinstance(first, PlainColumn):
        return [part.data for part in _alike(first, parts)]
    if isinstance(first, WordColumn):
        return _words(_alike(first, parts))
    if isinstance(first, ArrayColumn):
        raise TypeError("no column has arrays of arrays")
    maps = _alike(first, parts)
    offsets = _offsets([part.lengths for part in maps])
    return [offsets, *_words([part.keys for part in maps]), *(part.values for part in maps)]


def _offsets(lengths: Sequence[bytes]) -> bytes:
    return np.cumsum(np.frombuffer(b"".join(lengths), "<u4"), dtype="<u8").tobytes()


def _alike(first: _Kind, parts: Sequence[Column]) -> list[_Kind]:
    alike = [part for part in parts if isinstance(part, type(first))]
    if len(alike) != len(parts):
        raise TypeError("the parts of a column are of different kinds")
    return alike


def _words(parts: Sequence[WordColumn]) -> list[bytes]:
    if len(parts) == 1:
        [part] = parts
        return _encode_words(part.dictionary, [np.frombuffer(part.indexes, "<u4")])
    places: dict[bytes, int] = {}
    moved = [[places.setdefault(word, len(places)) for word in part.dictionary] for part in parts]
    shifts = itertools.accumulate(map(len, moved), initial=0)
    lengths = [len(part.indexes) // 4 for part in parts]
    indexes: list[npt.NDArray[np.unsignedinteger]]
    if sum(lengths) < _SMALL * len(parts):
        # One step for all parts: a step for each would cost more than the values of small parts.
        of_all = np.frombuffer(b"".join(part.indexes for part in parts), "<u4")
        shifted = of_all + np.repeat(np.fromiter(shifts, "<u4")[:-1], lengths)
        indexes = [np.fromiter(itertools.chain.from_iterable(moved), "<u4")[shifted]]
    else:
        indexes = [
            np.array(places_of_part, "<u4")[np.frombuffer(part.indexes, "<u4")]
            for places_of_part, part in zip(moved, parts, strict=True)
        ]
    return _encode_words(tuple(places), indexes)


def _encode_words(dictionary: Sequence[bytes], indexes: Sequence[npt.NDArray[np.unsignedinteger]]) -> list[bytes]:
    count = sum(map(len, indexes))
    if count == 0:  # nothing stands in a block for no values, not even their number
        return []
    size = len(dictionary)
    width, number = (0, "<u1") if size <= 1 << 8 else (1, "<u2") if size <= 1 << 16 else (2, "<u4")
    return [
        struct.pack("<QQ", width | _HAS_ADDITIONAL_KEYS | _NEEDS_UPDATE, size),
        *map(encode_string, dictionary),
        struct.pack("<Q", count),
        *(part.astype(number).tobytes() for part in indexes),
    ]
