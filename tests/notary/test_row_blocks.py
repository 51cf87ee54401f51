"""Rows are taken from Native blocks alike by the compiled hashing and by the same in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lacking import lacking
from server.notary import hashing, leaf_rows
from server.notary.canonical import (
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_uint64,
)
from server.notary.errors import MalformedError
from server.notary.leaf_rows import LeafHashes
from server.notary.row_blocks import rows_of_blocks
from storage.schema import TableColumn

from .blocks import block_of, cut, header_of
from .hashed_rows import BATCHES, FIRST, KINDS, RANGES, row

Pairs = list[tuple[bytes, bytes]]
HashBlocks = Callable[[Iterable[bytes]], LeafHashes]

HEADER = header_of(KINDS)


@dataclass(frozen=True)
class Row:
    """A row with a record of ``KINDS``."""

    leaf: int
    batch: int
    right: bool
    text: bytes
    word: bytes
    pairs: Pairs
    times: list[int]
    texts: list[bytes]
    maps: list[Pairs]

    def as_row(self) -> bytes:
        """Return it as RowBinary writes it."""
        fields = (
            encode_time(-1),
            encode_string(self.text),
            encode_map(self.pairs),
            encode_uint8(2),
            encode_string(self.word),
            encode_uint32(3),
            encode_uint64(self.leaf),
            encode_array(list(map(encode_time, self.times))),
            encode_array(list(map(encode_string, self.texts))),
            encode_array(list(map(encode_string, self.texts))),
            encode_array(list(map(encode_map, self.maps))),
        )
        return row(self.leaf, b"".join(fields), BATCHES[self.batch], right_beside=self.right)


def block(rows: Sequence[Row], header: Sequence[TableColumn] | None = None) -> bytes:
    return block_of(b"".join(one.as_row() for one in rows), KINDS, header)


def in_python(pieces: Iterable[bytes]) -> LeafHashes:
    return leaf_rows.hash_rows(rows_of_blocks(pieces, KINDS), KINDS, 2, FIRST, RANGES)


def compiled(pieces: Iterable[bytes]) -> LeafHashes:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    return hashing.hash_blocks(pieces, KINDS, 2, FIRST, RANGES)


def outcome(hash_blocks: HashBlocks, pieces: Iterable[bytes]) -> LeafHashes | None:
    try:
        return hash_blocks(pieces)
    except MalformedError:
        return None


short = st.sampled_from([b"", b"a", b"12345678", b"x" * 16, b"y" * 17, b"z" * 300])
pairs = st.lists(st.tuples(short, short), max_size=3)
rows_of_a_block = st.lists(
    st.builds(
        Row,
        leaf=st.integers(FIRST, FIRST + 7),
        batch=st.integers(0, 2),
        right=st.booleans(),
        text=short,
        word=short,
        pairs=pairs,
        times=st.lists(st.integers(0, 9), max_size=2),
        texts=st.lists(short, max_size=3),
        maps=st.lists(pairs, max_size=2),
    ),
    min_size=1,
    max_size=6,
)
cuts = st.lists(st.integers(0, 1 << 16), max_size=4)


@given(blocks=st.lists(rows_of_a_block, max_size=3), places=cuts)
def test_rows_are_taken_from_blocks_wherever_these_are_cut(blocks: list[list[Row]], places: list[int]) -> None:
    data = b"".join(map(block, blocks))
    expected = [one.as_row() for rows in blocks for one in rows]
    assert b"".join(rows_of_blocks(cut(data, places), KINDS)) == b"".join(expected)
    hashes = leaf_rows.hash_rows(expected, KINDS, 2, FIRST, RANGES)
    assert in_python(cut(data, places)) == compiled(cut(data, places)) == hashes


@given(blocks=st.lists(rows_of_a_block, min_size=1, max_size=2), places=cuts, data=st.data())
def test_both_refuse_the_same_blocks(blocks: list[list[Row]], places: list[int], data: st.DataObject) -> None:
    bent = bytearray(b"".join(map(block, blocks)))
    for _ in range(data.draw(st.integers(1, 3))):
        bent[data.draw(st.integers(0, len(bent) - 1))] = data.draw(st.integers(0, 255))
    pieces = cut(bytes(bent), places)
    assert outcome(compiled, pieces) == outcome(in_python, pieces)


def a_row() -> Row:
    return Row(FIRST, 0, True, b"text", b"w", [(b"k", b"v")], [1], [b"t"], [[(b"k", b"v")]])


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        (block([a_row()])[:-1], "the blocks end within one"),
        (block([a_row()], [*HEADER[:-1], TableColumn("c", "Array(UInt8)")]), "another type than records have there"),
        (block([a_row()], [*HEADER[:-1], TableColumn("c", "Float64")]), "a type that records do not have"),
        (b"\x01\x01\x01a\x05UInt8\x07", "another number of columns"),
        (b"\xff\xff\xff\xff\xff\xff", "a length is too long"),
        (b"Code: 241. DB::Exception: Memory limit exceeded", "another number of columns"),
    ],
)
def test_bytes_that_are_no_blocks_of_records_are_malformed(hash_blocks: HashBlocks, bent: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        hash_blocks([bent])


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
def test_an_index_beside_its_dictionary_and_ends_that_go_back_are_malformed(hash_blocks: HashBlocks) -> None:
    two = [a_row(), a_row()]
    words = encode_string(b"w") + encode_uint64(2)
    assert block(two).count(words) == 1
    for right, wrong in (
        (words + b"\0\0", words + b"\0\7"),
        (encode_uint64(1) + encode_uint64(2) + encode_time(1), encode_uint64(3) + encode_uint64(2) + encode_time(1)),
    ):
        assert right in block(two)
        with pytest.raises(MalformedError, match="not one of the Native format"):
            hash_blocks([block(two).replace(right, wrong)])


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_blocks_come_in_pieces_of_any_size(hash_blocks: HashBlocks, size: int) -> None:
    one, two = a_row(), replace(a_row(), leaf=FIRST + 1, texts=[], maps=[])
    data = block([one]) + block([two]) + block([]) + block([one])
    rows = [one.as_row(), two.as_row(), one.as_row()]
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert hash_blocks(pieces) == leaf_rows.hash_rows(rows, KINDS, 2, FIRST, RANGES)


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"LowCardinality(String)" + encode_uint64(1), b"LowCardinality(String)" + encode_uint64(2)),  # its version
        (encode_uint64(3 << 9), encode_uint64(1 << 8)),  # a dictionary that is elsewhere
        (encode_uint64(3 << 9), encode_uint64(3 << 9 | 4)),  # the type of indexes
        (encode_string(b"w") + encode_uint64(1), encode_string(b"w") + encode_uint64(2)),  # the number of values
        (b"\x0e\x01\x07BatchId", b"\x0e\xff\xff\xff\xff\x0f\x07BatchId"),  # the number of rows
        (b"Array(DateTime64(9))" + encode_uint64(1), b"Array(DateTime64(9))" + encode_uint64(1 << 40)),
    ],
)
def test_a_block_of_another_form_is_malformed(hash_blocks: HashBlocks, right: bytes, wrong: bytes) -> None:
    data = block([a_row()])
    assert right in data
    with pytest.raises(MalformedError, match="not one of the Native format"):
        hash_blocks([data.replace(right, wrong, 1)])


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
def test_a_short_block_of_a_row_that_is_too_long_is_malformed(hash_blocks: HashBlocks) -> None:
    # 300 pairs with the same key of a megabyte, which stands in the block once.
    data = block([replace(a_row(), pairs=[(b"k" * (1 << 20), b"")] * 300)])
    assert len(data) < 2 << 20
    with pytest.raises(MalformedError, match="a row is too long"):
        hash_blocks([data])


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
def test_a_dictionary_has_no_more_words_than_there_are_values(hash_blocks: HashBlocks) -> None:
    right = encode_uint64(1) + encode_string(b"w") + encode_uint64(1)
    for spare, reason in ((2, None), (3, "not one of the Native format")):
        words = encode_uint64(1 + spare) + encode_string(b"w") + spare * encode_string(b"") + encode_uint64(1)
        data = block([a_row()]).replace(right, words)
        assert len(data) > len(block([a_row()]))
        if reason is None:
            assert any(hash_blocks([data]).states)
        else:
            with pytest.raises(MalformedError, match=reason):
                hash_blocks([data])


def test_a_block_that_does_not_end_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.notary.row_blocks._MOST_BLOCK", 100)
    with pytest.raises(MalformedError, match="a block is too long"):
        in_python([block([a_row()])[:101]])


def test_without_compiled_code_blocks_are_read_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "COMPILED", False)
    data = block([a_row()])
    assert hashing.hash_blocks([data], KINDS, 2, FIRST, RANGES) == in_python([data])


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
def test_strings_may_be_written_either_way_and_times_may_be_numbers(hash_blocks: HashBlocks) -> None:
    words = "Map(LowCardinality(String), LowCardinality(String))"
    types = {"c0": "Int64", "c2": words, "c5": "DateTime('UTC')", "c10": "Array(Map(String, String))"}
    header = [TableColumn(one.name, types.get(one.name, one.type)) for one in HEADER]
    data = block([a_row()], header)
    key, value = encode_string(b"k"), encode_string(b"v")
    word = encode_uint64(3 << 9) + encode_uint64(1) + key + encode_uint64(1) + b"\0"
    for kind, replaced in (
        (words, encode_uint64(1) + encode_uint64(1) + encode_uint64(1) + word + word.replace(key, value)),
        ("Array(Map(String, String))", encode_uint64(1) + encode_uint64(1) + key + value),
    ):
        named = encode_string(kind.encode())
        after = encode_uint64(1) * (2 if kind == words else 3) + word + value
        assert named + after in data
        data = data.replace(named + after, named + replaced)
    assert hash_blocks([data]) == leaf_rows.hash_rows([a_row().as_row()], KINDS, 2, FIRST, RANGES)


@pytest.mark.parametrize("hash_blocks", [in_python, compiled])
def test_no_blocks_are_no_rows(hash_blocks: HashBlocks) -> None:
    assert not any(hash_blocks([]).states)
