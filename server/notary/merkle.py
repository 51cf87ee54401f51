"""The Merkle tree of RFC 6962: hashing and compact ranges. Proofs are in ``server.notary.proofs``.

A *compact range* is the right edge of a tree of n leaves: the root hashes of its perfect subtrees,
largest first, one for each bit set in n. Appending needs nothing else.

Leaf hashes of many entries are passed as one ``bytes`` of 32 bytes each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from server.notary.errors import MalformedError

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "TILE_HEIGHT",
    "CompactRange",
    "HashPairs",
    "check_hashes",
    "hash_pairs",
    "leaf_hash",
    "node_hash",
    "split_hashes",
]

HASH_SIZE = 32
TILE_HEIGHT = 8
"""A tile spans 8 levels of the tree: it holds 256 hashes (C2SP tlog-tiles)."""

EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves (RFC 6962, section 2.1)."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash a log entry: SHA-256(0x00 || entry) (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees: SHA-256(0x01 || left || right) (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def split_hashes(hashes: bytes) -> list[bytes]:
    """Split concatenated hashes.

    Raises:
        MalformedError: the length is not a multiple of 32.
    """
    check_hashes(hashes)
    return [hashes[i : i + HASH_SIZE] for i in range(0, len(hashes), HASH_SIZE)]


def check_hashes(hashes: bytes) -> None:
    """Check that the length of bytes is a whole number of hashes.

    Raises:
        MalformedError: the length is not a multiple of 32.
    """
    if len(hashes) % HASH_SIZE:
        raise MalformedError(f"{len(hashes)} bytes are not a whole number of {HASH_SIZE}-byte hashes")


HashPairs = Callable[[bytes], bytes]
"""Hashes neighbours to the nodes above them, as ``hash_pairs`` does."""


def hash_pairs(nodes: bytes) -> bytes:
    """Hash each pair of sibling nodes into their parent.

    Args:
        nodes: an even number of hashes, 32 bytes each.
    """
    single = split_hashes(nodes)
    return b"".join(map(node_hash, single[::2], single[1::2]))


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The right edge of a tree.

    Attributes:
        size: number of leaves.
        nodes: roots of the perfect subtrees, largest first, one for each bit set in ``size``.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.nodes) != self.size.bit_count():
            raise MalformedError(f"{len(self.nodes)} nodes cannot be the compact range of {self.size} leaves")
        if any(len(node) != HASH_SIZE for node in self.nodes):
            raise MalformedError("a node of the compact range is not 32 bytes long")

    @classmethod
    def from_bytes(cls, size: int, frontier: bytes) -> CompactRange:
        """Read a range as ``log_batches.Frontier`` stores it: its nodes, concatenated."""
        return cls(size, tuple(split_hashes(frontier)))

    def to_bytes(self) -> bytes:
        """Return the nodes concatenated, largest subtree first."""
        return b"".join(self.nodes)

    def extend(self, leaf_hashes: bytes, hash_pairs: HashPairs = hash_pairs) -> tuple[CompactRange, list[bytes]]:
        """Append leaves, given by their hashes.

        Args:
            leaf_hashes: 32 bytes each.
            hash_pairs: implementation of ``hash_pairs`` to use.

        Returns:
            The range after them, and the new hashes at each tile level (C2SP tlog-tiles):
            entry n holds the roots of the perfect subtrees of 256**n leaves that are now complete and
            were not before, 32 bytes each. They follow the ``size >> 8 * n`` existing ones.

        Raises:
            MalformedError: the length is not a multiple of 32.
        """
        # Hashed level by level and not leaf by leaf: one call a level.
        check_hashes(leaf_hashes)
        edge = list(self.nodes)
        size = self.size
        added = leaf_hashes
        tiles: list[bytes] = []
        new_edge: list[bytes] = []
        height = 0
        while added or size:
            if height % TILE_HEIGHT == 0 and added:
                tiles.append(added)
            nodes = edge.pop() + added if size & 1 else added
            pairs = len(nodes) // (2 * HASH_SIZE) * (2 * HASH_SIZE)
            if pairs < len(nodes):
                new_edge.append(nodes[pairs:])
            added = hash_pairs(nodes[:pairs])
            size >>= 1
            height += 1
        new_edge.reverse()
        return CompactRange(self.size + len(leaf_hashes) // HASH_SIZE, tuple(new_edge)), tiles

    def root(self) -> bytes:
        """Return the tree's root hash (RFC 6962, section 2.1)."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root
