"""Joined blocks: the rows of several blocks, byte for byte as if they had been encoded together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.canonical import encode_string
from storage.native import Block, PlainColumn, encode_joinable
from storage.native_join import join_blocks, slice_block, split_block

from .test_native import HEADER, Pairs, columns_of

_WORDS = st.binary(max_size=6)
_ROWS = st.lists(st.tuples(_WORDS, st.lists(st.tuples(_WORDS, _WORDS), max_size=3)), min_size=1, max_size=5)
_PARTS = st.lists(_ROWS, min_size=1, max_size=4)  # of one block
Rows = Sequence[tuple[bytes, Pairs]]


def block_of(parts: Sequence[Rows], first: int = 0) -> Block:
    columns, count = [], 0
    for rows in parts:
        columns.append(columns_of([word for word, _ in rows], [pairs for _, pairs in rows], first + count))
        count += len(rows)
    return encode_joinable(HEADER, list(zip(*columns, strict=True)), count)


@given(st.lists(_PARTS, min_size=1, max_size=4))
def test_joined_blocks_are_the_block_of_all_parts(blocks: list[list[Rows]]) -> None:
    made, first = [], 0
    for parts in blocks:
        made.append(block_of(parts, first))
        first += sum(map(len, parts))
    assert join_blocks(HEADER, made) == block_of([rows for parts in blocks for rows in parts])


def test_dictionaries_of_any_width_are_joined() -> None:
    wide = [(f"{number}".encode(), [(f"k{number}".encode(), b"v")]) for number in range(70_000)]
    parts = [wide[:200], wide[:300], wide]
    made = [block_of([part], sum(map(len, parts[:number]))) for number, part in enumerate(parts)]
    assert join_blocks(HEADER, made) == block_of(parts)


def test_one_block_is_joined_as_it_is() -> None:
    block = block_of([[(b"a", [])]])
    assert join_blocks(HEADER, [block]) is block


@given(st.lists(_ROWS, min_size=1, max_size=5), st.data())
def test_a_slice_of_a_block_is_the_block_of_its_rows(parts: list[Rows], data: st.DataObject) -> None:
    rows = [row for part in parts for row in part]
    first = data.draw(st.integers(0, len(rows)))
    end = data.draw(st.integers(first, len(rows)))
    assert slice_block(HEADER, block_of(parts), first, end) == block_of([rows[first:end]], first)


def test_a_slice_of_strings_has_the_strings_of_its_rows() -> None:
    texts = [b"", b"a", b"b" * 200, b"c"]
    header = [HEADER[0].__class__("Text", "String")]
    data = b"".join(encode_string(text) for text in texts)
    block = encode_joinable(header, [[PlainColumn(data)]], 4)
    sliced = slice_block(header, block, 1, 3)
    assert sliced == encode_joinable(header, [[PlainColumn(b"".join(map(encode_string, texts[1:3])))]], 2)


def test_a_slice_of_a_block_that_is_shorter_is_refused() -> None:
    header = [HEADER[0].__class__("Text", "String")]
    block = encode_joinable(header, [[PlainColumn(b"\x01a\x05b")]], 2)
    with pytest.raises(ValueError, match="the block has 2 rows, not 3"):
        slice_block(header, block, 0, 3)
    with pytest.raises(ValueError, match="a column of strings is shorter than its rows"):
        slice_block(header, block, 0, 2)
    short = encode_joinable(header, [[PlainColumn(b"\x01a")]], 2)
    with pytest.raises(ValueError, match="a column of strings is shorter than its rows"):
        slice_block(header, short, 0, 2)


def test_a_block_of_other_columns_is_refused() -> None:
    block = block_of([[(b"a", [(b"k", b"v")])]])
    with pytest.raises(ValueError, match="has 7 columns, and should have 3"):
        split_block(HEADER[:3], block)
    with pytest.raises(ValueError, match="another column in the place of Plain"):
        split_block((HEADER[0], HEADER[1].__class__("Plain", "Word"), *HEADER[2:]), block)
    with pytest.raises(ValueError, match="longer than its columns"):
        split_block(HEADER, replace(block, data=block.data + b"x"))
