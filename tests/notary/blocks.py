"""Blocks of the Native format, as storage sends rows, made of rows as RowBinary writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import Any

from server.notary.canonical import Kind, encode_string, encode_varint
from server.notary.cursor import FIXED_SIZES
from storage.native import ArrayColumn, MapColumn, PlainColumn, WordColumn, encode_block, pack_numbers
from storage.rowbinary import Reader, array_of, read_rows, string
from storage.schema import TableColumn

__all__ = ["block_of", "cut", "header_of"]


def header_of(kinds: Sequence[Kind]) -> list[TableColumn]:
    """Return the columns of rows whose records are made up of some kinds."""
    return [
        TableColumn("BatchId", "UUID"),
        TableColumn("LeafIndex", "UInt64"),
        TableColumn("right", "UInt8"),
        *(TableColumn(f"c{number}", kind.value) for number, kind in enumerate(kinds)),
    ]


def block_of(rows: bytes, kinds: Sequence[Kind], header: Sequence[TableColumn] | None = None) -> bytes:
    """Return the block of some valid rows; its header may be another one than theirs."""
    header = header or header_of(kinds)
    if not rows:  # columns without rows have no data
        names = (encode_string(column.name.encode()) + encode_string(column.type.encode()) for column in header)
        return encode_varint(len(header)) + encode_varint(0) + b"".join(names)
    values = list(read_rows(rows, (_fixed(16), _fixed(8), _fixed(1), *map(_reader_of, kinds))))
    ids, leaves, right, *fields = zip(*values, strict=True)
    columns = [*(PlainColumn(b"".join(column)) for column in (ids, leaves, right)), *map(_column_of, kinds, fields)]
    return encode_block(header, [[column] for column in columns], len(values))


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut data into pieces at some places, which may be beyond its end."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[first:end] for first, end in pairwise(ends)]


def _fixed(size: int) -> Reader:
    return lambda data, at: (data[at : at + size], at + size)


def _pair(data: bytes, at: int) -> tuple[tuple[bytes, bytes], int]:
    key, at = string(data, at)
    value, at = string(data, at)
    return (key, value), at


def _reader_of(kind: Kind) -> Reader:
    if kind.element is not None:
        return array_of(_reader_of(kind.element))
    if kind is Kind.MAP:
        return array_of(_pair)
    return _fixed(FIXED_SIZES[kind]) if kind in FIXED_SIZES else string


def _column_of(kind: Kind, values: Sequence[Any]) -> PlainColumn | WordColumn | MapColumn | ArrayColumn:
    if kind.element is not None:
        elements = _column_of(kind.element, list(chain.from_iterable(values)))
        assert not isinstance(elements, ArrayColumn)
        return ArrayColumn(pack_numbers(map(len, values)), elements)
    if kind is Kind.MAP:
        pairs = list(chain.from_iterable(values))
        texts = b"".join(encode_string(value) for _, value in pairs)
        return MapColumn(pack_numbers(map(len, values)), WordColumn.of(key for key, _ in pairs), texts)
    if kind is Kind.WORD:
        return WordColumn.of(values)
    return PlainColumn(b"".join(values if kind in FIXED_SIZES else map(encode_string, values)))
