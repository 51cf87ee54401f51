"""Gaps between statements, as storage finds them, compared with the definition in a few lines of Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.statement import StatementRow
from storage.engine import Engine
from storage.statement_gaps import FEWEST_HEARTBEATS, StatementGap, read_statement_gaps
from storage.statements import insert_statements

T0 = 1_790_000_000
NOW = T0 + 10_000


def row(log: str, number: int, at: int, kind: str = "heartbeat") -> StatementRow:
    return StatementRow(log, number, kind, 10 * number, T0 + at, f"{log}\nnote", b"")


def store(engine: Engine, *rows: StatementRow) -> None:
    engine.execute("TRUNCATE TABLE log_statements")
    if rows:
        insert_statements(engine, rows)


def found(
    engine: Engine, since: int = 0, until: int = 10_000, least: int | None = None, most: int = 100
) -> list[tuple[str, int, int | None]]:
    gaps = read_statement_gaps(engine, since=T0 + since, until=T0 + until, now=NOW, least=least, most=most)
    return [(gap.log_id, gap.since - T0, None if gap.until is None else gap.until - T0) for gap in gaps]


def beats(log: str, *times: int) -> list[StatementRow]:
    return [row(log, number, at) for number, at in enumerate(times, 1)]


def test_without_statements_there_are_no_gaps(engine: Engine) -> None:
    store(engine)
    assert found(engine) == []


def test_a_gap_has_the_statements_around_it_and_what_is_usual(engine: Engine) -> None:
    store(engine, *beats("a", *range(0, 3000, 600), *range(6000, 10_000, 600)))
    [gap] = read_statement_gaps(engine, since=T0, until=NOW, now=NOW, least=None, most=9)
    assert gap == StatementGap("a", T0 + 2400, 5, 50, T0 + 6000, 6, 60, 600)


def test_statements_that_follow_a_heartbeat_at_once_do_not_make_the_next_heartbeat_late(engine: Engine) -> None:
    rows: list[StatementRow] = []
    for turn in range(16):
        for kind, delay in (("heartbeat", 0), ("witnessed", 1), ("timestamped", 2)):
            rows.append(row("a", len(rows) + 1, 600 * turn + delay, kind))
    store(engine, *rows)
    assert found(engine) == []
    # Any statement shows that somebody signed.
    store(engine, *(one for one in rows if one.kind != "heartbeat" or not 3000 < one.signed_at - T0 < 7000))
    assert found(engine) == []


def test_each_log_has_gaps_of_its_own_and_one_may_last(engine: Engine) -> None:
    quick, slow = range(0, 10_000, 30), [0, 3000, 6000, 9000]
    late = [at for at in quick if not 1000 < at < 2000]
    store(engine, *beats("quick", *late), *beats("slow", *slow), *beats("ended", *range(0, 5000, 100)))
    assert found(engine) == [("ended", 4900, None), ("quick", 990, 2010)]
    assert found(engine, most=1) == [("ended", 4900, None)]


def test_a_pause_of_less_than_a_minute_is_no_gap_unless_it_is_asked_for(engine: Engine) -> None:
    times = [at for at in range(0, 10_000, 5) if not 500 < at < 555]
    store(engine, *beats("a", *times))
    assert found(engine) == []
    assert found(engine, least=30) == [("a", 500, 555)]


def test_what_is_usual_is_not_known_of_a_log_with_few_heartbeats(engine: Engine) -> None:
    store(engine, *beats("a", 0, 10), row("a", 3, 11, "keys"), row("b", 1, 9000), row("b", 2, 9000, "retention"))
    assert found(engine) == [("a", 11, None)], "half an hour is a gap, and what began just now is none"
    [gap] = read_statement_gaps(engine, since=T0, until=NOW, now=NOW, least=None, most=9)
    assert gap.usual == 0
    assert FEWEST_HEARTBEATS == 3


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (0, 10_000, True),
        (2500, 2600, True),
        (0, 2001, True),
        (0, 2000, False),
        (2999, 10_000, True),
        (3000, 10_000, False),
    ],
)
def test_a_gap_is_found_in_the_ranges_that_it_overlaps(engine: Engine, since: int, until: int, expected: bool) -> None:
    times = [*range(0, 2001, 100), *range(3000, 10_001, 100)]
    store(engine, *beats("a", *times))
    assert found(engine, since, until) == [("a", 2000, 3000)] * expected


@dataclass(frozen=True)
class Log:
    """Statements of a log: seconds from each to the next, and whether it is a heartbeat."""

    steps: Sequence[tuple[int, bool]]

    def rows(self, log: str) -> list[StatementRow]:
        at, made = 0, []
        for number, (step, is_heartbeat) in enumerate(self.steps, 1):
            at += step
            made.append(row(log, number, at, "heartbeat" if is_heartbeat else "witnessed"))
        return made


def expected(
    rows: Sequence[StatementRow], since: int, until: int, least: int | None
) -> set[tuple[str, int, int | None]]:
    times = [one.signed_at - T0 for one in rows]
    heartbeats = [one.signed_at - T0 for one in rows if one.kind == "heartbeat" and one.signed_at - T0 < until]
    distances = sorted(after - before for before, after in pairwise(heartbeats))
    usual = distances[len(distances) // 2] if len(heartbeats) >= 3 else None
    limit = least or (1800 if usual is None else max(60, 3 * usual))
    steps: list[tuple[int, int | None]] = [*pairwise(times), *((last, None) for last in times[-1:])]
    ends = [(begin, end, NOW - T0 if end is None else end) for begin, end in steps]
    return {
        (rows[0].log_id, begin, end)
        for begin, end, stop in ends
        if stop - begin > limit and begin < until and stop > since
    }


steps = st.tuples(st.sampled_from([0, 1, 20, 59, 60, 61, 300, 2000]), st.booleans())


@given(
    logs=st.lists(st.builds(Log, st.lists(steps, max_size=12)), max_size=3),
    since=st.integers(0, 5000),
    length=st.integers(1, 10_000),
    least=st.sampled_from([None, 1, 60, 500]),
)
def test_they_are_those_of_the_definition(
    module_engine: Engine, logs: list[Log], since: int, length: int, least: int | None
) -> None:
    rows = [log.rows(f"log-{number}") for number, log in enumerate(logs)]
    store(module_engine, *(one for of_log in rows for one in of_log))
    wanted = set[tuple[str, int, int | None]]().union(
        *(expected(of_log, since, since + length, least) for of_log in rows if of_log)
    )
    gaps = found(module_engine, since, since + length, least)
    assert set(gaps) == wanted
    assert len(gaps) == len(wanted)
    assert gaps == sorted(gaps, key=lambda gap: -gap[1])
