"""Rows from blocks of ClickHouse's Native format, which costs storage less than writing rows.

A block has its numbers of columns and rows, then for each column its name, its type and its data. Numbers and strings
follow each other as RowBinary writes them. Maps and arrays are written as the end of each value among all elements,
followed by all elements. A LowCardinality column has a dictionary, and an index into it for each value. Any string may
be LowCardinality or not. Format: ClickHouse documentation, "Native", and ``SerializationLowCardinality`` (version 1,
only with additional keys).

This is the definition, in plain Python. ``server.notary.hashing`` has the compiled function that also hashes the rows.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from server.notary.canonical import encode_varint
from server.notary.canonical_columns import Kind
from server.notary.cursor import FIXED_SIZES, Cursor
from server.notary.errors import MalformedError, RowTooLongError

__all__ = ["BLOCK_LIMITS", "BlockLimits", "rows_of_blocks"]

_HEAD_SIZES = (16, 8, 1)  # bytes of the columns before the record
_KEYS_VERSION = 1
_INDEX_TYPE, _HAS_GLOBAL_DICTIONARY, _HAS_ADDITIONAL_KEYS = 0xFF, 1 << 8, 1 << 9
_LARGEST_INDEX_TYPE = 3  # UInt64
_SIZES = {b"UUID": 16, b"UInt64": 8, b"Int64": 8, b"UInt32": 4, b"DateTime": 4, b"UInt8": 1, b"Bool": 1}
_BEGINNINGS = {b"DateTime64(": 8, b"DateTime(": 4}
_STRING, _WORD = "string", "word"
_TEXTS = {b"String": _STRING, b"LowCardinality(String)": _WORD}
_ARRAY = re.compile(rb"Array\((.*)\)", re.DOTALL)
_MAP = re.compile(rb"Map\((.*?), (.*)\)", re.DOTALL)
_MOST_WORDS = 1 << 22  # different words of a column in a block
_MOST_SPARE_WORDS = 2  # words in a dictionary that no value has: the default, and NULL
_NOT_NATIVE = "a block is not in the Native format"

_Parts = tuple[bytes, ...]  # a value in parts, not joined, because values share long words


@dataclass(frozen=True, slots=True)
class BlockLimits:
    """Limits on what is read.

    Attributes:
        row_bytes: maximum size of a row in bytes.
        block_bytes: maximum size of a block in bytes.
    """

    row_bytes: int = 256 << 20
    block_bytes: int = 512 << 20


BLOCK_LIMITS = BlockLimits()
"""The limits of verification."""


@dataclass(frozen=True, slots=True)
class _Column:
    """Type of a column.

    Attributes:
        is_array: True if values are arrays of what follows.
        size: size of values in bytes, 0 if values are strings or maps.
        keys: how the keys of maps are written, empty if values are not maps.
        texts: how strings or the values of maps are written, empty for neither.
    """

    is_array: bool = False
    size: int = 0
    keys: str = ""
    texts: str = ""

    def fits(self, kind: Kind) -> bool:
        """Return whether the values are of a kind."""
        own = kind.element or kind
        found = (self.is_array, self.size, bool(self.keys), bool(self.texts))
        return found == (own is not kind, FIXED_SIZES.get(own, 0), own is Kind.MAP, own not in FIXED_SIZES)


def rows_of_blocks(
    pieces: Iterable[bytes], kinds: Sequence[Kind], limits: BlockLimits = BLOCK_LIMITS
) -> Iterator[bytes]:
    """Yield the rows of blocks, each as ``leaf_rows`` defines it.

    Args:
        pieces: blocks with the columns of rows, cut into pieces anywhere.
        kinds: the kinds that make up the record.
        limits: limits on what is read.

    Raises:
        MalformedError: the bytes are not such blocks.
        RowTooLongError: a row or a block exceeds a limit.
    """
    data = b""
    wanted = 0
    for piece in pieces:
        data += piece
        # An incomplete block is read again from its beginning, so only once there is twice as much of it.
        while data and len(data) >= wanted:
            try:
                columns, end = _read_block(data, kinds, limits)
            except EOFError:
                wanted = min(2 * len(data), limits.block_bytes)
                break
            yield from _join_rows(columns, limits)
            data, wanted = data[end:], 0
        if len(data) > limits.block_bytes:
            raise _too_long("a block of rows", limits.block_bytes)
    while data:
        try:
            columns, end = _read_block(data, kinds, limits)
        except EOFError:
            raise MalformedError("the blocks end within one") from None
        yield from _join_rows(columns, limits)
        data = data[end:]


def _read_block(data: bytes, kinds: Sequence[Kind], limits: BlockLimits) -> tuple[list[list[_Parts]], int]:
    """Return the values of each column of the first block, and where the block ends."""
    cursor = Cursor(data[: limits.block_bytes])
    count, rows = cursor.take_length(), cursor.take_length()
    if count != len(_HEAD_SIZES) + len(kinds):
        raise MalformedError("a block has another number of columns")
    if rows > limits.block_bytes:  # each row has a byte or more
        raise _too_long("a block of rows", limits.block_bytes)
    columns: list[list[_Parts]] = []
    expected: list[int | Kind] = [*_HEAD_SIZES, *kinds]
    for wanted in expected:
        cursor.take_text()
        column = _parse_type(cursor.take_text())
        if not (column == _Column(size=wanted) if isinstance(wanted, int) else column.fits(wanted)):
            raise MalformedError("a column has another type than records have there")
        columns.append(_read_column(cursor, column, rows, limits) if rows else [])
    return columns, cursor.at


def _join_rows(columns: list[list[_Parts]], limits: BlockLimits) -> Iterator[bytes]:
    for values in zip(*columns, strict=True):
        parts = list(chain.from_iterable(values))
        # Checked before the parts are joined: a short block may repeat a long word many times.
        if sum(map(len, parts)) > limits.row_bytes:
            raise _too_long("a row", limits.row_bytes)
        yield b"".join(parts)


def _too_long(what: str, most: int) -> RowTooLongError:
    return RowTooLongError(f"{what} is longer than {most} bytes")


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


def _read_column(cursor: Cursor, column: _Column, rows: int, limits: BlockLimits) -> list[_Parts]:
    """Return the values of a column as RowBinary writes them."""
    for texts in (column.keys, column.texts):
        if texts == _WORD and cursor.take_number() != _KEYS_VERSION:
            raise MalformedError(_NOT_NATIVE)
    if not column.is_array:
        return _read_values(cursor, column, rows, limits)
    return _read_grouped(cursor, rows, limits, lambda count: _read_values(cursor, column, count, limits))


def _read_values(cursor: Cursor, column: _Column, count: int, limits: BlockLimits) -> list[_Parts]:
    if column.keys:
        return _read_grouped(cursor, count, limits, lambda pairs: _read_pairs(cursor, column, pairs))
    if column.texts:
        return [(text,) for text in _read_texts(cursor, column.texts, count)]
    data = cursor.take(column.size * count)
    return [(data[at : at + column.size],) for at in range(0, len(data), column.size)]


def _read_pairs(cursor: Cursor, column: _Column, count: int) -> list[_Parts]:
    keys = _read_texts(cursor, column.keys, count)
    return list(zip(keys, _read_texts(cursor, column.texts, count), strict=True))


def _read_grouped(cursor: Cursor, count: int, limits: BlockLimits, read: Callable[[int], list[_Parts]]) -> list[_Parts]:
    """Return values of several elements each: the ends of the values among all elements, then all elements."""
    data = cursor.take(8 * count)
    ends = [0, *(end for (end,) in struct.iter_unpack("<Q", data))]
    for before, end in pairwise(ends):
        if end < before:
            raise MalformedError(_NOT_NATIVE)
        if end > limits.block_bytes:  # each element has a byte or more
            raise _too_long("a block of rows", limits.block_bytes)
    elements = read(ends[-1])
    return [(encode_varint(end - begin), *chain.from_iterable(elements[begin:end])) for begin, end in pairwise(ends)]


def _read_texts(cursor: Cursor, written: str, count: int) -> list[bytes]:
    """Return strings with their lengths."""
    return _read_words(cursor, count) if written == _WORD else [cursor.take_string() for _ in range(count)]


def _read_words(cursor: Cursor, count: int) -> list[bytes]:
    if not count:
        return []  # no words have no data
    state = cursor.take_number()
    keys = cursor.take_number()
    kind = state & _INDEX_TYPE
    if state & _HAS_GLOBAL_DICTIONARY or not state & _HAS_ADDITIONAL_KEYS or kind > _LARGEST_INDEX_TYPE:
        raise MalformedError(_NOT_NATIVE)
    if keys > min(_MOST_WORDS, count + _MOST_SPARE_WORDS):
        raise MalformedError(_NOT_NATIVE)
    dictionary = [cursor.take_string() for _ in range(keys)]
    if cursor.take_number() != count:
        raise MalformedError(_NOT_NATIVE)
    width = 1 << kind
    data = cursor.take(width * count)
    try:
        return [dictionary[int.from_bytes(data[at : at + width], "little")] for at in range(0, len(data), width)]
    except IndexError:
        raise MalformedError(_NOT_NATIVE) from None
