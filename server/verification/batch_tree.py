"""The part of a log's tree that one batch determines: its leaves, and the subtrees that end in them."""

from __future__ import annotations

from collections.abc import Sequence

from server.notary.batch import Batch
from server.notary.errors import VerificationError
from server.notary.hashing import hash_pairs
from server.notary.merkle import HASH_SIZE, CompactRange

__all__ = ["BatchTree"]


class BatchTree:
    """The perfect subtrees from which inclusion proofs of a batch's leaves are made, in the tree that ends with it."""

    def __init__(self, batch: Batch, leaves: Sequence[bytes]) -> None:
        """Compute them from the batch's proved leaves, and from the right edge of the tree before them.

        Raises:
            MalformedError: a tree of this size cannot have the stored edge.
        """
        edge = list(CompactRange.from_bytes(batch.first_leaf, batch.frontier).nodes)
        before = batch.first_leaf  # subtrees of the present level that are complete before the batch
        nodes = b"".join(leaves)
        self._levels: list[tuple[int, bytes]] = []
        while nodes or before:
            # The left neighbour of a subtree that ends in the batch may end before it. Then it is a node of the edge.
            if before & 1:
                nodes = edge.pop() + nodes
            self._levels.append((before - (before & 1), nodes))
            nodes = hash_pairs(nodes[: len(nodes) // (2 * HASH_SIZE) * (2 * HASH_SIZE)])
            before >>= 1

    def node(self, level: int, number: int) -> bytes:
        """Return the root of a perfect subtree; args as for ``TreeHashes.node``.

        Raises:
            VerificationError: no proof of a leaf of the batch needs it.
        """
        first, nodes = self._levels[level] if level < len(self._levels) else (0, b"")
        place = HASH_SIZE * (number - first)
        if not 0 <= place < len(nodes):
            raise VerificationError(f"no hash at level {level}, {number}")
        return nodes[place : place + HASH_SIZE]
