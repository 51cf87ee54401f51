from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.query.steps import number_of_steps, step_for

TIMES = st.integers(-(1 << 62), (1 << 63) - 1)


@given(TIMES, TIMES, st.integers(2, 1000))
def test_the_step_is_the_shortest_that_covers_a_range_with_so_many(one: int, other: int, most: int) -> None:
    since, until = min(one, other), max(one, other) + 1
    step = step_for(since, until, most)
    begins = range(since // step * step, until, step)
    assert len(begins) == number_of_steps(since, until, step) <= most
    shorter = step_for(since, until, 10 * most)
    assert shorter <= step


def test_steps_are_those_that_people_know() -> None:
    hour = 3600 * 10**9
    assert step_for(0, 24 * hour, 24) == hour
    assert step_for(0, 24 * hour, 60) == hour // 2
    assert step_for(1, 24 * hour + 1, 24) == 2 * hour
    assert step_for(0, 1, 2) == 1
