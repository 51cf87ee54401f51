"""Batches, their hashes and their records are read back as they were committed, on both engines."""

from __future__ import annotations

import dataclasses
from hashlib import sha256
from uuid import UUID

from server.notary.batch import TileFragment
from server.notary.merkle import split_hashes
from server.notary.origin import Stream
from storage.batch_lookup import read_added_leaves, read_batches_at_places, read_last_of_logs
from storage.commit import insert_batches, insert_records, insert_tiles
from storage.engine import Engine
from storage.evidence import (
    last_batch,
    read_batches_at,
    read_batches_of_leaves,
    read_batches_within,
    read_foreign_batches,
    read_fragments,
    read_tile_fragments,
)
from storage.inventory import read_batch_index, read_extents, read_tile_groups
from storage.record_groups import RecordGroup, RecordGroups, read_all_record_groups
from storage.stored_records import count_after, read_records, read_records_of_batch
from tests.storage.committed import NOW, block, commit, grow, log, read_batches


def test_a_batch_is_read_back_as_it_was_written(engine: Engine) -> None:
    first = grow(log(), 300)
    second = grow(first.state, 4)
    commit(engine, first)
    assert last_batch(engine, first.batch.log_id) == first.batch
    commit(engine, second)
    assert last_batch(engine, first.batch.log_id) == second.batch
    assert read_batches(engine, first.batch.log_id) == [first.batch, second.batch]


def test_a_log_without_batches_is_empty(engine: Engine) -> None:
    assert last_batch(engine, "0" * 16) is None
    assert read_batches(engine, "0" * 16) == []
    assert read_extents(engine) == []
    assert read_fragments(engine, "0" * 16, 0, 0) == []
    assert read_tile_fragments(engine, {"0" * 16: []}) == {"0" * 16: []}
    assert read_batches_of_leaves(engine, "0" * 16, []) == []


def test_batches_are_listed_and_read_by_their_places_and_twins_are_never_parted(engine: Engine) -> None:
    first = grow(log(), 1)
    second = grow(first.state, 1)
    third = grow(second.state, 1)
    for step in (third, second, first):
        commit(engine, step)
    twin = dataclasses.replace(second.batch, batch_id=UUID(int=9))
    insert_batches(engine, [twin])
    log_id = first.batch.log_id
    assert list(read_batch_index(engine, log_id).places()) == [(1, 1), (2, 2), (3, 3)]
    assert read_batches_at(engine, log_id, [(3, 3), (1, 1), (2, 3)]) == [first.batch, third.batch]
    assert read_batches_at(engine, log_id, []) == []
    for page in (read_batches_at(engine, log_id, [(2, 2)]), read_batches_within(engine, log_id, 1, 2)):
        assert {batch.batch_id for batch in page} == {second.batch.batch_id, twin.batch_id}
        assert len(page) == 2


def test_the_ends_of_many_logs_are_read_together(engine: Engine) -> None:
    ends = []
    for number in range(3):
        first = grow(log(writer=f"node-{number}"), 250)
        second = grow(first.state, 300 * number + 1)
        abandoned = grow(first.state, 20, ingested_at=NOW + 1)
        commit(engine, first)
        insert_tiles(engine, [abandoned.batch], [abandoned.fragments])  # of a batch that was never committed
        commit(engine, second)
        ends.append(second)
    ids = [end.batch.log_id for end in ends]
    last = read_last_of_logs(engine, [*ids, "0" * 16])
    assert last == {end.batch.log_id: end.batch for end in ends}
    assert last == {log_id: last_batch(engine, log_id) for log_id in ids}
    leaves = read_added_leaves(engine, last.values())
    for end in ends:
        fragments = [fragment.hashes for fragment in end.fragments if fragment.level == 0]
        assert leaves[end.batch.log_id] == b"".join(fragments)
    places = [(end.batch.log_id, end.batch.sequence, end.batch.tree_size) for end in ends]
    found = read_batches_at_places(engine, [*places, (ids[0], 1, 251), (ids[1], 2, 250)])
    assert {batch.batch_id for batch in found} == {end.batch.batch_id for end in ends}


def test_lists_of_batches_begin_and_end_at_numbers_of_entries(engine: Engine) -> None:
    first = grow(log(), 2, ingested_at=NOW)
    second = grow(first.state, 3, ingested_at=NOW + 1)
    for step in (first, second):
        commit(engine, step)
    log_id = first.batch.log_id
    assert list(read_batch_index(engine, log_id, after=2).places()) == [(2, 5)]
    assert list(read_batch_index(engine, log_id, end=2).places()) == [(1, 2)]
    (extent,) = read_extents(engine)
    assert (extent.log_id, extent.size, extent.records) == (log_id, 5, 5)
    groups = read_all_record_groups(engine, Stream.OPERATIONAL, 0)
    assert (sorted(group.count for group in groups.groups), groups.unlisted) == ([2, 3], 0)


def test_batches_are_found_by_their_leaves(engine: Engine) -> None:
    first = grow(log(), 3)
    second = grow(first.state, 4)
    third = grow(second.state, 2)
    for step in (first, second, third):
        commit(engine, step)
    log_id = first.batch.log_id
    assert read_batches_of_leaves(engine, log_id, [2]) == [first.batch]
    assert read_batches_of_leaves(engine, log_id, [3, 6]) == [second.batch]
    assert read_batches_of_leaves(engine, log_id, [8, 0]) == [first.batch, third.batch]
    assert read_batches_of_leaves(engine, log_id, [9]) == []


