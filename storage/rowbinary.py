"""Reader of ClickHouse's RowBinary format."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from storage.errors import StorageError, UnreadableTableError

__all__ = [
    "Answer",
    "Reader",
    "array_of",
    "boolean",
    "fixed32",
    "int64",
    "int64_array",
    "parse_answer",
    "read_one",
    "read_rows",
    "string",
    "string_array",
    "text",
    "text_pairs",
    "text_pairs_array",
    "texts",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uuid",
    "uuid_bytes",
    "varint",
]

Reader = Callable[[bytes, int], tuple[Any, int]]
"""Takes data and a position; returns a value and the position after it."""


class Answer(bytes):
    """Rows of an answer, with the types of its columns as ClickHouse writes them."""

    types: tuple[str, ...] = ()


_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_U64 = struct.Struct("<Q").unpack_from
_I64 = struct.Struct("<q").unpack_from


def uint8(data: bytes, at: int) -> tuple[int, int]:
    """Read a UInt8."""
    return data[at], at + 1


def boolean(data: bytes, at: int) -> tuple[bool, int]:
    """Read a UInt8 as a bool."""
    return data[at] != 0, at + 1


def uint16(data: bytes, at: int) -> tuple[int, int]:
    """Read a UInt16."""
    return _U16(data, at)[0], at + 2


def uint32(data: bytes, at: int) -> tuple[int, int]:
    """Read a UInt32, or a DateTime as seconds since the epoch."""
    return _U32(data, at)[0], at + 4


def uint64(data: bytes, at: int) -> tuple[int, int]:
    """Read a UInt64."""
    return _U64(data, at)[0], at + 8


def int64(data: bytes, at: int) -> tuple[int, int]:
    """Read an Int64, or a DateTime64(9) as nanoseconds since the epoch."""
    return _I64(data, at)[0], at + 8


def uuid(data: bytes, at: int) -> tuple[UUID, int]:
    """Read a UUID: two 64-bit halves, each little-endian."""
    return UUID(bytes=data[at : at + 8][::-1] + data[at + 8 : at + 16][::-1]), at + 16


def uuid_bytes(value: UUID) -> bytes:
    """Write a UUID, in RowBinary as in Native."""
    return value.bytes[:8][::-1] + value.bytes[8:][::-1]


def fixed32(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a FixedString(32)."""
    return data[at : at + 32], at + 32


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a length (unsigned LEB128)."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte, at
    value, shift = byte & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def string(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a String."""
    length, at = varint(data, at)
    return data[at : at + length], at + length


def text_pairs(data: bytes, at: int) -> tuple[tuple[tuple[str, str], ...], int]:
    """Read a Map of UTF-8 strings as its pairs."""
    count, at = varint(data, at)
    pairs = []
    for _ in range(count):
        key, at = text(data, at)
        value, at = text(data, at)
        pairs.append((key, value))
    return tuple(pairs), at


def array_of(reader: Reader) -> Reader:
    """Return the reader of an Array, as a tuple of what another reader returns."""

    def read(data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        count, at = varint(data, at)
        elements = []
        for _ in range(count):
            value, at = reader(data, at)
            elements.append(value)
        return tuple(elements), at

    read.__name__ = f"{reader.__name__} array"
    return read


def text(data: bytes, at: int) -> tuple[str, int]:
    """Read a String of UTF-8 text; invalid UTF-8 becomes U+FFFD."""
    value, at = string(data, at)
    return value.decode("utf-8", "replace"), at


def texts(data: bytes, at: int) -> tuple[tuple[str, ...], int]:
    """Read an Array of UTF-8 strings."""
    count, at = varint(data, at)
    found = []
    for _ in range(count):
        value, at = text(data, at)
        found.append(value)
    return tuple(found), at


_STRING = r"String|LowCardinality\(String\)"
_TYPES: dict[Reader, str] = {
    uint8: "UInt8|Bool",
    boolean: "UInt8|Bool",
    uint16: "UInt16|Date",
    uint32: r"UInt32|DateTime(\(.*\))?",
    uint64: "UInt64",
    int64: r"Int64|DateTime64\(.*\)",
    uuid: "UUID",
    fixed32: r"FixedString\(32\)",
    string: _STRING,
    text: _STRING,
    text_pairs: rf"Map\(({_STRING}), ({_STRING})\)",
    texts: r"Array\(String\)",
}
"""Reader -> the types that it reads, as a regular expression; readers of other modules read any."""

int64_array, string_array, text_pairs_array = array_of(int64), array_of(string), array_of(text_pairs)
_TYPES |= {
    array: rf"Array\(({_TYPES[element]})\)"
    for array, element in ((int64_array, int64), (string_array, string), (text_pairs_array, text_pairs))
}


def read_rows(data: bytes, readers: tuple[Reader, ...]) -> Iterator[tuple[Any, ...]]:
    """Read rows of the given columns until the data ends.

    Raises:
        StorageError: the data ends within a row.
        UnreadableTableError: the columns have other types: a table was altered.
    """
    if isinstance(data, Answer):
        _check_types(data.types, readers)
    at, end = 0, len(data)
    try:
        while at < end:
            row = []
            for reader in readers:
                value, at = reader(data, at)
                row.append(value)
            yield tuple(row)
    except (IndexError, struct.error, ValueError) as error:
        raise StorageError("storage sent an incomplete row") from error
    if at != end:
        raise StorageError("storage sent an incomplete row")


def read_one(data: bytes, reader: Reader) -> Any:
    """Read the single value of a single row.

    Raises:
        StorageError: there is not exactly one row.
    """
    rows = list(read_rows(data, (reader,)))
    if len(rows) != 1:
        raise StorageError(f"storage sent {len(rows)} rows instead of one")
    return rows[0][0]


def parse_answer(data: bytes) -> Answer:
    """Return the rows of an answer in RowBinaryWithNamesAndTypes format, with the types of their columns.

    An answer without rows still has names and types, so a lost answer can be distinguished from an empty one.

    Raises:
        StorageError: the data is not such an answer.
    """
    types: list[str] = []
    try:
        columns, at = varint(data, 0)
        for _ in range(columns):
            length, at = varint(data, at)
            at += length
        for _ in range(columns):
            name, at = text(data, at)
            types.append(name)
    except IndexError:
        at = len(data) + 1
    if at > len(data) or not data:
        raise StorageError(f"storage sent {len(data)} bytes that are not a valid answer")
    answer = Answer(data[at:])
    answer.types = tuple(types)
    return answer


def _check_types(types: tuple[str, ...], readers: tuple[Reader, ...]) -> None:
    fits = len(types) == len(readers) and all(
        re.fullmatch(_TYPES.get(reader, ".*"), name) for reader, name in zip(readers, types, strict=True)
    )
    if not fits:
        expected = ", ".join(reader.__name__ for reader in readers)
        raise UnreadableTableError(
            f"storage sent columns of the types {', '.join(types)}, which cannot be read as {expected}: a table is not "
            "as migrations made it, and 'lognotary verify' names the difference"
        )
