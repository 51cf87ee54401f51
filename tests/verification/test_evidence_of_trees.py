"""Evidence of records from the stored hashes of the tree: big trees, cached tiles, hashes that are altered or gone."""

from __future__ import annotations

from hashlib import sha256

import pytest

from server.api.proof_cache import ProofCache
from server.notary.batch import LogState, notarize
from server.verification.proved_leaves import BatchLeaves
from server.verification.record_evidence import State, gather_evidence
from server.verification.tree import TileNodes
from storage.commit import insert_batches, insert_tiles
from storage.evidence import MOST_FRAGMENTS, read_tile_fragments
from tests.api.growing import update
from tests.api.store import START, Writer
from tests.verification.gathering import NAME, evidence, stored, write


def big_log(writer: Writer, size: int) -> LogState:
    """Begin a log with one batch of which only the hashes are stored; return where it stands."""
    hashes = b"".join(sha256(number.to_bytes(8, "big")).digest() for number in range(size))
    done = notarize(LogState(NAME), hashes, writer.signer, min_timestamp=START, max_timestamp=START, ingested_at=START)
    insert_tiles(writer.engine, [done.batch], [done.fragments])
    insert_batches(writer.engine, [done.batch])
    return done.state


@pytest.mark.parametrize("size", [255, 256, 65_535, 65_536, 65_537, 70_000])
def test_records_of_a_big_tree_are_verified(writer: Writer, size: int) -> None:
    state = big_log(writer, size)
    write(writer, 3, state)
    write(writer, 300)
    assert {item.state for item in evidence(writer)} == {State.VERIFIED}


def test_cached_tiles_that_do_not_lead_to_the_root_are_read_again(
    writer: Writer,
) -> None:
    write(writer, 2, big_log(writer, 65_536))
    cache = ProofCache()
    for _ in range(2):
        found = gather_evidence(writer.engine, writer.keys, stored(writer), rehash=True, cache=cache)
        assert [(item.state, item.tiles_altered) for item in found] == 2 * [(State.VERIFIED, False)]
    assert cache.tile(NAME.log_id, 2, 0, 1) is not None
    assert cache.tile(NAME.log_id, 0, 256, 1) is None
    cache = ProofCache()
    cache.keep_tile(NAME.log_id, 2, 0, TileNodes(bytes(32)))
    found = gather_evidence(writer.engine, writer.keys, stored(writer), rehash=True, cache=cache)
    assert [(item.state, item.tiles_altered) for item in found] == 2 * [(State.VERIFIED, False)]
    assert cache.tile(NAME.log_id, 2, 0, 1) is None


def test_a_tile_with_more_fragments_than_batches_can_add_is_not_read(writer: Writer) -> None:
    write(writer, 3)
    writer.engine.execute(
        f"INSERT INTO log_tiles SELECT '{NAME.log_id}', 0, 0, 0, repeat('x', 32), generateUUIDv4(), number, '' "
        f"FROM numbers({MOST_FRAGMENTS})"
    )
    found = evidence(writer)
    assert {(item.state, item.tiles_altered) for item in found} == {(State.VERIFIED, True)}
    fragments = read_tile_fragments(writer.engine, {NAME.log_id: [(0, 0)]})
    assert len(fragments[NAME.log_id]) == MOST_FRAGMENTS + 1


def test_cached_tiles_prove_no_record_that_was_changed(writer: Writer) -> None:
    write(writer, 2, big_log(writer, 65_536))
    cache = ProofCache()
    gather_evidence(writer.engine, writer.keys, stored(writer), rehash=True, cache=cache)
    update(writer.engine, "otel_logs", "Body = 'another'", "LeafIndex = 65537")
    found = gather_evidence(writer.engine, writer.keys, stored(writer), rehash=True, cache=cache)
    assert [item.state for item in found] == [State.VERIFIED, State.TAMPERED]


_NO_HASHES = (
    "ALTER TABLE log_tiles UPDATE Hashes = concat(unhex('00'), substring(Hashes, 2)) WHERE 1 "
    "SETTINGS mutations_sync = 2",
    "TRUNCATE TABLE log_tiles",
)


@pytest.mark.parametrize("change", _NO_HASHES)
def test_without_the_trees_hashes_records_are_proved_by_the_records_of_their_batch(writer: Writer, change: str) -> None:
    for count in (3, 300, 2):
        write(writer, count)
    writer.engine.execute(change)
    found = evidence(writer)
    assert {(item.state, item.tiles_altered) for item in found} == {(State.VERIFIED, True)}


def test_without_the_trees_hashes_a_changed_record_and_its_batch_cannot_be_proved(writer: Writer) -> None:
    for count in (3, 4):
        write(writer, count)
    writer.engine.execute("TRUNCATE TABLE log_tiles")
    update(writer.engine, "otel_logs", "Body = 'other'", "LeafIndex = 4")
    found = evidence(writer)
    assert [item.state for item in found] == 3 * [State.VERIFIED] + 4 * [State.TAMPERED]
    assert "log_tiles" in found[3].reason


@pytest.mark.parametrize("leaf", [0, 255, 256, 299, 303])
def test_an_altered_hash_of_the_tree_casts_no_doubt_on_records(writer: Writer, leaf: int) -> None:
    for count in (3, 300, 2):
        write(writer, count)
    spoil_leaf(writer, leaf)
    assert {item.state for item in evidence(writer)} == {State.VERIFIED}


def test_beside_altered_hashes_only_the_changed_records_are_tampered(writer: Writer) -> None:
    for count in (3, 20, 2):
        write(writer, count)
    for leaf in (5, 9):
        spoil_leaf(writer, leaf)
    update(writer.engine, "otel_logs", "Body = 'other'", "LeafIndex IN (7, 12)")
    writer.engine.execute("ALTER TABLE otel_logs DELETE WHERE LeafIndex = 14 SETTINGS mutations_sync = 2")
    states = {row.leaf_index: item.state for row, item in zip(stored(writer), evidence(writer), strict=True)}
    assert [leaf for leaf, state in states.items() if state is not State.VERIFIED] == [7, 12]
    assert len(states) == 24


def test_a_batch_that_is_too_big_is_not_read_to_prove_its_records(writer: Writer) -> None:
    batch = write(writer, 5)
    assert BatchLeaves(writer.engine, 4).of(batch) is None
    leaves = BatchLeaves(writer.engine, 9)
    first = leaves.of(batch)
    assert first is not None
    assert len(first) == 5
    assert leaves.of(batch) is first
    assert leaves.of(write(writer, 5)) is None


def spoil_leaf(writer: Writer, leaf: int) -> None:
    """Change the stored hash of one leaf."""
    place = f"32 * ({leaf} % 256 - Offset)"
    update(
        writer.engine,
        "log_tiles",
        f"Hashes = concat(substring(Hashes, 1, {place}), unhex(repeat('5a', 32)), substring(Hashes, {place} + 33))",
        f"Level = 0 AND TileIndex = intDiv({leaf}, 256) AND Offset <= {leaf} % 256 "
        f"AND {leaf} % 256 < Offset + length(Hashes) / 32",
    )
