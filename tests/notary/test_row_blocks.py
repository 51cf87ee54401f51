"""Rows are read from Native blocks alike by the compiled hashing and by the same in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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
from server.notary.errors import MalformedError, RowTooLongError, VerificationError
from server.notary.leaf_rows import LeafHashes, LeafState
from server.notary.row_blocks import BLOCK_LIMITS, BlockLimits, rows_of_blocks
from storage.schema import TableColumn

from .any_rows import Pairs, cuts, rows
from .blocks import block_of, cut, header_of
from .hashed_rows import BATCHES, FIRST, KINDS, RANGES, row

HashBlocks = Callable[..., LeafHashes]  # in_python or compiled

HEADER = header_of(KINDS)
MEGABYTE = 1 << 20


def a_row(leaf: int = FIRST, pairs: Pairs | None = None, texts: Sequence[bytes] = (b"t",)) -> bytes:
    """Return a row with a record of ``KINDS``."""
    fields = (
        encode_time(0),
        encode_string(b"text"),
        encode_map([(b"k", b"v")] if pairs is None else pairs),
        encode_uint8(2),
        encode_string(b"w"),
        encode_uint32(3),
        encode_uint64(leaf),
        encode_array([encode_time(1)]),
        encode_array(list(map(encode_string, texts))),
        encode_array(list(map(encode_string, texts))),
        encode_array([encode_map([(b"k", b"v")]) for _ in texts]),
    )
    return row(leaf, b"".join(fields), BATCHES[0])


def block(rows: Sequence[bytes], header: Sequence[TableColumn] | None = None) -> bytes:
    return block_of(b"".join(rows), KINDS, header)


def hashes_of(rows: Iterable[bytes]) -> LeafHashes:
    return leaf_rows.hash_rows(rows, KINDS, 1, FIRST, RANGES)


def in_python(pieces: Iterable[bytes], limits: BlockLimits = BLOCK_LIMITS) -> LeafHashes:
    return hashes_of(rows_of_blocks(pieces, KINDS, limits))


def compiled(pieces: Iterable[bytes], limits: BlockLimits = BLOCK_LIMITS) -> LeafHashes:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    return hashing.hash_blocks(pieces, KINDS, 1, FIRST, RANGES, limits=limits)


both = pytest.mark.parametrize("hash_blocks", [in_python, compiled])


def outcome(hash_blocks: HashBlocks, pieces: Iterable[bytes], limits: BlockLimits = BLOCK_LIMITS) -> LeafHashes | type:
    try:
        return hash_blocks(pieces, limits)
    except VerificationError as error:
        return type(error)


blocks_of_rows = st.lists(st.lists(rows(KINDS), min_size=1, max_size=6), max_size=3)


@given(blocks=blocks_of_rows, places=cuts)
def test_rows_are_read_from_blocks_wherever_these_are_cut(blocks: list[list[bytes]], places: list[int]) -> None:
    data = b"".join(map(block, blocks))
    expected = [each for rows in blocks for each in rows]
    assert list(rows_of_blocks(cut(data, places), KINDS)) == expected


@given(blocks=blocks_of_rows, places=cuts, data=st.data())
def test_both_refuse_the_same_blocks(blocks: list[list[bytes]], places: list[int], data: st.DataObject) -> None:
    bent = bytearray(b"".join(map(block, [*blocks, [a_row()]])))
    for _ in range(data.draw(st.integers(1, 3))):
        bent[data.draw(st.integers(0, len(bent) - 1))] = data.draw(st.integers(0, 255))
    pieces = cut(bytes(bent), places)
    assert outcome(compiled, pieces) == outcome(in_python, pieces)


@given(blocks=blocks_of_rows, places=cuts, room=st.tuples(st.integers(-1, 0), st.integers(-1, 0)))
def test_both_have_the_same_limits_wherever_blocks_are_cut(
    blocks: list[list[bytes]], places: list[int], room: tuple[int, int]
) -> None:
    blocks = [*blocks, [a_row()]]
    data = list(map(block, blocks))
    longest = max(len(each) for rows in blocks for each in rows), max(map(len, data))
    limits = BlockLimits(*(size + left for size, left in zip(longest, room, strict=True)))
    expected = in_python(data) if room == (0, 0) else RowTooLongError
    pieces = cut(b"".join(data), places)
    assert outcome(compiled, pieces, limits) == outcome(in_python, pieces, limits) == expected


@both
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
def test_bytes_that_are_not_blocks_of_records_are_malformed(hash_blocks: HashBlocks, bent: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        hash_blocks([bent])


@both
def test_an_index_beyond_its_dictionary_and_ends_that_go_back_are_malformed(hash_blocks: HashBlocks) -> None:
    two = [a_row(), a_row()]
    words = encode_string(b"w") + encode_uint64(2)
    assert block(two).count(words) == 1
    for right, wrong in (
        (words + b"\0\0", words + b"\0\7"),
        (encode_uint64(1) + encode_uint64(2) + encode_time(1), encode_uint64(3) + encode_uint64(2) + encode_time(1)),
    ):
        assert right in block(two)
        with pytest.raises(MalformedError, match="not in the Native format"):
            hash_blocks([block(two).replace(right, wrong)])


@both
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_blocks_come_in_pieces_of_any_size(hash_blocks: HashBlocks, size: int) -> None:
    one, two, three = a_row(), a_row(FIRST + 1, texts=()), a_row(FIRST + 2)
    data = block([one]) + block([two]) + block([]) + block([three])
    hashes = hash_blocks([data[at : at + size] for at in range(0, len(data), size)])
    assert hashes == hashes_of([one, two, three])
    assert list(hashes.states[:3]) == [LeafState.HASHED] * 3


@both
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"LowCardinality(String)" + encode_uint64(1), b"LowCardinality(String)" + encode_uint64(2)),  # its version
        (encode_uint64(3 << 9), encode_uint64(1 << 8)),  # a dictionary that is elsewhere
        (encode_uint64(3 << 9), encode_uint64(3 << 9 | 4)),  # the type of indexes
        (encode_string(b"w") + encode_uint64(1), encode_string(b"w") + encode_uint64(2)),  # the number of values
    ],
)
def test_a_block_of_another_form_is_malformed(hash_blocks: HashBlocks, right: bytes, wrong: bytes) -> None:
    data = block([a_row()])
    assert right in data
    with pytest.raises(MalformedError, match="not in the Native format"):
        hash_blocks([data.replace(right, wrong, 1)])


@both
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"\x0e\x01\x07BatchId", b"\x0e\xff\xff\xff\xff\x0f\x07BatchId"),  # the number of rows
        (b"Array(DateTime64(9))" + encode_uint64(1), b"Array(DateTime64(9))" + encode_uint64(1 << 40)),
        (
            b"LowCardinality(String), String)" + 2 * encode_uint64(1),
            b"LowCardinality(String), String)" + encode_uint64(1) + encode_uint64(1 << 62),
        ),
    ],
)
def test_a_block_that_claims_more_than_fits_into_one_is_too_long(
    hash_blocks: HashBlocks, right: bytes, wrong: bytes
) -> None:
    data = block([a_row()])
    assert right in data
    with pytest.raises(RowTooLongError, match="a block of rows is longer than 536870912 bytes"):
        hash_blocks([data.replace(right, wrong, 1)])


@both
def test_a_short_block_with_a_row_that_is_too_long_is_refused(hash_blocks: HashBlocks) -> None:
    # 300 pairs with the same key of a megabyte, which is stored in the block once.
    data = block([a_row(pairs=[(b"k" * MEGABYTE, b"")] * 300)])
    assert len(data) < 2 * MEGABYTE
    with pytest.raises(RowTooLongError, match="a row is longer than 268435456 bytes"):
        hash_blocks([data])


@both
def test_rows_that_are_too_long_only_together_are_hashed(hash_blocks: HashBlocks) -> None:
    # The values of a column have more bytes in all than a row may have.
    rows = [a_row(FIRST + number, pairs=[(b"k" * (MEGABYTE // 8), b"")] * 30) for number in range(3)]
    limits = BlockLimits(row_bytes=4 * MEGABYTE, block_bytes=MEGABYTE)
    assert sum(map(len, rows)) > 2 * limits.row_bytes
    assert hash_blocks([block(rows)], limits) == hashes_of(rows)


@both
def test_a_block_that_does_not_end_is_too_long(hash_blocks: HashBlocks) -> None:
    data = block([a_row()])
    limits = BlockLimits(block_bytes=len(data))
    assert hash_blocks([data[:100], data[100:]], limits) == hashes_of([a_row()])
    for pieces in ([data[:100], data[100:] + data], [data[:100], data[100:], data], [data, data]):
        assert hash_blocks(pieces, limits) == hash_blocks([data, data])
    limits = BlockLimits(block_bytes=len(data) - 1)
    for pieces in ([data], [data[:100], data[100:]]):
        with pytest.raises(RowTooLongError, match=f"a block of rows is longer than {len(data) - 1} bytes"):
            hash_blocks(pieces, limits)


@both
def test_a_dictionary_has_no_more_words_than_there_are_values(hash_blocks: HashBlocks) -> None:
    right = encode_uint64(1) + encode_string(b"w") + encode_uint64(1)
    for spare, reason in ((2, None), (3, "not in the Native format")):
        words = encode_uint64(1 + spare) + encode_string(b"w") + spare * encode_string(b"") + encode_uint64(1)
        data = block([a_row()]).replace(right, words)
        assert len(data) > len(block([a_row()]))
        if reason is None:
            assert hash_blocks([data]) == hashes_of([a_row()])
        else:
            with pytest.raises(MalformedError, match=reason):
                hash_blocks([data])


def test_without_compiled_code_blocks_are_read_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "COMPILED", False)
    data = block([a_row()])
    assert hashing.hash_blocks([data], KINDS, 1, FIRST, RANGES) == hashes_of([a_row()])
    with pytest.raises(RowTooLongError):
        hashing.hash_blocks([data], KINDS, 1, FIRST, RANGES, limits=BlockLimits(row_bytes=len(a_row()) - 1))


@both
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
    assert hash_blocks([data]) == hashes_of([a_row()])


@both
def test_no_blocks_have_no_rows(hash_blocks: HashBlocks) -> None:
    assert not any(hash_blocks([]).states)
