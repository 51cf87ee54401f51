"""The Merkle tree against the vectors of RFC 6962's reference code, and against the RFC's own recursion."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.errors import MalformedError
from server.notary.merkle import (
    EMPTY_ROOT,
    CompactRange,
    leaf_hash,
    node_hash,
    split_hashes,
)
from tests.notary.trees import LEAVES, ROOTS, leaves, naive_root


def test_leaf_hashes_and_node_hashes_are_kept_apart_by_their_first_byte() -> None:
    assert leaf_hash(b"x") == sha256(b"\x00x").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_vectors(size: int) -> None:
    after, _ = CompactRange().extend(b"".join(LEAVES[:size]))
    assert after.root().hex() == ROOTS[size]


def test_the_root_without_leaves_is_the_hash_of_nothing() -> None:
    assert CompactRange().root() == EMPTY_ROOT == bytes.fromhex(ROOTS[0])


@given(st.lists(st.integers(0, 300), max_size=8))
def test_a_log_is_the_same_however_its_appends_are_cut(cuts: list[int]) -> None:
    grown = CompactRange()
    tiles: list[list[bytes]] = []
    for count in cuts:
        before = grown
        grown, added = before.extend(leaves(before.size, before.size + count))
        for level, hashes in enumerate(added):
            assert hashes, "a level without new hashes is not listed"
            if level == len(tiles):
                tiles.append([])
            assert len(tiles[level]) == before.size >> 8 * level
            tiles[level] += split_hashes(hashes)
    assert grown == CompactRange().extend(leaves(0, sum(cuts)))[0]
    assert grown.root() == naive_root(0, grown.size)
    for level, tile in enumerate(tiles):
        width = 1 << 8 * level
        assert tile == [naive_root(n * width, (n + 1) * width) for n in range(grown.size // width)]


def test_tiles_of_the_third_level_hold_roots_of_65536_leaves() -> None:
    before, _ = CompactRange().extend(leaves(0, 65_000))
    after, tiles = before.extend(leaves(65_000, 65_836))
    assert [len(hashes) // 32 for hashes in tiles] == [836, 4, 1]
    assert tiles[2] == naive_root(0, 65_536)
    assert split_hashes(tiles[1]) == [naive_root(n << 8, (n + 1) << 8) for n in range(253, 257)]
    assert after.root() == naive_root(0, 65_836)


@pytest.mark.parametrize("size", [0, 1, 7, 256])
def test_an_append_of_nothing_changes_nothing(size: int) -> None:
    before, _ = CompactRange().extend(leaves(0, size))
    assert before.extend(b"") == (before, [])


@given(st.integers(0, 700))
def test_a_range_is_the_perfect_subtrees_largest_first_and_survives_storage(size: int) -> None:
    grown, _ = CompactRange().extend(leaves(0, size))
    expected, start = [], 0
    for bit in reversed(range(size.bit_length())):
        if size >> bit & 1:
            expected.append(naive_root(start, start + (1 << bit)))
            start += 1 << bit
    assert list(grown.nodes) == expected
    assert CompactRange.from_bytes(size, grown.to_bytes()) == grown


@pytest.mark.parametrize(
    ("size", "frontier"),
    [(0, bytes(32)), (1, b""), (3, bytes(32)), (1, bytes(31)), (2, bytes(33)), (-1, bytes(32))],
)
def test_a_frontier_that_does_not_fit_its_size_is_malformed(size: int, frontier: bytes) -> None:
    with pytest.raises(MalformedError):
        CompactRange.from_bytes(size, frontier)


def test_a_range_with_a_node_of_another_length_is_malformed() -> None:
    with pytest.raises(MalformedError, match="32 bytes"):
        CompactRange(1, (bytes(31),))


def test_hashes_are_cut_every_32_bytes_and_a_rest_is_malformed() -> None:
    assert split_hashes(b"a" * 32 + b"b" * 32) == [b"a" * 32, b"b" * 32]
    with pytest.raises(MalformedError):
        split_hashes(bytes(65))
