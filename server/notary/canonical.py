"""The canonical record: the bytes of a record that are hashed into a log.

They are the stored columns in the order given here, as ClickHouse's RowBinary format writes them, maps sorted by key
and then by value. So ``SELECT <these columns> ... FORMAT RowBinary`` prints exactly what was hashed. A log entry is the
SHA-256 of these bytes, a leaf the hash of the entry.

Version 2 begins with a mark: an Int64, -2. Version 1 has the Timestamp there, which is never negative. So bytes tell
their version, and none can be passed off as a record of another one. Behind the mark stands what the records of a
resource and scope have in common, so that it is hashed once for all of them.

Spans exist since version 2. Bytes do not tell their stream, and need not: a leaf counts only in the tree of its log,
whose origin, which has the stream's name, is signed with every root. Readers take the columns from the origin alone.

A version, once released, never changes: old proofs depend on it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from hashlib import sha256
from typing import Any

from server.notary.canonical_columns import (
    CANONICAL_VERSION,
    VERSIONS,
    CanonicalColumn,
    Kind,
    canonical_columns,
    has_version,
    mark_of,
    version_of,
    versions_of,
)
from server.notary.errors import MalformedError
from server.notary.merkle import leaf_hash
from server.notary.origin import Stream

__all__ = [
    "CANONICAL_VERSION",
    "VERSIONS",
    "CanonicalColumn",
    "Kind",
    "Pairs",
    "Value",
    "canonical_columns",
    "decode_record",
    "encode_array",
    "encode_map",
    "encode_string",
    "encode_time",
    "encode_uint8",
    "encode_uint32",
    "encode_uint64",
    "encode_varint",
    "entry_of",
    "has_version",
    "leaf_of",
    "mark_of",
    "record_bytes",
    "split_record",
    "version_of",
    "versions_of",
]

_NUMBERS = {
    Kind.TIME: struct.Struct("<q"),
    Kind.UINT8: struct.Struct("<B"),
    Kind.UINT32: struct.Struct("<I"),
    Kind.UINT64: struct.Struct("<Q"),
}
_SHORT = tuple(bytes((length,)) for length in range(0x80))  # most strings are short


def encode_varint(value: int) -> bytes:
    """Encode a length as RowBinary does: unsigned LEB128."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_string(value: bytes) -> bytes:
    """Encode a String: its length in bytes and its bytes."""
    length = len(value)
    return (_SHORT[length] if length < 0x80 else encode_varint(length)) + value


encode_time = _NUMBERS[Kind.TIME].pack
"""Encode a DateTime64(9): nanoseconds since the epoch, signed, little-endian."""

encode_uint8 = _NUMBERS[Kind.UINT8].pack
encode_uint32 = _NUMBERS[Kind.UINT32].pack
encode_uint64 = _NUMBERS[Kind.UINT64].pack


def encode_map(sorted_pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Encode a Map: the number of pairs, then keys and values in turn, in the given order."""
    parts = [encode_varint(len(sorted_pairs))]
    for key, value in sorted_pairs:
        parts.append(encode_string(key))
        parts.append(encode_string(value))
    return b"".join(parts)


def encode_array(elements: Sequence[bytes]) -> bytes:
    """Encode an Array: the number of elements, then the encoded elements."""
    return encode_varint(len(elements)) + b"".join(elements)


def record_bytes(columns: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Join encoded columns into canonical records, of the version of new records.

    Args:
        columns: the encoded values of each canonical column, in order; all of the same length.
    """
    mark = mark_of(CANONICAL_VERSION)
    return [mark + b"".join(values) for values in zip(*columns, strict=True)]


def entry_of(record: bytes) -> bytes:
    """Return the log entry of a canonical record: its SHA-256."""
    return sha256(record).digest()


def leaf_of(record: bytes) -> bytes:
    """Return the leaf hash of a canonical record's entry."""
    return leaf_hash(entry_of(record))


_Decoder = Callable[[bytes, int], tuple[Any, int]]  # the value at an offset, and the offset of the next value

Pairs = list[tuple[bytes, bytes]]
"""The pairs of a map."""

Value = int | bytes | Pairs | list[int] | list[bytes] | list[Pairs]
"""A decoded column: a number, the bytes of a string, the pairs of a map, or the elements of an array."""


def decode_record(stream: Stream, record: bytes) -> dict[str, Value]:
    """Read a canonical record of any version.

    Returns:
        Column name -> value; times are nanoseconds since the epoch.

    Raises:
        MalformedError: the bytes are not a canonical record of the stream.
    """
    return {name: value for name, value, _ in _decode(stream, record)}


def split_record(stream: Stream, record: bytes) -> dict[str, bytes]:
    """Return the columns of a canonical record of any version as they are encoded, by name.

    Raises:
        MalformedError: the bytes are not a canonical record of the stream.
    """
    return {name: encoded for name, _, encoded in _decode(stream, record)}


def _decode(stream: Stream, record: bytes) -> Iterator[tuple[str, Value, bytes]]:
    version = version_of(record)
    at = len(mark_of(version))
    for name, decode in _decoders(stream, version):
        start = at
        try:
            value, at = decode(record, at)
        except (IndexError, struct.error) as error:
            raise MalformedError("the canonical record ends too early") from error
        yield name, value, record[start:at]
    if at != len(record):
        raise MalformedError("the canonical record has extra bytes after its last column")


@cache
def _decoders(stream: Stream, version: int) -> tuple[tuple[str, _Decoder], ...]:
    """Return the names of the columns, and the functions that read them."""
    return tuple((column.name, _decoder(column.kind)) for column in canonical_columns(stream, version))


def _decoder(kind: Kind) -> _Decoder:
    if kind.element is not None:
        return partial(_decode_several, _decoder(kind.element))
    if kind is Kind.MAP:
        return partial(_decode_several, _decode_pair)
    number = _NUMBERS.get(kind)
    return _decode_string if number is None else partial(_decode_number, number)


def _decode_number(number: struct.Struct, record: bytes, at: int) -> tuple[Any, int]:
    return number.unpack_from(record, at)[0], at + number.size


def _decode_several(decode: _Decoder, record: bytes, at: int) -> tuple[list[Any], int]:
    count, at = _decode_varint(record, at)
    decoded = []
    for _ in range(count):
        value, at = decode(record, at)
        decoded.append(value)
    return decoded, at


def _decode_pair(record: bytes, at: int) -> tuple[tuple[bytes, bytes], int]:
    key, at = _decode_string(record, at)
    value, at = _decode_string(record, at)
    return (key, value), at


def _decode_string(record: bytes, at: int) -> tuple[bytes, int]:
    length = record[at]  # most strings are short
    at += 1
    if length >= 0x80:
        length, at = _decode_varint(record, at - 1)
    end = at + length
    if end > len(record):
        raise IndexError
    return record[at:end], end


def _decode_varint(record: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = record[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError
