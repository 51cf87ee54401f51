"""Writing batches, on both engines: each is stored once, and is known to be stored."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from server.notary.origin import Stream
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
from storage.evidence import read_fragments
from storage.rowbinary import read_rows, uint64
from storage.schema import MERGED_INDEXES, RECORD_TABLES
from storage.stored_records import read_records
from tests.codec.building import PretendedEngine
from tests.storage.committed import NOW, block, commit, empty_columns, grow, log, read_batches


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
