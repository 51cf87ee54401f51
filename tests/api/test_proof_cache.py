"""The cache of tree nodes between proofs."""

from __future__ import annotations

from dataclasses import replace

from server.api.proof_cache import ProofCache
from server.notary.batch import LogState, notarize
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.verification.tree import TileNodes, TreeHashes
from tests.notary.trees import leaves, perfect_node

LOG, OTHER = "0" * 16, "1" * 16
BATCH = replace(
    notarize(
        LogState(LogName("shop", Stream.AUDIT, "a")),
        leaves(0, 3),
        Signer.generate(),
        min_timestamp=1,
        max_timestamp=2,
        ingested_at=3,
    ).batch,
    log_id=LOG,
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def tile(width: int) -> TileNodes:
    return TileNodes(leaves(0, width))


def test_a_tile_serves_who_needs_no_more_of_it_than_is_known() -> None:
    cache = ProofCache()
    cache.keep_tile(LOG, 0, 7, known := tile(5))
    assert cache.tile(LOG, 0, 7, 5) is known
    assert cache.tile(LOG, 0, 7, 1) is known
    assert cache.tile(LOG, 0, 7, 6) is None
    assert cache.tile(LOG, 0, 8, 1) is cache.tile(LOG, 1, 7, 1) is cache.tile(OTHER, 0, 7, 1) is None
    cache.keep_tile(LOG, 0, 7, wider := tile(6))
    assert cache.tile(LOG, 0, 7, 6) is wider


def test_the_tiles_that_were_used_last_are_kept() -> None:
    cache = ProofCache(capacity=3)
    for index in range(3):
        cache.keep_tile(LOG, 0, index, tile(1))
    assert cache.tile(LOG, 0, 0, 1)
    cache.keep_tile(LOG, 0, 3, tile(1))
    assert [index for index in range(4) if cache.tile(LOG, 0, index, 1)] == [0, 2, 3]


def test_a_latest_checkpoint_is_good_for_a_second() -> None:
    clock = Clock()
    cache = ProofCache(clock=clock)
    assert cache.latest(LOG) is None
    cache.keep_latest(BATCH)
    clock.now += 1.0
    assert cache.latest(LOG) is BATCH
    assert cache.latest(OTHER) is None
    clock.now += 0.1
    assert cache.latest(LOG) is None


def test_of_a_log_everything_is_forgotten_at_once() -> None:
    cache = ProofCache()
    cache.keep_latest(BATCH)
    for log in (LOG, OTHER):
        for index in range(3):
            cache.keep_tile(log, 1, index, tile(2))
    cache.forget(LOG)
    assert cache.latest(LOG) is None
    assert not any(cache.tile(LOG, 1, index, 1) for index in range(3))
    assert all(cache.tile(OTHER, 1, index, 1) for index in range(3))


def test_the_nodes_above_a_tiles_hashes_are_the_trees() -> None:
    for width in (0, 1, 2, 3, 8, 200, 255, 256):
        nodes = tile(width)
        tree = TreeHashes({(0, 0): nodes})
        assert nodes.width == width
        for height in range(8):
            for place in range(width >> height):
                assert nodes.node(height, place) == tree.node(height, place) == perfect_node(height, place)
            assert nodes.node(height, width >> height) is None