def test_logs_are_listed_once_and_kept_apart(engine: Engine) -> None:
    steps = [grow(log(stream, writer), 2) for stream in Stream for writer in ("a", "b")]
    for step in steps:
        commit(engine, step)
        commit(engine, grow(step.state, 1))
    assert sorted((extent.log_id, extent.origin) for extent in read_extents(engine)) == sorted(
        (step.batch.log_id, step.batch.origin) for step in steps
    )
    assert [batch.record_count for batch in read_batches(engine, steps[0].batch.log_id)] == [2, 1]


def test_batches_whose_id_and_origin_disagree_are_found(engine: Engine) -> None:
    first = grow(log(), 2)
    commit(engine, first)
    known = [first.batch.log_id]
    assert read_foreign_batches(engine, known, 10) == ([], 0)
    assert read_foreign_batches(engine, [], 10) == ([first.batch], 0)
    altered = dataclasses.replace(grow(log(), 2).batch, log_id="f" * 16, batch_id=UUID(int=3))
    insert_batches(engine, [altered])
    assert read_foreign_batches(engine, known, 10) == ([altered], 0)
    assert read_foreign_batches(engine, [], 1) == ([first.batch], 1)


def _place(brought: tuple[TileFragment, UUID]) -> tuple[int, int, int]:
    fragment, _ = brought
    return fragment.level, fragment.tile_index, fragment.offset


def test_fragments_are_read_back_with_the_batch_that_brought_them(engine: Engine) -> None:
    first = grow(log(), 250)
    second = grow(first.state, 300)
    for step in (first, second):
        commit(engine, step)
    log_id = first.batch.log_id
    brought = [(f, first.batch.batch_id) for f in first.fragments]
    brought += [(f, second.batch.batch_id) for f in second.fragments]
    brought.sort(key=_place)
    assert read_fragments(engine, log_id, 0, 550) == brought
    tiles = read_tile_fragments(engine, {log_id: [(0, 0), (1, 0), (0, 2)], "0" * 16: [(0, 0)]})
    assert sorted(tiles.pop(log_id), key=_place) == [
        pair for pair in brought if (pair[0].level, pair[0].tile_index) in {(0, 0), (1, 0), (0, 2)}
    ]
    assert tiles == {"0" * 16: []}
    leaves = b"".join(f.hashes for f, _ in read_fragments(engine, log_id, 0, 550) if f.level == 0)
    assert split_hashes(leaves) == [sha256(b"%d" % n).digest() for n in range(550)]
    assert (second.batch.batch_id, 512 // 256) in {
        (batch_id, f.tile_index) for f, batch_id in read_fragments(engine, log_id, 512, 550)
    }


def test_records_carry_their_log_batch_and_leaf(engine: Engine) -> None:
    first = grow(log(), 3)
    second = grow(first.state, 2)
    for step in (first, second):
        commit(engine, step)
    log_id = first.batch.log_id
    stored = list(read_records(engine, Stream.OPERATIONAL, log_id, 1, 4))
    assert [(r.log_id, r.batch_id, r.leaf_index, r.order_ok) for r in stored] == [
        (log_id, first.batch.batch_id, 1, True),
        (log_id, first.batch.batch_id, 2, True),
        (log_id, second.batch.batch_id, 3, True),
    ]
    of_batch = list(read_records_of_batch(engine, Stream.OPERATIONAL, log_id, second.batch.batch_id, 10))
    assert [record.leaf_index for record in of_batch] == [3, 4]
    assert sorted(read_all_record_groups(engine, Stream.OPERATIONAL, 100).groups, key=lambda group: group.min_leaf) == [
        RecordGroup(log_id, first.batch.batch_id, 3, 0, 2, NOW, 0, 0),
        RecordGroup(log_id, second.batch.batch_id, 2, 3, 4, NOW, 0, 0),
    ]
    assert read_all_record_groups(engine, Stream.AUDIT, 100) == RecordGroups([])


def test_hashes_are_counted_by_the_batch_they_name(engine: Engine) -> None:
    first = grow(log(), 300)
    second = grow(first.state, 2)
    for step in (first, second):
        commit(engine, step)
    groups = sorted(read_tile_groups(engine), key=lambda group: group.first_leaf)
    assert [(g.log_id, g.batch_id, g.count, g.first_leaf, g.last_leaf, g.sequences) for g in groups] == [
        (first.batch.log_id, first.batch.batch_id, 3, 0, 299, (1, 1)),
        (first.batch.log_id, second.batch.batch_id, 1, 300, 301, (2, 2)),
    ]


def test_rows_beyond_the_last_batch_are_counted(engine: Engine) -> None:
    first = grow(log(), 3)
    commit(engine, first)
    second = grow(first.state, 2)
    log_id, other = first.batch.log_id, grow(log(writer="other"), 5)
    commit(engine, other)
    sizes = {log_id: 3, other.batch.log_id: 5}
    assert count_after(engine, Stream.OPERATIONAL, sizes) == {}
    insert_records(engine, second.state.name.stream, [second.batch], block(second))
    assert count_after(engine, Stream.OPERATIONAL, sizes) == {log_id: 2}
    assert count_after(engine, Stream.OPERATIONAL, {**sizes, other.batch.log_id: 4}) == {
        log_id: 2,
        other.batch.log_id: 1,
    }
    assert count_after(engine, Stream.OPERATIONAL, {}) == {}
