"""The adaptive window follows the speed of storage, and says when refused requests should be sent again."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission.window import AdaptiveWindow

MIB = 1 << 20


def window(most: int = 256 * MIB) -> AdaptiveWindow:
    return AdaptiveWindow(most, lambda low, high: (low + high) / 2)


def serve(
    window: AdaptiveWindow, bytes_a_second: float, seconds: float, *, overhead: float = 0.2, now: float = 0.0
) -> float:
    """Let a storage of some speed work on a full window for a while; how long the last request took."""
    until, took = now + seconds, 0.0
    while now < until:
        full = window.size
        took = overhead + full / bytes_a_second
        now += took
        for part in range(1, 11):
            window.on_ack(full // 10, full * part // 10, overhead + full * part / 10 / bytes_a_second, now)
    return took


@pytest.mark.parametrize("rate", [8 * MIB, 30 * MIB, 100 * MIB])
def test_a_full_window_goes_through_in_a_second_or_two(rate: float) -> None:
    assert 0.5 < serve(window(), rate, 60) < 2.5


@pytest.mark.parametrize("rate", [20 * MIB, 100 * MIB])
def test_the_window_follows_a_storage_that_becomes_slower_and_faster_again(rate: float) -> None:
    follows = window()
    serve(follows, rate, 30)
    assert serve(follows, rate / 2, 10) < 2.5
    serve(follows, rate / 10, 10)
    assert 0.5 < serve(follows, rate, 5) < 2.5


def test_the_window_is_never_more_than_there_is_memory_for() -> None:
    small = window(most=MIB)
    assert small.size == MIB
    serve(small, 1000 * MIB, 10)
    assert small.size == MIB


def test_a_window_that_is_not_used_does_not_grow_nor_shrink() -> None:
    idle = window()
    before = idle.size
    for now in range(100):
        idle.on_ack(1000, 10_000, 0.3, now)
    assert idle.size == before


def test_a_storage_that_takes_long_whatever_it_gets_still_gets_something() -> None:
    slow = window()
    for now in range(100):
        slow.on_ack(1000, slow.size, 5.0, now)
    assert slow.size >= MIB
    slow.on_timeout(1000)
    assert slow.size >= MIB


def test_senders_are_told_to_wait_as_long_as_those_take_that_came_before() -> None:
    busy = window()
    for now in range(1000):
        busy.on_ack(MIB, MIB, 0.5, now / 100)  # a hundred a second
    waits = [busy.retry_after(100, 10.0) for _ in range(1000)]
    assert waits[0] == pytest.approx(100 / 100, rel=0.2)
    assert waits[-1] == pytest.approx(1100 / 100, rel=0.2)
    assert waits == sorted(waits)


def test_a_burst_after_a_pause_is_not_told_to_wait_as_if_storage_were_slow() -> None:
    rested = window()
    waits = [rested.retry_after(45, 0.0) for _ in range(20)]
    assert max(waits) < 4


def test_while_storage_is_stuck_senders_are_told_to_wait_longer() -> None:
    stuck = window()
    stuck.on_timeout(1000)
    assert stuck.retry_after(25, 0.0) > 20
    stuck.on_ack(1000, 1000, 0.5, 0.0)
    assert stuck.retry_after(25, 0.0) < 4


def test_those_who_were_refused_long_ago_are_not_waited_for() -> None:
    busy = window()
    for _ in range(1000):
        busy.retry_after(1, 0.0)
    assert busy.retry_after(1, 60.0) < 5


def test_the_wait_of_those_who_were_refused_together_differs() -> None:
    different = AdaptiveWindow(MIB, random.Random(1).uniform)
    waits = [different.retry_after(10, 0.0) for _ in range(50)]
    assert len({round(wait, 2) for wait in waits}) > 25


@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(0, 10**9), st.floats(0, 100), st.floats(0, 1e6))))
def test_whatever_happens_waits_and_windows_stay_within_bounds(
    in_flight: int, through: list[tuple[int, float, float]]
) -> None:
    any_pace = AdaptiveWindow(64 * MIB, random.uniform)
    for size, seconds, now in through:
        any_pace.on_ack(size, size, seconds, now)
        wait = any_pace.retry_after(in_flight, now)
        assert 0.75 <= wait <= 37.5
        assert math.isfinite(wait)
        assert MIB <= any_pace.size <= 64 * MIB
