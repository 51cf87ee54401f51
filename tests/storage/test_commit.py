"""Writing a batch and reading its evidence back, on both engines."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import pytest

from server.codec.encode_columns import encode_column
from server.notary.batch import Batch, LogState, NotarizedBatch, TileFragment, notarize
from server.notary.canonical import Kind, canonical_columns
from server.notary.merkle import split_hashes
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.batch_lookup import read_added_leaves, read_batches_at_places, read_last_of_logs
from storage.commit import (
    encode_records_block,
    insert_batches,
    insert_records,
    insert_tiles,
    pick_records,
    stored_batches,
)
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError
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
from storage.native import Block, Column, PlainColumn
from storage.record_groups import RecordGroup, RecordGroups, read_all_record_groups
from storage.rowbinary import read_rows, uint64
from storage.schema import MERGED_INDEXES, RECORD_TABLES
from storage.stored_records import count_after, read_records, read_records_of_batch
from tests.codec.building import PretendedEngine

SIGNER = Signer.generate()
NOW = 1_790_000_000 * 10**9


def log(stream: Stream = Stream.OPERATIONAL, writer: str = "node-1") -> LogState:
    return LogState(LogName("example.org", stream, writer))


def grow(state: LogState, count: int, ingested_at: int = NOW) -> NotarizedBatch:
    hashes = b"".join(sha256(b"%d" % (state.range.size + n)).digest() for n in range(count))
    return notarize(state, hashes, SIGNER, min_timestamp=-5, max_timestamp=2**63 - 1, ingested_at=ingested_at)


def empty(kind: Kind, count: int) -> Column:
    """Return a column of so many empty values."""
    values = {Kind.STRING: b"", Kind.WORD: b""}.get(kind, () if kind is Kind.MAP or kind.element else 0)
    return encode_column(kind, [values] * count)[0]


def empty_columns(stream: Stream, count: int, ingested_at: int = NOW) -> list[Column]:
    """Columns of records of which only IngestedAt is not empty."""
    return [
        PlainColumn(struct.pack("<q", ingested_at) * count)
        if column.name == "IngestedAt"
        else empty(column.kind, count)
        for column in canonical_columns(stream)
    ]


def block(step: NotarizedBatch, ingested_at: int = NOW) -> Block:
    batch, stream = step.batch, step.state.name.stream
    return encode_records_block(stream, [batch], [empty_columns(stream, batch.record_count, ingested_at)])


def commit(engine: Engine, step: NotarizedBatch) -> Batch:
    insert_records(engine, step.state.name.stream, [step.batch], block(step, step.batch.ingested_at))
    insert_tiles(engine, [step.batch], [step.fragments])
    insert_batches(engine, [step.batch])
    return step.batch


def read_batches(engine: Engine, log_id: str) -> list[Batch]:
    return read_batches_within(engine, log_id, 0, 10**9)


def count(engine: Engine, table: str) -> int:
    rows = engine.query(f"SELECT count() FROM {table}")
    return int(next(read_rows(rows, (uint64,)))[0])


@pytest.mark.parametrize("stream", Stream)
def test_a_batch_that_is_written_again_is_stored_once(engine: Engine, stream: Stream) -> None:
    step = grow(log(stream), 3)
    commit(engine, step)
    commit(engine, step)
    table = RECORD_TABLES[stream]
    assert (count(engine, table), count(engine, "log_tiles"), count(engine, "log_batches")) == (3, 1, 1)


def test_it_is_known_of_each_table_whether_it_has_a_batch(engine: Engine) -> None:
    step = grow(log(), 3)
    tables = ("otel_logs", "log_tiles", "log_batches")
    assert not any(stored_batches(engine, table, [step.batch]) for table in tables)
    commit(engine, step)
    assert all(stored_batches(engine, table, [step.batch]) for table in tables)
    following = grow(step.state, 1)
    assert not any(stored_batches(engine, table, [following.batch]) for table in tables)


def test_rows_that_were_lost_are_stored_under_a_renewed_token(engine: Engine) -> None:
    step = grow(log(), 3)
    commit(engine, step)
    engine.execute("TRUNCATE TABLE log_batches")
    insert_batches(engine, [step.batch], renewed=1)
    assert stored_batches(engine, "log_batches", [step.batch])


def test_another_batch_of_the_same_records_is_stored_too(engine: Engine) -> None:
    first = grow(log(), 3)
    commit(engine, first)
    commit(engine, grow(first.state, 3))
    assert (count(engine, "otel_logs"), count(engine, "log_tiles"), count(engine, "log_batches")) == (6, 2, 2)


def test_a_repeat_after_other_batches_is_still_stored_once(engine: Engine) -> None:
    first = grow(log(), 3)
    commit(engine, first)
    commit(engine, grow(first.state, 2))
    commit(engine, first)
    assert (count(engine, "otel_logs"), count(engine, "log_tiles"), count(engine, "log_batches")) == (5, 2, 2)


def test_rows_of_two_days_are_refused_whole(engine: Engine) -> None:
    step = grow(log(), 2)
    day = 86_400 * 10**9
    data = block(step)
    mixed = replace(data, data=data.data.replace(struct.pack("<q", NOW) * 2, struct.pack("<qq", NOW, NOW + day)))
    assert mixed != data
    with pytest.raises(NotAppliedError):
        insert_records(engine, step.state.name.stream, [step.batch], mixed)
    assert count(engine, "otel_logs") == 0


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


@pytest.mark.parametrize("stream", Stream)
def test_batches_of_many_logs_are_stored_together_and_read_back_one_by_one(engine: Engine, stream: Stream) -> None:
    before = [grow(log(stream, f"w{number}"), number) for number in range(1, 6)]
    steps = [grow(step.state, 7 - number) for number, step in enumerate(before)]
    for some in (before, steps):
        batches = [step.batch for step in some]
        # A log's records may come in several parts.
        parts = [empty_columns(stream, count) for batch in batches for count in (1, batch.record_count - 1) if count]
        together = encode_records_block(stream, batches, parts)
        for place, step in enumerate(some):
            assert pick_records(stream, batches, together, place) == block(step)
        for _ in range(2):
            insert_records(engine, stream, batches, together)
            insert_tiles(engine, batches, [step.fragments for step in some])
            insert_batches(engine, batches)
    for first, second in zip(before, steps, strict=True):
        log_id = first.batch.log_id
        assert read_batches(engine, log_id) == [first.batch, second.batch]
        stored = list(read_records(engine, stream, log_id, 0, 100))
        assert [record.leaf_index for record in stored] == list(range(second.batch.tree_size))
        assert [record.batch_id for record in stored] == (
            [first.batch.batch_id] * first.batch.record_count + [second.batch.batch_id] * second.batch.record_count
        )
        assert {batch_id for _, batch_id in read_fragments(engine, log_id, 0, second.batch.tree_size)} == {
            first.batch.batch_id,
            second.batch.batch_id,
        }


def test_of_many_batches_it_is_known_which_a_table_has(engine: Engine) -> None:
    steps = [grow(log(writer=f"w{number}"), 1) for number in range(1200)]
    some, batches = steps[::3], [step.batch for step in steps]
    insert_tiles(engine, [step.batch for step in some], [step.fragments for step in some])
    assert stored_batches(engine, "log_tiles", batches) == {step.batch.batch_id for step in some}
    assert stored_batches(engine, "log_batches", batches) == set()
    assert stored_batches(engine, "log_tiles", []) == set()


@pytest.mark.parametrize("answer", [b"Code: 241. DB::Exception: (total) memory limit exceeded", bytes(16), b"x"])
def test_an_answer_that_names_no_batch_that_was_asked_for_is_none(answer: bytes) -> None:
    class Wrong(PretendedEngine):
        def query(self, *_: object, **__: object) -> bytes:
            return answer

    with pytest.raises(OutcomeUnknownError, match="unexpected answer from storage when looking for batches"):
        stored_batches(Wrong(), "log_batches", [grow(log(), 1).batch])


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


def test_indexes_that_cost_much_are_made_when_parts_are_merged(engine: Engine) -> None:
    def index_bytes(*names: str) -> int:
        rows = engine.query(
            "SELECT sum(data_compressed_bytes) FROM system.data_skipping_indices "
            "WHERE database = currentDatabase() AND table = 'otel_logs' AND name IN {names:Array(String)}",
            {"names": list(names)},
        )
        [(size,)] = read_rows(rows, (uint64,))
        return int(size)

    first = grow(log(), 5)
    for step in (first, grow(first.state, 3)):
        commit(engine, step)
    assert index_bytes("idx_leaf_index") > 0
    assert index_bytes(*MERGED_INDEXES) == 0
    engine.execute("OPTIMIZE TABLE otel_logs FINAL")
    of_other_tables = {"idx_span_values", "idx_source", "idx_action"}
    assert all(index_bytes(name) > 0 for name in MERGED_INDEXES if name not in of_other_tables)
