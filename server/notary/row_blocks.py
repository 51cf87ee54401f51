"""Rows from blocks of ClickHouse's Native format, in which storage sends many records at a lower cost than as rows.

A block has a number of columns and of rows, then for each column its name, its type and its data: fixed values and
strings one after the other, as RowBinary writes them; maps and arrays as the ends of their elements among all, and then
the elements; LowCardinality as a dictionary, and an index into it for each value. Any string may be LowCardinality, and
none has to be. Format: ClickHouse documentation, "Native", and ``SerializationLowCardinality`` (version 1, additional
keys only).

This is the definition, in plain Python. ``server.notary.hashing`` has the compiled function that also hashes the rows.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
_SIZES = {b"UUID": 16, b"UInt64": 8, b"Int64": 8, b"UInt32": 4, b"DateTime": 4, b"UInt8": 1, b"Bool": 1}
_BEGINNINGS = {b"DateTime64(": 8, b"DateTime(": 4}
_STRING, _WORD = "string", "word"
_TEXTS = {b"String": _STRING, b"LowCardinality(String)": _WORD}
_ARRAY = re.compile(rb"Array\((.*)\)", re.DOTALL)
_MAP = re.compile(rb"Map\((.*?), (.*)\)", re.DOTALL)
_MOST_ROW = 256 << 20  # bytes
_MOST_BLOCK = 512 << 20  # bytes
_MOST_WORDS = 1 << 22  # different words of a column in a block
_SPARE_WORDS = 2  # of a dictionary that no value has: the default, and NULL
_NOT_NATIVE = "a block is not one of the Native format"


@dataclass(frozen=True, slots=True)
class _Column:
    """Type of a column: bytes of fixed values, or how strings are written, those of the values of maps too."""

    is_array: bool = False
    size: int = 0
    keys: str = ""
    texts: str = ""

    def fits(self, kind: Kind) -> bool:
        """Return whether values are of a kind of record."""
        own = kind.element or kind
        found = (self.is_array, self.size, bool(self.keys), bool(self.texts))
        return found == (own is not kind, FIXED_SIZES.get(own, 0), own is Kind.MAP, own not in FIXED_SIZES)


def rows_of_blocks(pieces: Iterable[bytes], kinds: Sequence[Kind]) -> Iterator[bytes]:
    """Yield the rows of blocks, as ``leaf_rows.hash_rows`` takes them.

    Args:
        pieces: blocks, cut into pieces anywhere, with the columns of rows (``leaf_rows``).
        kinds: the kinds that make up the record.

    Raises:
        MalformedError: the bytes are not such blocks.
    """
    data = b""
    wanted = 0
    for piece in pieces:
        data += piece
        # A block that is not whole is read again from its begin, so only once there is much more of it.
        while data and len(data) >= wanted:
            try:
                rows, end = _read_block(data, kinds)
            except EOFError:
                wanted = min(2 * len(data), _MOST_BLOCK)
                break
            yield rows
            data, wanted = data[end:], 0
        if len(data) > _MOST_BLOCK:
            raise MalformedError("a block is too long")
    while data:
        try:
            rows, end = _read_block(data, kinds)
        except EOFError:
            raise MalformedError("the blocks end within one") from None
        yield rows
        data = data[end:]


def _read_block(data: bytes, kinds: Sequence[Kind]) -> tuple[bytes, int]:
    """Return the rows of the first block, and where it ends."""
    cursor = _Cursor(data)
    columns, rows = cursor.length(), cursor.length()
    if columns != len(_HEAD_SIZES) + len(kinds):
        raise MalformedError("a block has another number of columns")
    if rows > MOST_BYTES:
        raise MalformedError(_NOT_NATIVE)
    values: list[list[bytes]] = []
    expected: list[int | Kind] = [*_HEAD_SIZES, *kinds]
    for wanted in expected:
        cursor.string()
        column = _parse_type(cursor.take(cursor.length()))
        if not (column == _Column(size=wanted) if isinstance(wanted, int) else column.fits(wanted)):
            raise MalformedError("a column has another type than records have there")
        values.append(_read_column(cursor, column, rows) if rows else [])
    rows_of_block = list(zip(*values, strict=True))
    for row in rows_of_block:
        _check_length(row)
    return b"".join(value for row in rows_of_block for value in row), cursor.at


def _check_length(parts: Iterable[bytes]) -> None:
    """Refuse what is too long before it is joined: a short block may have a long word for each of many values."""
    if sum(map(len, parts)) > _MOST_ROW:
        raise MalformedError("a row is too long")


def _parse_type(name: bytes) -> _Column:
    array = _ARRAY.fullmatch(name)
    own = array[1] if array else name
    is_array = array is not None
    if own in _TEXTS:
        return _Column(is_array, texts=_TEXTS[own])
    pairs = _MAP.fullmatch(own)
    if pairs and pairs[1] in _TEXTS and pairs[2] in _TEXTS:
        return _Column(is_array, keys=_TEXTS[pairs[1]], texts=_TEXTS[pairs[2]])
    size = _SIZES.get(own) or next((size for begin, size in _BEGINNINGS.items() if own.startswith(begin)), 0)
    if not size:
        raise MalformedError("a column has a type that records do not have")
    return _Column(is_array, size)


def _read_column(cursor: _Cursor, column: _Column, rows: int) -> list[bytes]:
    """Return the values of a column as RowBinary writes them."""
    for texts in (column.keys, column.texts):
        if texts == _WORD and cursor.number() != _KEYS_VERSION:
            raise MalformedError(_NOT_NATIVE)
    if not column.is_array:
        return _read_values(cursor, column, rows)
    return _read_grouped(cursor, rows, lambda count: _read_values(cursor, column, count))


def _read_values(cursor: _Cursor, column: _Column, count: int) -> list[bytes]:
    if column.keys:
        return _read_grouped(cursor, count, lambda pairs: _read_pairs(cursor, column, pairs))
    if column.texts:
        return cursor.texts(column.texts, count)
    data = cursor.take(column.size * count)
    return [data[at : at + column.size] for at in range(0, len(data), column.size)]


def _read_pairs(cursor: _Cursor, column: _Column, count: int) -> list[bytes]:
    keys = cursor.texts(column.keys, count)
    _check_length(keys)
    return [key + value for key, value in zip(keys, cursor.texts(column.texts, count), strict=True)]


def _read_grouped(cursor: _Cursor, count: int, read: Callable[[int], list[bytes]]) -> list[bytes]:
    """Return values with several elements each: the ends of these among all, then all elements."""
    data = cursor.take(_UINT64.size * count)
    ends = [0, *(end for (end,) in _UINT64.iter_unpack(data))]
    if ends[-1] > MOST_BYTES:
        raise MalformedError(_NOT_NATIVE)
    elements = read(ends[-1])
    if any(end < before for before, end in pairwise(ends)):
        raise MalformedError(_NOT_NATIVE)
    _check_length(elements)
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

    def texts(self, written: str, count: int) -> list[bytes]:
        """Take strings, with their lengths, as they are written."""
        return self._words(count) if written == _WORD else [self.string() for _ in range(count)]

    def _words(self, count: int) -> list[bytes]:
        if not count:
            return []  # nothing is written for them
        state = self.number()
        keys = self.number()
        kind = state & _INDEX_TYPE
        if state & _HAS_GLOBAL_DICTIONARY or not state & _HAS_ADDITIONAL_KEYS or kind > _LARGEST_INDEX_TYPE:
            raise MalformedError(_NOT_NATIVE)
        if keys > min(_MOST_WORDS, count + _SPARE_WORDS):
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
