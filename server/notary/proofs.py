"""Inclusion and consistency proofs of the Merkle tree of RFC 6962.

Proofs are made from the root hashes of *perfect subtrees*, given as (level, number): level 0 holds the
leaves; subtree n of level h covers the leaves [n << h, (n + 1) << h). Their hashes never change, so
that they can be stored (``log_tiles``). A proof's hash over leaves that do not form a perfect subtree is
computed from the perfect subtrees they consist of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from server.notary.errors import VerificationError
from server.notary.merkle import EMPTY_ROOT, node_hash

__all__ = [
    "consistency_nodes",
    "consistency_path",
    "inclusion_nodes",
    "inclusion_path",
    "perfect_subtrees",
    "root_of_leaves",
    "verify_consistency",
    "verify_inclusion",
]

_Range = tuple[int, int]


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the perfect subtrees that the leaves [start, end) consist of, the largest first.

    Args:
        start: the first leaf: a multiple of a power of two that is not below ``end - start``, or 0.
        end: the leaf after the last.
    """
    # Cutting off the largest power of two from the left gives aligned subtrees.
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def root_of_leaves(start: int, end: int, node: Callable[[int, int], bytes]) -> bytes:
    """Return MTH(D[start:end]) of RFC 6962, section 2.1, from the perfect subtrees it consists of.

    Args:
        start: as in ``perfect_subtrees``.
        end: as in ``perfect_subtrees``.
        node: returns the hash of perfect subtree (level, number).
    """
    hashes = [node(level, number) for level, number in perfect_subtrees(start, end)]
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def inclusion_nodes(index: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the perfect subtrees an inclusion proof is made of, as (level, number) pairs.

    Raises:
        VerificationError: a tree of ``size`` leaves has no leaf ``index``.
    """
    for start, end in _inclusion_ranges(index, size):
        yield from perfect_subtrees(start, end)


def inclusion_path(index: int, size: int, node: Callable[[int, int], bytes]) -> list[bytes]:
    """Return the audit path PATH(index, D[size]) of RFC 6962, section 2.1.1.

    Args:
        index: the leaf's index.
        size: the tree's size.
        node: returns the hash of perfect subtree (level, number).

    Raises:
        VerificationError: a tree of ``size`` leaves has no leaf ``index``.
    """
    return [root_of_leaves(*place, node) for place in _inclusion_ranges(index, size)]


def consistency_nodes(first: int, second: int) -> Iterator[tuple[int, int]]:
    """Yield the perfect subtrees a consistency proof is made of, as (level, number) pairs.

    Raises:
        VerificationError: a tree of ``second`` leaves cannot extend a tree of ``first`` leaves.
    """
    for start, end in _consistency_ranges(first, second):
        yield from perfect_subtrees(start, end)


def consistency_path(first: int, second: int, node: Callable[[int, int], bytes]) -> list[bytes]:
    """Return the consistency proof PROOF(first, D[second]) of RFC 6962, section 2.1.2.

    The proof is empty if there is nothing to prove: from the empty tree, and between trees of the same size.

    Args:
        first: the earlier tree's size.
        second: the later tree's size.
        node: returns the hash of perfect subtree (level, number).

    Raises:
        VerificationError: a tree of ``second`` leaves cannot extend a tree of ``first`` leaves.
    """
    return [root_of_leaves(*place, node) for place in _consistency_ranges(first, second)]


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Check an inclusion proof (RFC 9162, section 2.1.3.2).

    Args:
        index: the leaf's index.
        size: the tree's size.
        leaf: the leaf's hash.
        path: the audit path.
        root: the root hash that a checkpoint commits to.

    Raises:
        VerificationError: the leaf is not proved to be in the tree.
    """
    if not 0 <= index < size:
        raise VerificationError(f"no leaf {index} in a tree of {size}")
    position, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise VerificationError("the inclusion proof is too long")
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            result = node_hash(result, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise VerificationError("the inclusion proof is too short")
    if result != root:
        raise VerificationError("the inclusion proof does not lead to the root hash")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> None:
    """Check a consistency proof (RFC 9162, section 2.1.4.2).

    The RFC omits two cases in which there is nothing to prove. Here their path must be empty,
    and the roots must be equal for trees of the same size, and the SHA-256 of the empty string for the empty tree.

    Args:
        first: the earlier tree's size.
        second: the later tree's size.
        first_root: the earlier tree's root hash.
        second_root: the later tree's root hash.
        path: the proof.

    Raises:
        VerificationError: the later tree is not proved to begin with the earlier one.
    """
    _check_sizes(first, second)
    for size, root in ((first, first_root), (second, second_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise VerificationError("the root hash of an empty tree must be the SHA-256 of the empty string")
    if first in (0, second):
        if path:
            raise VerificationError("the consistency proof is too long")
        if first == second and first_root != second_root:
            raise VerificationError(f"two trees of {first} leaves have different root hashes")
        return
    _verify_growth(first, second, first_root, second_root, path)


def _verify_growth(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> None:
    # A first tree that is perfect is the proof's first hash, and so not sent.
    hashes = [first_root, *path] if first.bit_count() == 1 else list(path)
    if not path:
        raise VerificationError("the consistency proof is too short")
    position, last = first - 1, second - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise VerificationError("the consistency proof is too long")
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise VerificationError("the consistency proof is too short")
    if old != first_root:
        raise VerificationError("the consistency proof does not lead to the earlier root hash")
    if new != second_root:
        raise VerificationError("the consistency proof does not lead to the later root hash")


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    """Return the leaves under each hash of an inclusion proof, the leaf's neighbour first."""
    if not 0 <= index < size:
        raise VerificationError(f"no leaf {index} in a tree of {size}")
    ranges: list[_Range] = []
    start, end = 0, size
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    ranges.reverse()
    return ranges


def _consistency_ranges(first: int, second: int) -> list[_Range]:
    """Return the leaves under each hash of a consistency proof, in its order."""
    _check_sizes(first, second)
    if first == 0:
        return []
    ranges: list[_Range] = []
    start, end = 0, second
    while end != first:
        split = _split(start, end)
        if first <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    if start:  # else what is left is the first tree itself, whose root the verifier has
        ranges.append((start, end))
    ranges.reverse()
    return ranges


def _check_sizes(first: int, second: int) -> None:
    if not 0 <= first <= second:
        raise VerificationError(f"a tree of {second} leaves cannot extend a tree of {first}")


def _split(start: int, end: int) -> int:
    """Return where RFC 6962 divides a range: after the largest power of two that is less than its length."""
    return start + (1 << (end - start - 1).bit_length() - 1)
