"""Proofs that leaves are what was signed at their places, from the tree's tiles or from all leaves of a batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from server.notary.batch import Batch
from server.notary.errors import VerificationError
from server.notary.proofs import inclusion_nodes, inclusion_path, verify_inclusion
from server.verification.batch_tree import BatchTree
from server.verification.proved_leaves import BatchLeaves
from server.verification.tree import TileCache, TreeHashes, read_trees
from storage.engine import Engine

__all__ = ["LeafProof", "LeafProver"]


@dataclass(frozen=True, slots=True)
class LeafProof:
    """Result of proving a leaf.

    Attributes:
        problem: reason why the leaf cannot be verified; empty if it can.
        tiles_altered: True if hashes in the tiles were altered.
        path: audit path of the leaf that was signed at the place, which leads to the batch's root hash; None if it is
            not known.
    """

    problem: str
    tiles_altered: bool
    path: tuple[bytes, ...] | None = None


class LeafProver:
    """The tree hashes of logs that are needed to verify some leaves."""

    def __init__(
        self, engine: Engine, needed: Mapping[str, Collection[tuple[int, int]]], cache: TileCache | None
    ) -> None:
        """Read the hashes.

        Args:
            engine: the storage.
            needed: (leaf, size of a tree) pairs of the proofs that are needed, by LogId.
            cache: as for ``read_trees``.

        Raises:
            StorageError: storage cannot be read.
        """
        self._engine = engine
        nodes = {
            log_id: {node for leaf, size in proofs for node in [(0, leaf), *inclusion_nodes(leaf, size)]}
            for log_id, proofs in needed.items()
        }
        sizes = {log_id: max(size for _, size in proofs) for log_id, proofs in needed.items()}
        self._needed = {log_id: (size, nodes[log_id]) for log_id, size in sizes.items()}
        self._cache = cache
        self._trees = read_trees(engine, self._needed, cache)
        self._from_cache = set(self._trees) if cache is not None else set()
        self._leaves = BatchLeaves(engine)
        self._computed: dict[tuple[str, int, bytes], BatchTree] = {}

    def prove(self, index: int, leaf: bytes, batch: Batch) -> LeafProof:
        """Verify that a leaf hash is at a place in a batch whose row was checked.

        Raises:
            StorageError: storage cannot be read.
        """
        wrong = f"content does not match what was signed as record {index} of {batch.origin}"
        try:
            signed, path = self._signed(index, batch)
        except VerificationError as error:
            tree = self._batch_tree(batch)
            if tree is not None:
                signed, path = _proved(index, batch, tree.node)
                return LeafProof("" if signed == leaf else wrong, True, path)
            return LeafProof(
                f"the record cannot be proved: hashes of the tree in log_tiles were altered or are missing ({error}), "
                "and the records of its batch do not lead to its signed root hash",
                True,
            )
        return LeafProof("" if leaf == signed else wrong, False, path)

    def _signed(self, index: int, batch: Batch) -> tuple[bytes, tuple[bytes, ...]]:
        """Return the leaf hash that was signed at a place, and its path; raises VerificationError."""
        tree = self._trees.get(batch.log_id, TreeHashes({}))
        try:
            return _proved(index, batch, tree.node)
        except VerificationError:
            if self._cache is None or batch.log_id not in self._from_cache:
                raise
            self._cache.forget(batch.log_id)
            self._from_cache.discard(batch.log_id)
            self._trees |= read_trees(self._engine, {batch.log_id: self._needed[batch.log_id]})
            return self._signed(index, batch)

    def _batch_tree(self, batch: Batch) -> BatchTree | None:
        """Return the tree of a batch whose leaves can be proved without the tiles; None if they cannot."""
        leaves = self._leaves.of(batch)
        if leaves is None:
            return None
        key = batch.log_id, batch.tree_size, batch.root_hash
        if key not in self._computed:
            self._computed[key] = BatchTree(batch, leaves)
        return self._computed[key]


def _proved(index: int, batch: Batch, node: Callable[[int, int], bytes]) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the leaf hash at a place, and its audit path, verified; raises VerificationError."""
    signed, path = node(0, index), tuple(inclusion_path(index, batch.tree_size, node))
    verify_inclusion(index, batch.tree_size, signed, path, batch.root_hash)
    return signed, path
