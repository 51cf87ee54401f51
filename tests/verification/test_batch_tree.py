"""The tree of a batch: its own leaves and the edge before them prove all of its leaves, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.batch import Batch, LogState, notarize
from server.notary.errors import VerificationError
from server.notary.merkle import split_hashes
from server.notary.origin import LogName, Stream
from server.notary.proofs import inclusion_path, verify_inclusion
from server.notary.signers import Signer
from server.verification.batch_tree import BatchTree
from tests.notary.trees import leaf, leaves, perfect_node

SIGNER = Signer.generate()


def batch_of(first: int, end: int) -> Batch:
    """Return the batch with the leaves [first, end)."""
    state = LogState(LogName("shop", Stream.AUDIT, "node-1"))
    for start, stop in ((0, first), (first, end)):
        if start < stop:
            made = notarize(state, leaves(start, stop), SIGNER, min_timestamp=0, max_timestamp=0, ingested_at=0)
            state, batch = made.state, made.batch
    return batch


@given(first=st.integers(0, 1100), count=st.integers(1, 300))
def test_every_leaf_of_a_batch_is_proved_by_the_batch_alone(first: int, count: int) -> None:
    batch = batch_of(first, first + count)
    tree = BatchTree(batch, split_hashes(leaves(first, first + count)))
    for index in {first, first + count // 2, first + count - 1}:
        path = inclusion_path(index, batch.tree_size, tree.node)
        assert path == inclusion_path(index, batch.tree_size, perfect_node)
        verify_inclusion(index, batch.tree_size, leaf(index), path, batch.root_hash)


@pytest.mark.parametrize("place", [(0, 4), (1, 1), (0, 7), (3, 0), (9, 0)])
def test_it_has_no_subtrees_of_other_leaves(place: tuple[int, int]) -> None:
    tree = BatchTree(batch_of(5, 7), split_hashes(leaves(5, 7)))
    if place == (0, 4):  # the left neighbour of the first leaf is a node of the edge
        assert tree.node(*place) == leaf(4)
        return
    with pytest.raises(VerificationError, match=f"no hash at level {place[0]}, {place[1]}"):
        tree.node(*place)
