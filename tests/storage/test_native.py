"""Native blocks: what is written, each engine reads back; joined columns are the columns of all rows."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.notary.canonical import encode_array, encode_map, encode_string
from storage.engine import Engine
from storage.native import ArrayColumn, Column, MapColumn, PlainColumn, WordColumn, encode_block, pack_numbers

Pairs = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Header:
    name: str
    type: str


HEADER = (
    Header("Number", "UInt32"),
    Header("Plain", "String"),
    Header("Word", "LowCardinality(String)"),
    Header("Pairs", "Map(LowCardinality(String), String)"),
    Header("Numbers", "Array(UInt32)"),
    Header("Words", "Array(LowCardinality(String))"),
    Header("Maps", "Array(Map(LowCardinality(String), String))"),
)


@pytest.fixture
def table(module_engine: Engine) -> Engine:
    """An engine with an empty table ``t`` of every kind of column."""
    columns = ", ".join(f"{header.name} {header.type}" for header in HEADER)
    module_engine.execute(f"CREATE OR REPLACE TABLE t ({columns}) ENGINE = MergeTree ORDER BY Number")
    return module_engine


def columns_of(words: Sequence[bytes], maps: Sequence[Pairs], first: int = 0) -> tuple[Column, ...]:
    lengths = pack_numbers(map(len, maps))
    return (
        PlainColumn(array("I", range(first, first + len(words))).tobytes()),
        PlainColumn(b"".join(encode_string(word) for word in words)),
        WordColumn.of(words),
        map_column(maps),
        # An array of as many elements as the map has pairs.
        ArrayColumn(lengths, PlainColumn(pack_numbers(len(value) for pairs in maps for _, value in pairs))),
        ArrayColumn(lengths, WordColumn.of(key for pairs in maps for key, _ in pairs)),
        ArrayColumn(lengths, map_column([pairs[number:-1] for pairs in maps for number in range(len(pairs))])),
    )


def map_column(maps: Sequence[Pairs]) -> MapColumn:
    return MapColumn(
        pack_numbers(map(len, maps)),
        WordColumn.of(key for pairs in maps for key, _ in pairs),
        b"".join(encode_string(value) for pairs in maps for _, value in pairs),
    )


def as_rowbinary(words: Sequence[bytes], maps: Sequence[Pairs]) -> bytes:
    return b"".join(
        struct.pack("<I", number)
        + encode_string(word) * 2
        + encode_map(pairs)
        + encode_array([struct.pack("<I", len(value)) for _, value in pairs])
        + encode_array([encode_string(key) for key, _ in pairs])
        + encode_array([encode_map(pairs[place:-1]) for place in range(len(pairs))])
        for number, (word, pairs) in enumerate(zip(words, maps, strict=True))
    )


def encoded(parts: Sequence[Sequence[Column]], rows: int) -> bytes:
    return encode_block(HEADER, list(zip(*parts, strict=True)), rows)


def read_back(engine: Engine, rows: int, *parts: Sequence[Column]) -> bytes:
    engine.execute("TRUNCATE TABLE t")
    engine.insert("t", [header.name for header in HEADER], encoded(parts, rows), "")
    return engine.query("SELECT * FROM t ORDER BY Number")


_words = st.one_of(st.sampled_from([b"", b"a", b"b"]), st.binary(max_size=5), st.integers(126, 300).map(bytes))
_rows = st.lists(st.tuples(_words, st.lists(st.tuples(_words, _words), max_size=4)), min_size=1, max_size=12)


def test_rows_of_every_kind_are_read_back_equal(table: Engine) -> None:
    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(_rows)
    def check(rows: list[tuple[bytes, Pairs]]) -> None:
        words, maps = [word for word, _ in rows], [pairs for _, pairs in rows]
        assert read_back(table, len(rows), columns_of(words, maps)) == as_rowbinary(words, maps)

    check()


@pytest.mark.parametrize("distinct", [1, 255, 256, 257, 65_535, 65_536, 65_537])
def test_dictionaries_of_every_index_width_are_read_back_equal(table: Engine, distinct: int) -> None:
    words = [b"%d" % number for number in range(distinct)]
    maps: list[Pairs] = [[(word, b"v")] for word in words]
    # The last words come again at the end: their indexes need the full width.
    words, maps = [*words, words[-1], words[0]], [*maps, maps[-1], maps[0]]
    assert read_back(table, len(words), columns_of(words, maps)) == as_rowbinary(words, maps)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_block_whose_maps_are_all_empty_is_read_back_equal(table: Engine, rows: int) -> None:
    words = [b"w"] * rows
    maps: list[Pairs] = [[] for _ in range(rows)]
    assert read_back(table, rows, columns_of(words, maps)) == as_rowbinary(words, maps)


def test_empty_maps_among_others_and_repeated_keys_are_read_back_equal(table: Engine) -> None:
    maps: list[Pairs] = [[], [(b"b", b"2"), (b"a", b"1"), (b"b", b"1")], [], [(b"", b"")], []]
    words = [b"w"] * len(maps)
    assert read_back(table, len(maps), columns_of(words, maps)) == as_rowbinary(words, maps)


def test_parts_are_read_back_as_all_rows(table: Engine) -> None:
    first = [b"w%d" % number for number in range(200)]
    second = [b"w%d" % number for number in range(100, 300)]  # together more than 256 distinct words
    maps: list[Pairs] = [[(word, word)] if number % 3 else [] for number, word in enumerate([*first, *second])]
    parts = columns_of(first, maps[:200]), columns_of(second, maps[200:], first=200)
    assert read_back(table, 400, *parts) == as_rowbinary([*first, *second], maps)


@given(st.lists(_rows, min_size=1, max_size=4))
def test_a_block_of_parts_is_the_same_as_one_of_all_rows(parts: list[list[tuple[bytes, Pairs]]]) -> None:
    columns, first = [], 0
    for rows in parts:
        columns.append(columns_of([word for word, _ in rows], [pairs for _, pairs in rows], first))
        first += len(rows)
    everything = [row for rows in parts for row in rows]
    whole = columns_of([word for word, _ in everything], [pairs for _, pairs in everything])
    assert encoded(columns, len(everything)) == encoded([whole], len(everything))


def test_parts_of_different_kinds_are_not_joined() -> None:
    plain, word, pairs, numbers, words, maps = columns_of([b"w"], [[]])[1:]
    for mixed in ([plain, word], [word, pairs], [pairs, plain], [numbers, plain], [plain, numbers], [words, maps]):
        with pytest.raises(TypeError):
            encode_block(HEADER[:1], [mixed], 2)


def test_a_header_that_does_not_fit_the_columns_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        encode_block(HEADER, [(column,) for column in columns_of([b"w"], [[]])[:3]], 1)


def test_sizes_count_what_is_held() -> None:
    number, plain, word, pairs, *arrays = columns_of([b"ab", b"ab", b"c"], [[(b"k", b"v")], [], []])
    assert (number.size, plain.size, word.size, pairs.size) == (12, 8, 3 + 12, 12 + (1 + 4) + 2)
    assert [array.size for array in arrays] == [12 + 4, 12 + 1 + 4, 12 + 4]
