"""Rows from blocks of ClickHouse's Native format, in which storage sends many records at a lower cost than as rows.

A block has a number of columns and of rows, then for each column its name, its type and its data: fixed values and
strings one after the other, as RowBinary writes them; maps and arrays as the ends of their elements among all, and then
the elements; LowCardinality as a dictionary, and an index into it for each value. A string may be either, whatever its
kind. Format: ClickHouse documentation, "Native", and ``SerializationLowCardinality`` (version 1, additional keys only).

This is the definition, in plain Python. ``server.notary.hashing`` has the compiled function that also hashes the rows.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from server.notary.canonical import encode_varint
from server.notary.canonical_columns import Kind
from server.notary.errors import MalformedError
from server.notary.row_walker import FIXED_SIZES, MOST_BYTES

__all__ = ["rows_of_blocks"]

_HEAD_SIZES = (16, 8, 1)  # bytes of the columns before the record
_UINT64 = struct.Struct("<Q")
_KEYS_VERSION = 1
_INDEX_TYPE, _HAS_GLOBAL_DICTIONARY, _HAS_ADDITIONAL_KEYS = 0xFF, 1 << 8, 1 << 9
_LARGEST_INDEX_TYPE = 3  # UInt64
_LONGEST_LENGTH = 5  # bytes, as in rows
_SIZES = {b"UUID": 16, b"UInt64": 8, b"Int64": 8, b"UInt32": 4, b"UInt8": 1, b"Bool": 1}
_STRING, _WORD, _MAP = "string", "word", "map"
_NAMED = {
    b"String": _STRING,
    b"LowCardinality(String)": _WORD,
    b"Map(LowCardinality(String), String)": _MAP,
}
_ARRAY = re.compile(rb"Array\((.*)\)", re.DOTALL)
_Layout = int | str  # bytes of a fixed value, or one of the names
_Column = tuple[bool, _Layout]  # whether values are arrays, and their layout or that of their elements


def rows_of_blocks(pieces: Iterable[bytes], kinds: Sequence[Kind]) -> Iterator[bytes]:
    """Yield the rows of blocks, as ``leaf_rows.hash_rows`` takes them.

    Args:
        pieces: blocks, cut into pieces anywhere, with the columns of rows (``leaf_rows``).
        kinds: the kinds that make up the record.

    Raises:
        MalformedError: the bytes are not such blocks.
    """
    expected = [(False, size) for size in _HEAD_SIZES] + list(map(_column_of, kinds))
    data = b""
    for piece in pieces:
        data += piece
        while data:
            try:
                rows, end = _read_block(data, expected)
            except EOFError:  # more may follow
                break
            yield rows
            data = data[end:]
        if len(data) > MOST_BYTES:
            raise MalformedError("a block is too long")
    if data:
        raise MalformedError("the blocks end within one")


def _column_of(kind: Kind) -> _Column:
    own = kind.element or kind
    layout = FIXED_SIZES.get(own, _MAP if own is Kind.MAP else _STRING)
    return kind.element is not None, layout


def _read_block(data: bytes, expected: Sequence[_Column]) -> tuple[bytes, int]:
    """Return the rows of the first block, and where it ends."""
    cursor = _Cursor(data)
    columns, rows = cursor.length(), cursor.length()
    if columns != len(expected):
        raise MalformedError("a block has another number of columns")
    if rows > MOST_BYTES:
        raise MalformedError(_NOT_NATIVE)
    values: list[list[bytes]] = []
    for wanted in expected:
        cursor.string()
        column = _parse_type(cursor.take(cursor.length()))
        if (column[0], _STRING if column[1] == _WORD else column[1]) != wanted:
            raise MalformedError("a column has another type than records have there")
        values.append(_read_column(cursor, column, rows) if rows else [])
    return b"".join(value for row in zip(*values, strict=True) for value in row), cursor.at


_NOT_NATIVE = "a block is not one of the Native format"


def _parse_type(name: bytes) -> _Column:
    array = _ARRAY.fullmatch(name)
    own = array[1] if array else name
    layout: _Layout | None = _SIZES.get(own) or _NAMED.get(own) or (8 if own.startswith(b"DateTime64(") else None)
    if layout is None:
        raise MalformedError("a column has a type that records do not have")
    return array is not None, layout


def _read_column(cursor: _Cursor, column: _Column, rows: int) -> list[bytes]:
    """Return the values of a column as RowBinary writes them."""
    is_array, layout = column
    if layout in (_WORD, _MAP) and cursor.number() != _KEYS_VERSION:
        raise MalformedError(_NOT_NATIVE)
    if not is_array:
        return _read_values(cursor, layout, rows)
    return _read_grouped(cursor, rows, lambda count: _read_values(cursor, layout, count))


def _read_values(cursor: _Cursor, layout: _Layout, count: int) -> list[bytes]:
    if layout == _WORD:
        return cursor.words(count)
    if layout == _MAP:
        return _read_grouped(cursor, count, lambda pairs: _read_pairs(cursor, pairs))
    if isinstance(layout, int):
        data = cursor.take(layout * count)
        return [data[at : at + layout] for at in range(0, len(data), layout)]
    return [cursor.string() for _ in range(count)]


def _read_pairs(cursor: _Cursor, count: int) -> list[bytes]:
    keys = cursor.words(count)
    return [key + cursor.string() for key in keys]


def _read_grouped(cursor: _Cursor, count: int, read: Callable[[int], list[bytes]]) -> list[bytes]:
    """Return values with several elements each: the ends of these among all, then all elements."""
    data = cursor.take(_UINT64.size * count)
    ends = [0, *(end for (end,) in _UINT64.iter_unpack(data))]
    if ends[-1] > MOST_BYTES:
        raise MalformedError(_NOT_NATIVE)
    elements = read(ends[-1])
    if any(end < before for before, end in pairwise(ends)):
        raise MalformedError(_NOT_NATIVE)
    return [encode_varint(end - begin) + b"".join(elements[begin:end]) for begin, end in pairwise(ends)]


class _Cursor:
    """A place in data. Its methods take what follows, and raise EOFError where the data ends before it."""

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        begin = self.at
        if begin + size > len(self._data):
            raise EOFError
        self.at += size
        return self._data[begin : self.at]

    def number(self) -> int:
        (number,) = _UINT64.unpack(self.take(_UINT64.size))
        return int(number)

    def length(self) -> int:
        length = 0
        for place in range(_LONGEST_LENGTH):
            (byte,) = self.take(1)
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return length
        raise MalformedError("a length is too long")

    def string(self) -> bytes:
        """Take a string with its length."""
        begin = self.at
        self.take(self.length())
        return self._data[begin : self.at]

    def words(self, count: int) -> list[bytes]:
        """Take values of LowCardinality(String), with their lengths."""
        if not count:
            return []  # nothing is written for them
        state = self.number()
        keys = self.number()
        kind = state & _INDEX_TYPE
        if state & _HAS_GLOBAL_DICTIONARY or not state & _HAS_ADDITIONAL_KEYS or kind > _LARGEST_INDEX_TYPE:
            raise MalformedError(_NOT_NATIVE)
        dictionary = [self.string() for _ in range(keys)]
        if self.number() != count:
            raise MalformedError(_NOT_NATIVE)
        width = 1 << kind
        data = self.take(width * count)
        try:
            return [dictionary[int.from_bytes(data[at : at + width], "little")] for at in range(0, len(data), width)]
        except IndexError:
            raise MalformedError(_NOT_NATIVE) from None
