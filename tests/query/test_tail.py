"""Tails, with both engines: each record once and in the order of its log, despite crashes; and missed leaves."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.log.journal import Journal
from server.notary.origin import Stream
from server.query import tail as tail_module
from server.query.batch_feed import BatchFeed
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from server.query.resolve import read_query
from server.query.tail import Tail
from server.query.tail_steps import Missed, MissedWhy, TailStep, Wanted
from server.verification.record_evidence import State
from storage.engine import Engine, EngineWrapper
from storage.errors import LimitExceededError
from tests.api.growing import delete
from tests.api.store import LOGS, START, Writer, audit_event, log_record, span
from tests.effort import effort
from tests.query.tailing import ALL, EVERYTHING, OPERATIONAL, Reader, leaves, missed


@pytest.fixture(scope="module")
def module_writer(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """A storage to which examples add."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 64 << 20)) as journal:
        yield Writer(module_engine, journal)


WRITE = st.tuples(st.just("write"), st.sampled_from(ALL), st.integers(1, 9), st.integers(0, 9))
STEP = st.sampled_from(["poll", "read", "kill"]).map(lambda name: (name, Stream.AUDIT, 0, 0))


@settings(max_examples=effort(20), suppress_health_check=list(HealthCheck))
@given(steps=st.lists(WRITE | STEP, min_size=4, max_size=16), kept=st.integers(1, 6), rows=st.integers(3, 6))
def test_each_record_is_read_once_in_the_order_of_its_log_over_any_kills(
    module_writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[str, Stream, int, int]],
    kept: int,
    rows: int,
) -> None:
    monkeypatch.setattr(tail_module, "_FIRST_ROWS", rows)
    monkeypatch.setattr(tail_module, "_MOST_ROWS", rows)
    monkeypatch.setattr(tail_module, "_MOST_LEAVES", 4)
    monkeypatch.setattr(tail_module, "_MOST_BYTES", 600)
    writer, wanted = module_writer, Wanted(read_query("yes"), ALL)
    reader = Reader(writer, wanted, kept=kept)
    positions = reader.tail.position().positions
    expected: defaultdict[str, list[int]] = defaultdict(list)
    sizes = {log_id: head.size for log_id, head in reader.feed.now().logs.items()}
    received: list[TailStep] = []
    for at, (what, stream, number, matching) in enumerate(steps):
        if what == "write":
            words = ["yes" if n < matching else "no" for n in range(number)]
            log_id, first = LOGS[stream].log_id, sizes.get(LOGS[stream].log_id, 0)
            expected[log_id] += [first + n for n, word in enumerate(words) if word == "yes"]
            sizes[log_id] = first + number
            if stream is Stream.SPANS:
                writer.write_spans([span(word) for word in words], received=START + at)
            elif stream is Stream.AUDIT:
                writer.write([audit_event(word) for word in words], received=START + at)
            else:
                writer.write([log_record(word) for word in words], received=START + at)
        elif what == "poll":
            reader.feed.poll()
        elif what == "read":
            received += (found := reader.tail.read() or [])
            positions = found[-1].positions if found else positions
        else:  # records that it had read and not sent are lost
            reader.tail.read()
            reader = Reader(writer, wanted, positions, kept=kept)
    received += reader.rest()
    assert leaves(received) == {log_id: found for log_id, found in expected.items() if found}
    assert all(evidence.state is State.VERIFIED for step in received for _, evidence in step.rows)
    assert not missed(received)
    assert reader.tail.position().behind == 0


def test_batches_of_several_logs_come_in_the_order_in_which_they_were_received(writer: Writer) -> None:
    reader = Reader(writer)
    cursor = reader.tail.position().positions
    order = [Stream.OPERATIONAL, Stream.AUDIT, Stream.OPERATIONAL, Stream.SPANS, Stream.AUDIT]
    for number, stream in enumerate(order):
        received = START + number * 1000
        if stream is Stream.SPANS:
            writer.write_spans([span("a")], received=received)
        else:
            writer.write([audit_event("a") if stream is Stream.AUDIT else log_record("a")], received=received)
    for one in (reader, Reader(writer, positions=cursor)):
        assert [row.stream for step in one.rest() for row, _ in step.rows] == order


def test_a_reader_that_falls_back_is_told_what_it_missed_and_goes_on(writer: Writer) -> None:
    reader = Reader(writer, Wanted(read_query(""), ALL, most_behind=5))
    writer.write([log_record("a"), log_record("b")])
    reader.feed.poll()
    assert reader.tail.read() == []  # planned
    writer.write([log_record(str(number)) for number in range(7)])
    writer.write([audit_event("login")])
    steps = reader.rest()
    assert leaves(steps) == {OPERATIONAL: [0, 1]}
    assert {(one.origin, one.first, one.end, one.why) for one in missed(steps)} == {
        (LOGS[Stream.OPERATIONAL].origin, 2, 9, MissedWhy.TOO_SLOW),
        (LOGS[Stream.AUDIT].origin, 0, 1, MissedWhy.TOO_SLOW),
    }
    writer.write([log_record("c")])
    assert leaves(reader.rest()) == {OPERATIONAL: [9]}


