"""The expected duration of a commit: the mean of commits that are steady, and more if their durations vary."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.pipeline.commit_time import CommitTime


def after(*seconds: float) -> float:
    time = CommitTime()
    for each in seconds:
        time.add(each)
    return time.expected


def test_nothing_is_expected_before_the_first_commit() -> None:
    assert after() == 0


def test_steady_commits_are_expected_to_go_on_so_from_the_first_on() -> None:
    assert after(0.06) == 0.06
    assert after(*10 * [0.06]) == pytest.approx(0.06)


def test_commits_that_vary_are_expected_to_take_longer_than_most() -> None:
    assert after(*islice(cycle([0.05, 0.07, 0.05, 0.09]), 400)) > 0.08


def test_a_slow_commit_is_forgotten_after_some_fast_ones() -> None:
    assert after(5.0, *40 * [0.06]) < 0.07


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_no_less_than_the_fastest_is_expected(seconds: list[float]) -> None:
    assert after(*seconds) >= min(seconds) * (1 - 1e-9)
