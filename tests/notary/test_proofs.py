"""Proofs against the vectors of RFC 6962's reference code, and against the RFC's own recursion."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.errors import VerificationError
from server.notary.merkle import EMPTY_ROOT, CompactRange, node_hash
from server.notary.proofs import (
    consistency_nodes,
    consistency_path,
    inclusion_nodes,
    inclusion_path,
    root_of_leaves,
    verify_consistency,
    verify_inclusion,
)
from tests.notary.trees import LEAVES, ROOTS, leaf, naive_root, perfect_node

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


CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}


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


def naive_consistency(first: int, start: int, end: int, whole: bool = True) -> list[bytes]:
    """SUBPROOF(first, D[start:end], whole) as RFC 6962, section 2.1.2, defines it; ``first`` counts from ``start``."""
    if first == end - start:
        return [] if whole else [naive_root(start, end)]
    split = 1
    while split * 2 < end - start:
        split *= 2
    if first <= split:
        return [*naive_consistency(first, start, start + split, whole), naive_root(start + split, end)]
    return [*naive_consistency(first - split, start + split, end, False), naive_root(start, start + split)]


def reference_node(level: int, number: int) -> bytes:
    return CompactRange().extend(b"".join(LEAVES[number << level : (number + 1) << level]))[0].root()


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_inclusion_paths_are_those_of_the_reference_vectors(index: int, size: int) -> None:
    path = inclusion_path(index, size, reference_node)
    assert [sibling.hex() for sibling in path] == PATHS[index, size]
    verify_inclusion(index, size, LEAVES[index], path, bytes.fromhex(ROOTS[size]))


def test_the_root_of_no_leaves_is_that_of_the_empty_tree() -> None:
    assert root_of_leaves(5, 5, perfect_node) == sha256(b"").digest()


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


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference_vectors(first: int, second: int) -> None:
    path = consistency_path(first, second, reference_node)
    assert [node.hex() for node in path] == CONSISTENCY[first, second]
    verify_consistency(first, second, bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second]), path)


def test_every_consistency_proof_of_every_small_tree_is_the_rfcs_and_verifies() -> None:
    for second in range(1, 130):
        for first in range(1, second + 1):
            path = consistency_path(first, second, perfect_node)
            assert path == naive_consistency(first, 0, second)
            verify_consistency(first, second, naive_root(0, first), naive_root(0, second), path)


_growths = st.integers(1, 5000).flatmap(lambda second: st.tuples(st.integers(1, second), st.just(second)))


@given(_growths)
def test_consistency_proofs_of_larger_trees_are_the_rfcs(growth: tuple[int, int]) -> None:
    first, second = growth
    path = consistency_path(first, second, perfect_node)
    assert path == naive_consistency(first, 0, second)
    verify_consistency(first, second, naive_root(0, first), naive_root(0, second), path)


@given(_growths)
def test_the_nodes_of_a_consistency_proof_are_those_that_are_read_to_make_it(growth: tuple[int, int]) -> None:
    read = []

    def node(level: int, number: int) -> bytes:
        read.append((level, number))
        return perfect_node(level, number)

    consistency_path(*growth, node)
    assert list(consistency_nodes(*growth)) == read
    assert len(read) <= 2 * growth[1].bit_length()


@given(_growths, st.randoms(use_true_random=False))
def test_a_consistency_proof_of_anything_else_is_refused(growth: tuple[int, int], rng: random.Random) -> None:
    first, second = growth
    path = naive_consistency(first, 0, second)
    old, new = naive_root(0, first), naive_root(0, second)
    stranger = sha256(b"stranger").digest()
    refused: list[tuple[int, int, bytes, bytes, list[bytes]]] = [
        (first, second, stranger, new, path),
        (first, second, old, stranger, path),
        (first, second, old, new, [*path, stranger]),
        (first, second, old, new, [*path, new]),
        (-1, second, old, new, path),
        (second + 1, second, old, new, path),
        (0, second, old, new, []),
    ]
    if path:
        place = rng.randrange(len(path))
        refused += [
            (first, second, old, new, [*path[:place], stranger, *path[place + 1 :]]),
            (first, second, old, new, path[:-1]),
            (first, second, old, new, path[1:]),
            (first, second, old, new, []),
            (first, second, new, old, path),
        ]
    for arguments in refused:
        with pytest.raises(VerificationError):
            verify_consistency(*arguments)


@given(st.integers(0, 5000))
def test_nothing_needs_to_be_proved_from_the_empty_tree_or_between_trees_of_one_size(size: int) -> None:
    root = naive_root(0, size)
    for first, old in ((0, EMPTY_ROOT), (size, root)):
        assert consistency_path(first, size, perfect_node) == []
        assert list(consistency_nodes(first, size)) == []
        verify_consistency(first, size, old, root, [])
        with pytest.raises(VerificationError, match="too long"):
            verify_consistency(first, size, old, root, [root])
        with pytest.raises(VerificationError):
            verify_consistency(first, size, bytes(32), root, [])


def test_a_consistency_proof_says_what_is_wrong_with_it() -> None:
    path, old, new = naive_consistency(3, 0, 7), naive_root(0, 3), naive_root(0, 7)
    for arguments, why in (
        ((3, 7, old, new, [*path, new]), "too long"),
        ((3, 7, old, new, path[:-1]), "too short"),
        ((3, 7, old, new, []), "too short"),
        ((3, 7, bytes(32), new, path), "the earlier root"),
        ((3, 7, old, bytes(32), path), "the later root"),
        ((3, 3, old, new, []), "different root hashes"),
        ((0, 7, old, new, []), "SHA-256 of the empty string"),
        ((0, 0, EMPTY_ROOT, new, []), "SHA-256 of the empty string"),
    ):
        with pytest.raises(VerificationError, match=why):
            verify_consistency(*arguments)


@pytest.mark.parametrize(("first", "second"), [(1, 0), (-1, 3), (-2, -1), (4, 3)])
def test_no_consistency_proof_is_made_to_a_smaller_tree(first: int, second: int) -> None:
    with pytest.raises(VerificationError, match="cannot extend"):
        consistency_path(first, second, perfect_node)
    with pytest.raises(VerificationError, match="cannot extend"):
        list(consistency_nodes(first, second))


def test_a_node_of_a_later_perfect_tree_is_the_hash_of_its_halves() -> None:
    assert consistency_path(4, 8, perfect_node) == [perfect_node(2, 1)]
    verify_consistency(
        4, 8, perfect_node(2, 0), node_hash(perfect_node(2, 0), perfect_node(2, 1)), [perfect_node(2, 1)]
    )


def test_the_nodes_of_proofs_in_a_tree_of_seven_are_those_of_the_rfcs_example() -> None:
    # RFC 9162, section 2.1.5: the proof of d0 is [b, h, l], from the tree of 3 it is [c, d, g, l].
    assert list(inclusion_nodes(0, 7)) == [(0, 1), (1, 1), (1, 2), (0, 6)]
    assert list(consistency_nodes(3, 7)) == [(0, 2), (0, 3), (1, 0), (1, 2), (0, 6)]
    assert list(consistency_nodes(0, 7)) == []


def test_no_leaf_is_proved_that_the_tree_does_not_have() -> None:
    for index, size in ((7, 7), (-1, 7), (0, 0)):
        with pytest.raises(VerificationError, match="no leaf"):
            verify_inclusion(index, size, leaf(0), [], bytes(32))


def test_between_trees_of_one_size_and_from_the_empty_tree_a_proof_is_empty() -> None:
    root = bytes.fromhex(ROOTS[7])
    for first, first_root in ((0, EMPTY_ROOT), (7, root)):
        verify_consistency(first, 7, first_root, root, [])
        with pytest.raises(VerificationError, match="too long"):
            verify_consistency(first, 7, first_root, root, [leaf(0)])
