"""Joining of blocks in ClickHouse's Native format: the rows of several blocks become one block.

ClickHouse makes a part of each block of an INSERT, so only one block is stored as a whole or not at all.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

import numpy as np

from server.notary.canonical import encode_string
from storage.native import ArrayColumn, Block, Column, MapColumn, NamedColumn, PlainColumn, WordColumn, encode_joinable
from storage.rowbinary import string, varint

__all__ = ["join_blocks", "split_block"]

_ARRAY = re.compile(r"Array\((.*)\)")
_VERSION_SIZE = 8
_INDEX_TYPES = ("<u1", "<u2", "<u4", "<u8")


def join_blocks(header: Sequence[NamedColumn], blocks: Sequence[Block]) -> Block:
    """Return the rows of blocks, in order, as one block.

    Args:
        header: name and type of each column, the same for all blocks.
        blocks: the blocks, at least one, as ``encode_joinable`` made them.

    Raises:
        ValueError: a block has another header.
    """
    if len(blocks) == 1:
        return blocks[0]
    split = [split_block(header, block) for block in blocks]
    columns = list(zip(*(columns for _, columns in split), strict=True))
    return encode_joinable(header, columns, sum(rows for rows, _ in split))


def split_block(header: Sequence[NamedColumn], block: Block) -> tuple[int, list[Column]]:
    """Return the number of rows in a block, and its columns.

    Args:
        header: name and type of each column.
        block: the block, as ``encode_joinable`` made it.

    Raises:
        ValueError: the block has another header, or is damaged.
    """
    count, at = varint(block.data, 0)
    rows, at = varint(block.data, at)
    if not count == len(block.ends) == len(header):
        raise ValueError(f"the block has {count} columns, and should have {len(header)}")
    columns: list[Column] = []
    for named, end in zip(header, block.ends, strict=True):
        intro = encode_string(named.name.encode()) + encode_string(named.type.encode())
        start = at + len(intro)
        if block.data[at:start] != intro:
            raise ValueError(f"the block has another column in the place of {named.name}")
        columns.append(_column(named.type, block.data[start:end], rows))
        at = end
    if at != len(block.data):
        raise ValueError("the block is longer than its columns")
    return rows, columns


def _column(kind: str, data: bytes, rows: int) -> Column:
    if element := _ARRAY.fullmatch(kind):
        prefix = 0 if _is_plain(element[1]) else _VERSION_SIZE
        elements_at = prefix + 8 * rows
        lengths, count = _lengths(data, rows, prefix)
        elements = _contents(element[1], data, count, elements_at)
        return ArrayColumn(lengths, elements)
    return _contents(kind, data, rows, 0 if _is_plain(kind) else _VERSION_SIZE)


def _is_plain(kind: str) -> bool:
    return not kind.startswith(("LowCardinality(", "Map("))


def _contents(kind: str, data: bytes, rows: int, at: int) -> PlainColumn | WordColumn | MapColumn:
    """Read the rows of a column that is no array, behind the prefix."""
    if _is_plain(kind):
        return PlainColumn(data[at:])
    if kind.startswith("LowCardinality("):
        words, end = _words(data, at) if rows else (WordColumn((), b""), at)
        if end != len(data):
            raise ValueError("a column of words is longer than its indexes")
        return words
    lengths, pairs = _lengths(data, rows, at)
    keys_at = at + 8 * rows
    # For no pairs there are no words at all, not even their number.
    keys, values_at = _words(data, keys_at) if pairs else (WordColumn((), b""), keys_at)
    return MapColumn(lengths, keys, data[values_at:])


def _lengths(data: bytes, rows: int, at: int) -> tuple[bytes, int]:
    """Read the lengths of arrays or maps, which are stored as offsets; return their sum too."""
    offsets = np.frombuffer(data, "<u8", rows, at)
    lengths = np.diff(offsets, prepend=np.uint64(0)).astype("<u4").tobytes()
    return lengths, int(offsets[-1]) if rows else 0


def _words(data: bytes, at: int) -> tuple[WordColumn, int]:
    """Read the dictionary and the indexes of a column of words; return where they end."""
    flags, size = struct.unpack_from("<QQ", data, at)
    at += 16
    dictionary = []
    for _ in range(size):
        word, at = string(data, at)
        dictionary.append(word)
    (count,) = struct.unpack_from("<Q", data, at)
    indexes = np.frombuffer(data, _INDEX_TYPES[flags & 0xFF], count, at + 8)
    return WordColumn(tuple(dictionary), indexes.astype("<u4").tobytes()), at + 8 + indexes.nbytes
