"""The Merkle tree against the vectors of RFC 6962's reference code, and against the RFC's own recursion."""

from __future__ import annotations

import random
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.errors import MalformedError, VerificationError
from server.notary.merkle import (
    EMPTY_ROOT,
    CompactRange,
    inclusion_nodes,
    inclusion_path,
    leaf_hash,
    node_hash,
    split_hashes,
    verify_inclusion,
)

# The test tree of the Certificate Transparency reference code (transparency-dev/merkle, testonly).
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def leaf(number: int) -> bytes:
    return sha256(b"leaf %d" % number).digest()


@cache
def naive_root(start: int, end: int) -> bytes:
    """MTH(D[start:end]) as RFC 6962, section 2.1, defines it, over the leaves ``leaf(n)``."""
    if start == end:
        return sha256(b"").digest()
    if end - start == 1:
        return leaf(start)
    split = 1
    while split * 2 < end - start:
        split *= 2
    return sha256(b"\x01" + naive_root(start, start + split) + naive_root(start + split, end)).digest()


def naive_path(index: int, start: int, end: int) -> list[bytes]:
    """PATH(index, D[start:end]) as RFC 6962, section 2.1.1, defines it; ``index`` counts from ``start``."""
    if end - start == 1:
        return []
    split = 1
    while split * 2 < end - start:
        split *= 2
    if index < split:
        return [*naive_path(index, start, start + split), naive_root(start + split, end)]
    return [*naive_path(index - split, start + split, end), naive_root(start, start + split)]


def leaves(start: int, end: int) -> bytes:
    return b"".join(leaf(n) for n in range(start, end))


def perfect_node(level: int, number: int) -> bytes:
    return naive_root(number << level, (number + 1) << level)


def test_leaf_hashes_and_node_hashes_are_kept_apart_by_their_first_byte() -> None:
    assert leaf_hash(b"x") == sha256(b"\x00x").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_vectors(size: int) -> None:
    after, _ = CompactRange().extend(b"".join(LEAVES[:size]))
    assert after.root().hex() == ROOTS[size]


def test_the_root_without_leaves_is_the_hash_of_nothing() -> None:
    assert CompactRange().root() == EMPTY_ROOT == bytes.fromhex(ROOTS[0])


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_inclusion_paths_are_those_of_the_reference_vectors(index: int, size: int) -> None:
    def node(level: int, number: int) -> bytes:
        return CompactRange().extend(b"".join(LEAVES[number << level : (number + 1) << level]))[0].root()

    path = inclusion_path(index, size, node)
    assert [sibling.hex() for sibling in path] == PATHS[index, size]
    verify_inclusion(index, size, LEAVES[index], path, bytes.fromhex(ROOTS[size]))


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
    for level, hashes in enumerate(tiles):
        width = 1 << 8 * level
        assert hashes == [naive_root(n * width, (n + 1) * width) for n in range(grown.size // width)]


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


def test_every_path_of_every_small_tree_is_the_rfcs_and_verifies() -> None:
    for size in range(1, 201):
        root = naive_root(0, size)
        for index in range(size):
            path = inclusion_path(index, size, perfect_node)
            assert path == naive_path(index, 0, size)
            verify_inclusion(index, size, leaf(index), path, root)


_trees = st.integers(1, 5000).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))


@given(_trees)
def test_paths_of_larger_trees_are_the_rfcs(tree: tuple[int, int]) -> None:
    index, size = tree
    path = inclusion_path(index, size, perfect_node)
    assert path == naive_path(index, 0, size)
    verify_inclusion(index, size, leaf(index), path, naive_root(0, size))


@given(_trees)
def test_the_nodes_of_a_proof_are_whole_subtrees_beside_the_leaf_that_cover_the_rest(
    tree: tuple[int, int],
) -> None:
    index, size = tree
    covered = sorted(
        n for level, number in inclusion_nodes(index, size) for n in range(number << level, number + 1 << level)
    )
    assert covered == [n for n in range(size) if n != index]


@given(_trees, st.randoms(use_true_random=False))
def test_a_proof_of_anything_else_is_refused(tree: tuple[int, int], rng: random.Random) -> None:
    index, size = tree
    path = naive_path(index, 0, size)
    root = naive_root(0, size)
    stranger = sha256(b"stranger").digest()
    refused: list[tuple[int, int, bytes, list[bytes], bytes]] = [
        (index, size, stranger, path, root),
        (index, size, leaf(index), path, stranger),
        (index, size, leaf(index), [*path, stranger], root),
        (index, size + (1 << size.bit_length()), leaf(index), path, root),
        (-1, size, leaf(index), path, root),
        (size, size, leaf(index), path, root),
    ]
    if path:
        place = rng.randrange(len(path))
        refused += [
            (index, size, leaf(index), [*path[:place], stranger, *path[place + 1 :]], root),
            (index, size, leaf(index), path[:-1], root),
            (index, size, leaf(index), path[1:], root),
            (index ^ 1, size, leaf(index), path, root),
        ]
    for arguments in refused:
        with pytest.raises(VerificationError):
            verify_inclusion(*arguments)


def test_a_proof_says_whether_it_is_too_long_too_short_or_of_another_root() -> None:
    path, root = naive_path(3, 0, 7), naive_root(0, 7)
    with pytest.raises(VerificationError, match="too long"):
        verify_inclusion(3, 7, leaf(3), [*path, root], root)
    with pytest.raises(VerificationError, match="too short"):
        verify_inclusion(3, 7, leaf(3), path[:-1], root)
    with pytest.raises(VerificationError, match="root hash"):
        verify_inclusion(3, 7, leaf(3), path, bytes(32))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_no_path_is_made_to_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(VerificationError, match="no leaf"):
        inclusion_path(index, size, perfect_node)
    with pytest.raises(VerificationError, match="no leaf"):
        list(inclusion_nodes(index, size))
