"""The hashes of a log's tree, as its stored tiles have them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from server.notary.errors import VerificationError
from server.verification.tree import read_tree
from storage.engine import Engine
from storage.evidence import read_tile_fragments
from tests.api.growing import NAME, GrowingLog, delete
from tests.notary.trees import leaf, leaves

SIZES = (3, 120, 400, 1)  # a tile is begun by one batch and gone on with by others, and a batch is in two tiles
SIZE = sum(SIZES)


@pytest.fixture
def log(engine: Engine) -> GrowingLog:
    log = GrowingLog(engine)
    log.grow(*SIZES)
    return log


def read_leaves(log: GrowingLog, first: int = 0, anew: Mapping[tuple[int, int], bytes] | None = None) -> bytes:
    wanted = [(0, number) for number in range(first, SIZE)]
    tree = read_tree(log.engine, NAME.log_id, SIZE, wanted, anew=anew)
    return b"".join(tree.node(*node) for node in wanted)


def test_tiles_are_put_together_from_the_fragments_of_batches(log: GrowingLog) -> None:
    assert read_leaves(log) == leaves(0, SIZE)


def test_hashes_of_a_batch_that_was_never_committed_do_not_count(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3)
    log.append(bytes(32 * 300), commit=False)
    log.grow(*SIZES[1:])
    assert read_leaves(log) == leaves(0, SIZE)


def test_a_tile_ends_before_the_first_hash_that_is_missing(log: GrowingLog) -> None:
    delete(log.engine, "log_tiles", "Sequence = 2")
    tree = read_tree(log.engine, NAME.log_id, SIZE, [(0, 0), (0, SIZE - 1)])
    assert tree.node(0, 2) == leaf(2)
    with pytest.raises(VerificationError):
        tree.node(0, 3)
    with pytest.raises(VerificationError):
        tree.node(0, 200)  # it is stored, behind a gap
    assert tree.node(0, SIZE - 1) == leaf(SIZE - 1)


def test_hashes_that_were_found_anew_fill_a_gap(log: GrowingLog) -> None:
    delete(log.engine, "log_tiles", "Sequence = 2 AND Level = 0")
    assert read_leaves(log, anew={(0, number): leaf(number) for number in range(3, 123)}) == leaves(0, SIZE)


def test_a_fragment_that_is_too_long_is_left_out_and_not_read_whole(log: GrowingLog) -> None:
    log.engine.execute(
        "INSERT INTO log_tiles (LogId, Level, TileIndex, Offset, Hashes, BatchId, Sequence) "
        f"SELECT '{NAME.log_id}', 0, 0, 0, repeat('x', 1000000), generateUUIDv4(), 9"
    )
    fragments = read_tile_fragments(log.engine, {NAME.log_id: [(0, 0)]})[NAME.log_id]
    assert max(len(fragment.hashes) for fragment, _ in fragments) == 256 * 32 + 1
    assert read_leaves(log) == leaves(0, SIZE)


def test_a_fragment_that_no_batch_can_have_added_is_left_out(log: GrowingLog) -> None:
    log.engine.execute(
        "INSERT INTO log_tiles (LogId, Level, TileIndex, Offset, Hashes, BatchId, Sequence) "
        f"SELECT '{NAME.log_id}', 0, 0, 200, repeat('x', 32 * 100), generateUUIDv4(), 9"
    )
    assert read_leaves(log) == leaves(0, SIZE)
