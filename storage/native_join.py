"""Joining and slicing of blocks in ClickHouse's Native format: the rows of several blocks, or some rows of one block.

ClickHouse makes a part of each block of an INSERT, so only one block is stored as a whole or not at all.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from server.notary.canonical import encode_string
from storage.native import ArrayColumn, Block, Column, MapColumn, NamedColumn, PlainColumn, WordColumn, encode_joinable
from storage.rowbinary import string, varint

__all__ = ["join_blocks", "slice_block", "split_block"]

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


def slice_block(header: Sequence[NamedColumn], block: Block, first: int, end: int) -> Block:
    """Return the rows [first, end) of a block as a block; slower than a join, since it walks through strings.

    Args:
        header: name and type of each column.
        block: the block, as ``encode_joinable`` made it.
        first: number of the first row, from 0.
        end: number of the row after the last one.

    Raises:
        ValueError: the block has another header, or fewer rows, or is damaged.
    """
    rows, columns = split_block(header, block)
    if not 0 <= first <= end <= rows:
        raise ValueError(f"the block has {rows} rows, not {end}")
    try:
        sliced = [
            (_slice(named.type, column, rows, first, end),) for named, column in zip(header, columns, strict=True)
        ]
    except IndexError as error:
        raise ValueError("a column of strings is shorter than its rows") from error
    return encode_joinable(header, sliced, end - first)


def _slice(kind: str, column: Column, rows: int, first: int, end: int) -> Column:
    if isinstance(column, ArrayColumn):
        element = _ARRAY.fullmatch(kind)
        ends = _ends(column.lengths)
        count, before, after = (int(ends[place - 1]) if place else 0 for place in (rows, first, end))
        elements = _slice_elements(element[1] if element else "", column.elements, count, before, after)
        return ArrayColumn(column.lengths[4 * first : 4 * end], elements)
    return _slice_elements(kind, column, rows, first, end)


def _slice_elements(
    kind: str, column: PlainColumn | WordColumn | MapColumn, rows: int, first: int, end: int
) -> PlainColumn | WordColumn | MapColumn:
    if isinstance(column, WordColumn):
        return _slice_words(column, first, end)
    if isinstance(column, MapColumn):
        ends = _ends(column.lengths)
        before, after = (int(ends[place - 1]) if place else 0 for place in (first, end))
        keys, values = _slice_words(column.keys, before, after), _slice_strings(column.values, before, after)
        return MapColumn(column.lengths[4 * first : 4 * end], keys, values)
    if kind == "String":
        return PlainColumn(_slice_strings(column.data, first, end))
    width = len(column.data) // rows if rows else 0
    return PlainColumn(column.data[width * first : width * end])


def _ends(lengths: bytes) -> npt.NDArray[np.uint64]:
    return np.cumsum(np.frombuffer(lengths, "<u4"), dtype="<u8")


def _slice_words(column: WordColumn, first: int, end: int) -> WordColumn:
    # Without the words of other rows.
    return WordColumn.of(column.dictionary[place] for place in np.frombuffer(column.indexes, "<u4")[first:end])


def _slice_strings(data: bytes, first: int, end: int) -> bytes:
    at = start = 0
    for number in range(end):
        if number == first:
            start = at
        length, at = varint(data, at)
        at += length
    if at > len(data):
        raise ValueError("a column of strings is shorter than its rows")
    return data[start:at] if end > first else b""


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
