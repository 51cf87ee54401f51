"""Reader of the output of ``storage.native``, as far as the evidence tables need it."""

from __future__ import annotations

import struct
from typing import Any

from storage.rowbinary import Reader, fixed32, int64, string, text, uint8, uint16, uint64, uuid, varint

__all__ = ["count_rows", "read_block"]

_READERS: dict[str, Reader] = {
    "UUID": uuid,
    "UInt8": uint8,
    "UInt16": uint16,
    "UInt64": uint64,
    "DateTime64(9)": int64,
    "DateTime64(9, 'UTC')": int64,
    "FixedString(32)": fixed32,
    "String": string,
}
_WORD_INDEXES = {0: uint8, 1: uint16}  # by what the lowest byte of a dictionary's flags says


def count_rows(block: bytes) -> int:
    """Return the number of rows of a block."""
    _, at = varint(block, 0)
    return varint(block, at)[0]


def read_block(block: bytes) -> list[dict[str, Any]]:
    """Return the rows of a block, by column name."""
    columns, at = varint(block, 0)
    count, at = varint(block, at)
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for _ in range(columns):
        name, at = text(block, at)
        kind, at = text(block, at)
        if kind == "LowCardinality(String)":
            values, at = _read_words(block, at, count)
        else:
            values = []
            for _ in range(count):
                value, at = _READERS[kind](block, at)
                values.append(value)
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    assert at == len(block)
    return rows


def _read_words(block: bytes, at: int, count: int) -> tuple[list[str], int]:
    version, flags, size = struct.unpack_from("<QQQ", block, at)
    assert version == 1
    at += 24
    dictionary = []
    for _ in range(size):
        word, at = text(block, at)
        dictionary.append(word)
    indexes, at = uint64(block, at)
    assert indexes == count
    words = []
    for _ in range(count):
        index, at = _WORD_INDEXES[flags & 0xFF](block, at)
        words.append(dictionary[index])
    return words, at
