"""The tree of a log as storage has it: hashes in ``log_tiles``, and those that records lead to."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from server.notary.batch import Batch, TileFragment
from server.notary.canonical import versions_of
from server.notary.chain import Gap, frontier_root
from server.notary.diagnosis import signed_leaves
from server.notary.hashing import hash_pairs
from server.notary.leaf_rows import LeafRange
from server.notary.merkle import CompactRange, split_hashes
from server.notary.origin import LogName
from server.verification.read_limits import ReadLimits
from server.verification.stored_leaves import hash_records
from storage.engine import Engine
from storage.errors import LongRowError
from storage.evidence import read_fragments

__all__ = ["StoredTree"]


class StoredTree:
    """Reader of the tree of one log. Its methods raise StorageError if storage cannot be read."""

    def __init__(self, engine: Engine, name: LogName, limits: ReadLimits, *, readable: bool) -> None:
        """Take a log.

        Args:
            engine: the storage.
            name: the log.
            limits: how much is read at once.
            readable: False if ``log_tiles`` cannot be read.
        """
        self._engine = engine
        self._name = name
        self._limits = limits
        self._readable = readable

    def fragments(self, first_leaf: int, end_leaf: int) -> dict[UUID, list[TileFragment]]:
        """Return the hashes that batches of a part of the log added, by batch ID; none if they cannot be read."""
        fragments: dict[UUID, list[TileFragment]] = {}
        if not self._readable:
            return fragments
        for fragment, batch_id in read_fragments(self._engine, self._name.log_id, first_leaf, end_leaf):
            fragments.setdefault(batch_id, []).append(fragment)
        return fragments

    def range_after(self, batch: Batch) -> CompactRange | None:
        """Return the compact range after a batch, from its stored hashes, if they are valid."""
        for fragments in self.fragments(batch.first_leaf, batch.tree_size).values():
            leaves = signed_leaves(batch, fragments)
            if leaves is not None:
                return CompactRange.from_bytes(batch.first_leaf, batch.frontier).extend(b"".join(leaves), hash_pairs)[0]
        return None

    def holds_all(self, gap: Gap) -> bool:
        """Return whether the records of missing batches are all stored, unchanged and once each."""
        possible = versions_of(self._name.stream)
        ends = (gap.before.canonical_version if gap.before else possible[0], gap.after.canonical_version)
        versions = [version for version in possible if min(ends) <= version <= max(ends)]
        alone = [[version] for version in versions]
        return any(self._holds_all(gap, some) for some in (alone if len(alone) == 1 else [*alone, versions]))

    def _holds_all(self, gap: Gap, versions: Sequence[int]) -> bool:
        tree = self.range_after(gap.before) if gap.before else CompactRange()
        for first in range(gap.first_leaf, gap.end_leaf, self._limits.hashed):
            leaf_hashes = self._leaves(first, min(first + self._limits.hashed, gap.end_leaf), versions)
            if tree is None or leaf_hashes is None:
                return False
            tree, _ = tree.extend(leaf_hashes, hash_pairs)
        return tree is not None and tree.root() == frontier_root(gap.after)

    def _leaves(self, first: int, end: int, versions: Sequence[int]) -> bytes | None:
        """Return the leaf hashes of the records [first, end), each in one of some versions; None if one cannot be read.

        Which version a record was signed in, its batch said. Without that, the tree's hashes tell it.
        """
        ranges = [LeafRange(end, None)]
        blocks = self._limits.blocks
        try:
            parts = [
                hash_records(self._engine, self._name, first, ranges, version, limits=blocks) for version in versions
            ]
        except LongRowError:
            return None
        if len(parts) == 1:
            return parts[0].of(first, end)
        fragments = [fragment for some in self.fragments(first, end).values() for fragment in some]
        told = {leaf for fragment in fragments if fragment.level == 0 for leaf in split_hashes(fragment.hashes)}
        leaves = []
        for place in range(first, end):
            forms = [form for part in parts if (form := part.of(place, place + 1)) is not None]
            leaves.append(next((form for form in forms if form in told), b""))
        return b"".join(leaves) if all(leaves) else None
