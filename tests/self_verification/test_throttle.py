from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.self_verification.throttle import Clock, Throttle, WorkStoppedError, clock_until


@dataclass
class Hours:
    """A clock that goes on when somebody works or waits."""

    time: float = 0.0
    waited: float = 0.0

    def work(self, seconds: float) -> None:
        self.time += seconds

    def wait(self, seconds: float) -> None:
        self.time += seconds
        self.waited += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.time, lambda: self.time, self.wait)


@given(spells=st.lists(st.floats(0, 100), max_size=30), share=st.floats(0.01, 1))
def test_work_never_takes_more_than_its_share_of_the_time_but_for_its_last_spell(
    spells: list[float], share: float
) -> None:
    hours = Hours()
    pace = Throttle(hours.clock(), share)
    for spell in spells:
        hours.work(spell)
        pace.rest()
    assert pace.busy <= share * hours.time + 1e-6
    assert sum(spells) - pace.busy < 0.02 + 1e-6


def test_a_long_wait_is_a_rest_too() -> None:
    hours = Hours()
    pace = Throttle(hours.clock(), 0.1)
    hours.work(1)
    pace.wait(100)
    pace.rest()
    assert (hours.waited, pace.busy) == (100, 1)


def test_items_are_handed_on_with_rests_between_them() -> None:
    hours = Hours()
    pace = Throttle(hours.clock(), 0.5)
    for _ in pace.slowly(range(4)):
        hours.work(1)
    assert hours.waited == 3  # the last rest is for whoever comes next


def test_the_clock_of_a_thread_stops_it_where_it_waits() -> None:
    stop = threading.Event()
    clock = clock_until(stop)
    clock.wait(0)
    stop.set()
    with pytest.raises(WorkStoppedError):
        clock.wait(1000)
