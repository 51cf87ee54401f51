"""Reads of new batches, with both engines: their results, and the indexes that they use."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from server.log.journal import Journal
from server.notary.origin import Stream
from storage.conditions import ALWAYS
from storage.engine import Engine
from storage.lookups import of_condition
from storage.new_batches import (
    LeafRange,
    batch_ends,
    find_grown,
    next_leaf,
    read_batches_after,
    read_missing,
    read_ranges,
)
from tests.api.growing import GrowingLog, delete
from tests.api.store import LOGS, START, Writer, audit_event, log_record
from tests.storage.test_related import Explained

AUDIT, OPERATIONAL = (LOGS[stream].log_id for stream in (Stream.AUDIT, Stream.OPERATIONAL))
EVERYTHING = of_condition(Stream.OPERATIONAL, ALWAYS, latest_first=False)


@pytest.fixture
def writer(engine: Engine, journal: Journal) -> Writer:
    written = Writer(engine, journal)
    for number in range(3):
        written.write([log_record("a"), audit_event("b"), log_record("c")], received=START + number * 1000)
    return written


def test_batches_after_a_number_are_those_of_each_log(writer: Writer) -> None:
    found = read_batches_after(writer.engine, {AUDIT: (2, 2), OPERATIONAL: (1, 2), "none": (0, 0)}, 10)
    assert sorted((batch.log_id, batch.sequence) for batch in found) == sorted(
        [(AUDIT, 3), (OPERATIONAL, 2), (OPERATIONAL, 3)]
    )
    assert [batch.sequence for batch in read_batches_after(writer.engine, {OPERATIONAL: (0, 0)}, 2)] == [1, 2]
    assert [batch.sequence for batch in read_batches_after(writer.engine, {OPERATIONAL: (-1, 2)}, 2, 1)] == [3]
    assert read_batches_after(writer.engine, {}, 10) == []


def test_the_next_leaf_is_the_first_that_a_row_claims(writer: Writer) -> None:
    delete(writer.engine, "otel_logs", "LeafIndex IN (1, 2)")
    found = [next_leaf(writer.engine, Stream.OPERATIONAL, OPERATIONAL, first) for first in (0, 1, 2, 5, 6)]
    assert found == [0, 3, 3, 5, None]


def test_logs_that_grew_are_found_by_time_of_receipt(writer: Writer) -> None:
    assert find_grown(writer.engine, [], START) == {AUDIT: 3, OPERATIONAL: 6}
    assert find_grown(writer.engine, [AUDIT], START) == {OPERATIONAL: 6}
    assert find_grown(writer.engine, [], START + 10_000) == {}


def test_the_ends_of_batches_are_in_order(writer: Writer) -> None:
    assert [end for end, _ in batch_ends(writer.engine, OPERATIONAL, 0, 6, 10)] == [2, 4, 6]
    assert [end for end, _ in batch_ends(writer.engine, OPERATIONAL, 2, 5, 10)] == [4]
    assert [end for end, _ in batch_ends(writer.engine, OPERATIONAL, 0, 6, 1)] == [2]


def test_rows_of_ranges_are_read_in_order_and_after_a_row(writer: Writer) -> None:
    ranges = [LeafRange(OPERATIONAL, 0, 2), LeafRange(OPERATIONAL, 3, 6)]
    rows = read_ranges(writer.engine, EVERYTHING, ranges, 10)
    assert [row.leaf_index for row in rows] == [0, 1, 3, 4, 5]
    assert [row.leaf_index for row in read_ranges(writer.engine, EVERYTHING, ranges, 2, rows[1])] == [3, 4]


def test_leaves_that_no_row_claims_are_missing(writer: Writer) -> None:
    ranges = [LeafRange(OPERATIONAL, 0, 4), LeafRange(OPERATIONAL, 5, 6), LeafRange(AUDIT, 0, 2)]
    assert read_missing(writer.engine, Stream.OPERATIONAL, ranges[:2]) == []
    delete(writer.engine, "otel_logs", "LeafIndex IN (1, 2, 5)")
    assert read_missing(writer.engine, Stream.OPERATIONAL, ranges[:2]) == [
        LeafRange(OPERATIONAL, 1, 3),
        LeafRange(OPERATIONAL, 5, 6),
    ]
    assert read_missing(writer.engine, Stream.AUDIT, ranges[2:]) == []


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (
            lambda engine: read_batches_after(engine, {AUDIT: (2, 2), OPERATIONAL: (1, 2)}, 10),
            "PrimaryKey Keys: LogId Sequence",
        ),
        (lambda engine: read_batches_after(engine, {AUDIT: (-1, 2)}, 10), "idx_tree_size"),
        (lambda engine: find_grown(engine, [AUDIT], START), "idx_ingested_at"),
        (lambda engine: batch_ends(engine, OPERATIONAL, 3, 6, 10), "idx_tree_size"),
        (
            lambda engine: read_ranges(engine, EVERYTHING, [LeafRange(OPERATIONAL, 0, 2), LeafRange(AUDIT, 3, 6)], 10),
            "idx_leaf_index",
        ),
        (
            lambda engine: read_missing(engine, Stream.OPERATIONAL, [LeafRange(OPERATIONAL, 0, 2)]),
            "idx_leaf_index",
        ),
    ],
)
def test_each_read_uses_an_index(writer: Writer, ask: Callable[[Engine], object], index: str) -> None:
    explained = Explained(writer.engine)
    ask(explained)
    assert index in explained.plans[0]


def test_a_look_for_new_batches_reads_little_of_a_long_log(engine: Engine) -> None:
    log = GrowingLog(engine)
    engine.execute("SYSTEM STOP MERGES log_batches")
    log.grow(*[1] * 520)
    engine.execute("SYSTEM START MERGES log_batches")
    engine.execute("OPTIMIZE TABLE log_batches FINAL")
    explained = Explained(engine)
    found = read_batches_after(explained, {log.state.name.log_id: (518, 518)}, 10)
    assert [batch.sequence for batch in found] == [519, 520]
    assert re.search(r"PrimaryKey .*? Granules: 1/[2-9]", explained.plans[0])