def test_a_burst_after_a_reader_was_up_to_date_is_read_whole(writer: Writer) -> None:
    reader = Reader(writer, Wanted(read_query(""), ALL, most_behind=5))
    for _ in range(2):
        writer.write([log_record(str(number)) for number in range(9)])
        steps = reader.rest()
        assert (len(leaves(steps)[OPERATIONAL]), missed(steps)) == (9, [])


def test_a_cursor_is_never_too_far_behind(writer: Writer) -> None:
    wanted = Wanted(read_query(""), ALL, most_behind=1)
    cursor = Reader(writer, wanted).tail.position().positions
    for _ in range(4):
        writer.write([log_record(str(number)) for number in range(3)])
    steps = Reader(writer, wanted, cursor).rest()
    assert (leaves(steps)[OPERATIONAL], missed(steps)) == (list(range(12)), [])


def test_records_that_are_not_stored_any_more_are_told(writer: Writer) -> None:
    cursor = Reader(writer).tail.position().positions
    writer.write([log_record(str(number)) for number in range(9)])
    writer.write([audit_event("login")])
    delete(writer.engine, "otel_logs", "LeafIndex IN (0, 1, 2, 5)")
    steps = Reader(writer, Wanted(read_query("3 OR 8 OR login"), ALL), cursor).rest()
    assert leaves(steps) == {OPERATIONAL: [3, 8], LOGS[Stream.AUDIT].log_id: [0]}
    origin = LOGS[Stream.OPERATIONAL].origin
    assert missed(steps) == [
        Missed(origin, 0, 3, MissedWhy.NOT_STORED),
        Missed(origin, 5, 6, MissedWhy.NOT_STORED),
    ]


def test_a_range_of_which_little_is_stored_is_read_as_far_as_it_is(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "_FIRST_LEAVES", 2)
    monkeypatch.setattr(tail_module, "_MOST_LEAVES", 2)
    cursor = Reader(writer).tail.position().positions
    writer.write([log_record(str(number)) for number in range(20)])
    delete(writer.engine, "otel_logs", "LeafIndex NOT IN (0, 9, 17)")
    steps = Reader(writer, positions=cursor).rest()
    assert leaves(steps) == {OPERATIONAL: [0, 9, 17]}
    assert sum(one.end - one.first for one in missed(steps)) == 17


def test_records_that_are_gone_before_a_tail_reads_them_are_told(writer: Writer) -> None:
    reader = Reader(writer)
    writer.write([log_record(str(number)) for number in range(4)])
    delete(writer.engine, "otel_logs", "LeafIndex = 2")
    steps = reader.rest()
    assert leaves(steps) == {OPERATIONAL: [0, 1, 3]}
    assert missed(steps) == [Missed(LOGS[Stream.OPERATIONAL].origin, 2, 3, MissedWhy.NOT_STORED)]


def test_a_step_that_takes_long_makes_the_next_ones_shorter(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "_FIRST_LEAVES", 8)
    feed = BatchFeed(writer.engine, lambda: writer.keys)
    feed.begin()
    clock = count(0, 2)
    tail = Tail(writer.engine, lambda: writer.keys, feed, EVERYTHING, None, QueryLimits(), lambda: next(clock))
    writer.write([log_record(str(number)) for number in range(16)])
    feed.poll()
    assert tail.read() == []  # planned
    found = [[row.leaf_index for step in tail.read() or () for row, _ in step.rows] for _ in range(3)]
    assert found == [list(range(8)), list(range(8, 12)), [12, 13]]


class SlowEngine(EngineWrapper):
    """An engine that reaches a limit if more than some leaves are read at a time."""

    most = 1

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> bytes:
        ranges = re.findall(r"LeafIndex >= (\d+) AND LeafIndex < (\d+)", select)
        if "Leaf" in select and sum(int(end) - int(first) for first, end in ranges) > self.most:
            raise LimitExceededError("too slow", settings="max_execution_time")
        return super().query(select, parameters, **options)


def test_a_step_that_costs_too_much_is_tried_again_with_fewer_leaves(writer: Writer) -> None:
    engine = SlowEngine(writer.engine)
    feed = BatchFeed(writer.engine, lambda: writer.keys)
    feed.begin()
    tail = Tail(engine, lambda: writer.keys, feed, EVERYTHING, None, QueryLimits())
    for _ in range(3):
        writer.write([log_record(str(number)) for number in range(5)])
    feed.poll()
    steps: list[TailStep] = []
    while (more := tail.read()) is not None:
        steps += more
    assert leaves(steps) == {OPERATIONAL: list(range(15))}
    assert not missed(steps)
    engine.most = 0
    writer.write([log_record("z")])
    feed.poll()
    with pytest.raises(QueryTooExpensiveError):
        deque(iter(tail.read, None), maxlen=0)
