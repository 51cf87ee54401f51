"""Statements about many traces, leaves and the audit events of one actor are served by indexes, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from server.notary.origin import Stream
from storage.condition_algebra import all_of
from storage.conditions import Column, Condition, IntegerWithin, IsOneOf
from storage.engine import Engine, EngineWrapper
from storage.leaves import select_leaves
from storage.lookups import of_condition
from storage.overviews import overview_of, values_of
from storage.records import Lookup, Place
from storage.rowbinary import read_rows, text
from storage.traces import WITH_TRACE, latest_of_traces, traces_of, traces_until

TRACES = [f"{number:032x}" for number in range(200)]
PLACE = Place(Stream.AUDIT, 1, "log", 2, UUID(int=0), bytes(32))
ACTOR: Condition = IsOneOf(Column("ActorId"), ("alice",))


class Explained(EngineWrapper):
    """An engine that keeps how ClickHouse answers each statement."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.plans: list[str] = []

    def query(self, select: str, *arguments: object, **settings: object) -> bytes:
        plan = super().query(f"EXPLAIN indexes = 1 {select}", *arguments, **settings)  # type: ignore[arg-type]
        self.plans.append(" ".join(line.strip() for (line,) in read_rows(plan, (text,))))
        return super().query(select, *arguments, **settings)  # type: ignore[arg-type]


def _of(*conditions: Condition, stream: Stream = Stream.AUDIT) -> Lookup:
    return of_condition(stream, all_of(conditions), latest_first=True)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda engine: traces_of(engine, Stream.AUDIT, TRACES, 0, 1 << 60), "idx_trace_id"),
        (lambda engine: traces_of(engine, Stream.OPERATIONAL, TRACES, 0, 1 << 60), "idx_trace_id"),
        (
            lambda engine: latest_of_traces(engine, _of(ACTOR, WITH_TRACE), 5, None, only_fitting=False),
            "idx_actor",
        ),
        (
            lambda engine: traces_until(
                engine, _of(IsOneOf(Column("TraceId"), tuple(TRACES)), ACTOR), PLACE, only_fitting=False
            ),
            "idx_trace_id",
        ),
        (
            lambda engine: select_leaves(
                engine, _of(IsOneOf(Column("LogId"), ("x",)), IntegerWithin(Column("LeafIndex"), 5, 9)), 5
            ),
            "idx_leaf_index",
        ),
        (lambda engine: overview_of(engine, [_of(ACTOR)], {"action": "Action"}, "action", 5, 0, 1 << 60), "idx_actor"),
        (lambda engine: values_of(engine, _of(ACTOR), "ActorId", 5), "idx_actor"),
    ],
    ids=["audit", "logs", "latest", "until", "leaves", "overview", "values"],
)
def test_an_index_serves_the_statement(engine: Engine, ask: Callable[[Engine], object], index: str) -> None:
    engine.execute(
        "INSERT INTO audit_logs (Timestamp, TraceId, ActorId, LeafIndex) "
        "SELECT toDateTime64(number, 9), lower(hex(number)), 'bob', number FROM numbers(100)"
    )
    engine.execute(
        "INSERT INTO otel_logs (Timestamp, TraceId) "
        "SELECT toDateTime64(number, 9), lower(hex(number)) FROM numbers(100)"
    )
    explained = Explained(engine)
    ask(explained)
    assert [index in plan for plan in explained.plans] == [True]


@pytest.mark.parametrize("only_fitting", [True, False])
def test_the_latest_rows_of_traces_are_in_order_and_begin_after_a_place(engine: Engine, *, only_fitting: bool) -> None:
    engine.execute(
        "INSERT INTO audit_logs (Timestamp, TraceId, LogId, LeafIndex) "
        "SELECT fromUnixTimestamp64Nano(toInt64(number)), toString(number % 3), 'log', number FROM numbers(1, 9)"
    )
    lookup = of_condition(Stream.AUDIT, WITH_TRACE, latest_first=True)

    def latest(after: Place | None, limit: int) -> list[int]:
        return [row.timestamp for row in latest_of_traces(engine, lookup, limit, after, only_fitting=only_fitting)]

    place = Place(Stream.AUDIT, 4, "log", 4, UUID(int=0), bytes(32))
    if only_fitting:  # nobody signed these rows
        assert latest(None, 9) == []
        assert traces_until(engine, lookup, place, only_fitting=True) == set()
        return
    assert latest(None, 9) == [9, 8, 7]
    assert latest(None, 2) == [9, 8]
    assert latest(place, 9) == [3, 2, 1]
    assert traces_until(engine, lookup, place, only_fitting=False) == {"0", "1", "2"}
    last = Place(Stream.AUDIT, 8, "log", 8, UUID(int=0), bytes(32))
    assert traces_until(engine, lookup, last, only_fitting=False) == {"0", "2"}
    # Of the same leaf and time, the row of a later stream comes first.
    other = Place(Stream.OPERATIONAL, 8, "log", 8, UUID(int=0), bytes(32))
    assert latest(other, 1) == [8]
    assert traces_until(engine, lookup, other, only_fitting=False) == {"0"}
