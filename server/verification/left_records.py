"""Batches of which retention has dropped some records: what is left is proved by the stored hashes of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from server.notary.batch import Batch, TileFragment
from server.notary.diagnosis import Comparison, check_fragments, signed_leaves
from server.notary.leaf_rows import LeafHashes, LeafState
from server.notary.merkle import HASH_SIZE

__all__ = ["left_leaves", "unexpired_vacancies"]


def left_leaves(batch: Batch, hashes: LeafHashes, fragments: Iterable[TileFragment]) -> int:
    """Return the number of stored records of a batch if some are gone and the others are what was signed, else 0.

    Args:
        batch: the batch.
        hashes: the leaf hashes of the stored records.
        fragments: the tile fragments that the batch added.
    """
    first = batch.first_leaf - hashes.first_leaf
    states = hashes.states[first : first + batch.record_count]
    left = states.count(LeafState.HASHED)
    if not 0 < left < batch.record_count or left + states.count(LeafState.NONE) < batch.record_count:
        return 0
    fragments = list(fragments)
    signed = signed_leaves(batch, fragments)
    if signed is None or check_fragments(batch, signed, fragments) is not None:
        return 0
    expected = b"".join(leaf if state else bytes(HASH_SIZE) for leaf, state in zip(signed, states, strict=True))
    stored = hashes.hashes[first * HASH_SIZE : (first + batch.record_count) * HASH_SIZE]
    return left if stored == expected else 0


def unexpired_vacancies(comparison: Comparison) -> Mapping[int, bytes]:
    """Return the leaves of a batch that retention did not empty: others claim them, or their content is elsewhere."""
    signed_here = set(comparison.vacancies.values())
    claimed = {stray.leaf_index for stray in comparison.strays if stray.leaf_hash not in signed_here}
    moved = {stray.leaf_hash for stray in comparison.strays}
    return {leaf: signed for leaf, signed in comparison.vacancies.items() if leaf in claimed or signed in moved}
