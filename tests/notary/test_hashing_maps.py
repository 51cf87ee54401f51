"""Hashing of rows with maps and arrays: keys of a map may be stored in any order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.canonical import Kind, encode_array, encode_map, encode_string, encode_time, encode_uint32, leaf_of
from server.notary.leaf_rows import MOST_SORTED_PAIRS, LeafHashes, LeafRange, LeafState

from .any_rows import Pairs, maps
from .hashed_rows import FIRST, RANGES, HashRows, compiled, in_python, row


def map_row(*maps: Pairs) -> bytes:
    return row(FIRST, b"".join(encode_string(b"before") + encode_map(pairs) for pairs in maps) + bytes(4))


def map_hashes(hash_rows: HashRows, *maps: Pairs) -> LeafHashes:
    kinds = [Kind.STRING, Kind.MAP] * len(maps) + [Kind.UINT32]
    return hash_rows([map_row(*maps)], kinds, FIRST, [LeafRange(FIRST + 1, None)])


@given(st.lists(maps, min_size=1, max_size=3), st.randoms())
@pytest.mark.parametrize("hash_rows", [in_python, compiled])
def test_keys_of_maps_may_be_stored_in_any_order(hash_rows: HashRows, maps: list[Pairs], anyhow: random.Random) -> None:
    in_order = [sorted(pairs) for pairs in maps]
    shuffled = [anyhow.sample(pairs, len(pairs)) for pairs in maps]
    # The values of one key stay in order.
    shuffled = [
        [(key, by_key[key].pop(0)) for key, _ in pairs]
        for pairs in shuffled
        for by_key in [{key: sorted(value for other, value in pairs if other == key) for key, _ in pairs}]
    ]
    hashes = map_hashes(hash_rows, *shuffled)
    assert hashes == map_hashes(hash_rows, *in_order)
    assert hashes.hashes == leaf_of(map_row(*in_order)[25:])


@given(st.lists(maps, max_size=4), st.randoms())
@pytest.mark.parametrize("hash_rows", [in_python, compiled])
def test_keys_of_maps_in_an_array_may_be_stored_in_any_order(
    hash_rows: HashRows, maps: list[Pairs], anyhow: random.Random
) -> None:
    in_order = [sorted(dict(pairs).items()) for pairs in maps]
    contents = [
        encode_string(b"before") + encode_array(list(map(encode_map, each))) + bytes(4)
        for each in (in_order, [anyhow.sample(pairs, len(pairs)) for pairs in in_order])
    ]
    for content in contents:
        hashes = hash_rows(
            [row(FIRST, content)], [Kind.STRING, Kind.MAPS, Kind.UINT32], FIRST, [LeafRange(FIRST + 1, None)]
        )
        assert hashes.hashes == leaf_of(contents[0])


@pytest.mark.parametrize("filled", [[], [Kind.TIMES], [Kind.WORDS], [Kind.MAPS], [Kind.STRINGS, Kind.MAPS]])
def test_arrays_may_be_empty(hash_rows: HashRows, filled: list[Kind]) -> None:
    elements = {
        Kind.TIMES: encode_time(1),
        Kind.STRINGS: encode_string(b"s" * 200),
        Kind.WORDS: encode_string(b"w"),
        Kind.MAPS: encode_map([(b"key", b"value")]),
    }
    arrays = b"".join(encode_array([element] * (kind in filled)) for kind, element in elements.items())
    contents = [encode_string(b"before %d" % number) + arrays + encode_uint32(number) for number in range(3)]
    rows = [row(FIRST + number, content) for number, content in enumerate(contents)]
    hashes = hash_rows(rows, [Kind.STRING, *elements, Kind.UINT32], FIRST, RANGES)
    assert hashes.of(FIRST, FIRST + 3) == b"".join(map(leaf_of, contents))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_values_of_a_repeated_key_in_another_order_spoil_a_leaf_in_arrays_too(hash_rows: HashRows, place: int) -> None:
    maps: list[Pairs] = [[(b"a", b""), (b"b", b"1"), (b"b", b"2")] for _ in range(3)]
    maps[place] = [(b"b", b"2"), (b"a", b""), (b"b", b"1")]
    content = encode_array(list(map(encode_map, maps)))
    spoilt = hash_rows([row(FIRST, content)], [Kind.MAPS], FIRST, [LeafRange(FIRST + 1, None)])
    assert (list(spoilt.states), spoilt.hashes) == ([LeafState.SPOILT], bytes(32))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_values_of_a_repeated_key_in_another_order_spoil_a_leaf(hash_rows: HashRows, place: int) -> None:
    maps: list[Pairs] = [[(b"a", b""), (b"b", b"1"), (b"b", b"2")] for _ in range(3)]
    assert list(map_hashes(hash_rows, *maps).states) == [LeafState.HASHED]
    maps[place] = [(b"b", b"2"), (b"a", b""), (b"b", b"1")]
    spoilt = map_hashes(hash_rows, *maps)
    assert (list(spoilt.states), spoilt.hashes) == ([LeafState.SPOILT], bytes(32))


def test_large_maps_are_hashed_if_they_are_in_order(hash_rows: HashRows) -> None:
    for count in (MOST_SORTED_PAIRS, MOST_SORTED_PAIRS + 1):
        pairs = [(b"%08d" % number, b"") for number in range(count)]
        hashed = map_hashes(hash_rows, [], pairs)
        assert list(hashed.states) == [LeafState.HASHED]
        turned = map_hashes(hash_rows, [], pairs[::-1])
        assert (turned == hashed) is (count == MOST_SORTED_PAIRS)
        assert list(turned.states) == [LeafState.HASHED if count == MOST_SORTED_PAIRS else LeafState.SPOILT]
