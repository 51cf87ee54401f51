"""Rebuilding altered rows of batches from what else is signed, so that their records can be checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from hashlib import sha256

import pytest

from server.notary.batch import Batch, LogState, notarize
from server.notary.checkpoint import Checkpoint
from server.notary.history import restore
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()


def grow(counts: list[int]) -> tuple[list[Batch], dict[int, CompactRange]]:
    """Return batches, and the compact ranges after them, by tree size."""
    state, batches, ranges = LogState(NAME), [], {}
    for count in counts:
        hashes = b"".join(sha256(b"%d" % (state.range.size + n)).digest() for n in range(count))
        step = notarize(state, hashes, SIGNER, min_timestamp=1, max_timestamp=2, ingested_at=3)
        state = step.state
        batches.append(step.batch)
        ranges[state.range.size] = state.range
    return batches, ranges


(FIRST, SECOND, THIRD, FOURTH), RANGES = grow([3, 4, 5, 6])


def altered(batch: Batch, **changes: object) -> Batch:
    return dataclasses.replace(batch, **changes)  # type: ignore[arg-type]


def signed(*pairs: tuple[Batch, Batch]) -> Mapping[Batch, Checkpoint]:
    """Return the checkpoints of rows: each with the batch whose checkpoint it bears."""
    return {row: Checkpoint(NAME.origin, batch.tree_size, batch.root_hash) for row, batch in pairs}


def stored_range(batch: Batch) -> CompactRange | None:
    """Return the range after a batch as its stored hashes give it."""
    return RANGES[batch.tree_size]


def no_range(_batch: Batch) -> None:
    """Stand for hashes that do not hold."""


def rebuild(
    broken: Collection[Batch],
    before: Batch | None,
    after: Batch | None,
    checkpoints: Mapping[Batch, Checkpoint],
    *,
    hashes: bool = True,
) -> dict[Batch, Batch]:
    return restore(broken, NAME, before, after, checkpoints, stored_range if hashes else no_range)


@pytest.mark.parametrize(
    "changes",
    [
        {"root_hash": bytes(32)},
        {"tree_size": 9, "record_count": 6},
        {"first_leaf": 2},
        {"sequence": 9},
        {"log_id": "0" * 16, "origin": "other"},
        {"canonical_version": 9},
    ],
)
def test_a_row_whose_checkpoint_is_good_is_rebuilt_from_it(changes: dict[str, object]) -> None:
    row = altered(SECOND, **changes)
    assert rebuild([row], FIRST, THIRD, signed((row, SECOND))) == {row: SECOND}


def test_the_first_row_of_a_log_goes_on_from_nothing() -> None:
    row = altered(FIRST, root_hash=bytes(32), frontier=bytes(32))
    assert rebuild([row], None, SECOND, signed((row, FIRST))) == {row: FIRST}


def test_rows_side_by_side_are_rebuilt_in_the_order_of_their_checkpoints() -> None:
    rows = [altered(batch, root_hash=bytes(32)) for batch in (THIRD, SECOND)]
    restored = rebuild(rows, FIRST, FOURTH, signed((rows[0], THIRD), (rows[1], SECOND)))
    assert list(restored.items()) == [(rows[1], SECOND), (rows[0], THIRD)]


def test_a_row_without_a_good_checkpoint_is_rebuilt_from_the_batch_after_it() -> None:
    row = altered(SECOND, checkpoint="nonsense", tree_size=99)
    restored = rebuild([row], FIRST, THIRD, {})
    assert restored == {row: altered(SECOND, checkpoint="nonsense")}


def test_a_frontier_that_was_altered_is_rebuilt_from_the_stored_hashes() -> None:
    row = altered(SECOND, frontier=bytes(64))
    assert rebuild([row], FIRST, THIRD, signed((row, SECOND))) == {row: SECOND}


def test_a_frontier_that_was_altered_with_the_stored_hashes_is_not_rebuilt() -> None:
    row = altered(SECOND, frontier=bytes(64))
    assert rebuild([row], FIRST, THIRD, signed((row, SECOND)), hashes=False) == {}


def test_a_row_that_nothing_signed_tells_the_end_of_is_not_rebuilt_nor_are_those_behind_it() -> None:
    row, behind = altered(SECOND, checkpoint="nonsense"), altered(THIRD, checkpoint="nonsense")
    assert rebuild([row], FIRST, None, {}) == {}
    assert rebuild([row, behind], FIRST, FOURTH, {}) == {}


def test_a_row_that_is_not_the_next_one_is_not_rebuilt() -> None:
    row = altered(THIRD, root_hash=bytes(32))
    assert rebuild([row], FIRST, FOURTH, signed((row, THIRD))) == {}


def test_a_checkpoint_of_a_tree_that_does_not_grow_rebuilds_nothing() -> None:
    row = altered(SECOND, root_hash=bytes(32))
    assert rebuild([row], FIRST, THIRD, signed((row, FIRST))) == {}
