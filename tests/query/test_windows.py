"""Windows of time of a search."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from server.query.windows import Window, Windows

MINUTE = 60 * 10**9
NOW = 1_790_000_000 * 10**9


def slow() -> Callable[[], float]:
    """Return a clock by which reading a window takes a second."""
    return map(float, count()).__next__


def quick() -> Callable[[], float]:
    """Return a clock by which reading a window takes a millisecond."""
    return (number / 1000 for number in count()).__next__


def windows(wanted: Windows, at: int | None = None, found: int = 0) -> list[Window]:
    growing = wanted.growing(at)
    taken = []
    while (window := growing.next(found, 100)) is not None:
        taken.append(window)
    return taken


def test_windows_without_rows_grow_until_the_last_one_has_all_that_is_left() -> None:
    taken = windows(Windows(NOW, latest_first=True, clock=slow()))
    assert taken[0] == Window(NOW - MINUTE, None)
    assert taken[1] == Window(NOW - 33 * MINUTE, NOW - MINUTE)
    assert taken[-1].first is None
    assert len(taken) < 9


def test_windows_of_the_other_order_go_on_in_time() -> None:
    taken = windows(Windows(NOW, latest_first=False, clock=slow()))
    assert taken[:2] == [Window(None, NOW + MINUTE), Window(NOW + MINUTE, NOW + 33 * MINUTE)]
    assert taken[-1].end is None


def test_a_range_of_time_ends_the_windows_with_one_that_has_the_rest() -> None:
    assert windows(Windows(NOW, latest_first=True, last=NOW - 2 * MINUTE)) == [
        Window(NOW - MINUTE, None),
        Window(None, NOW - MINUTE),
    ]
    assert windows(Windows(NOW, latest_first=True, last=NOW - MINUTE)) == [Window(None, None)]
    assert windows(Windows(NOW, latest_first=False, last=NOW + MINUTE)) == [Window(None, None)]


def test_windows_of_a_later_page_begin_at_its_first_row() -> None:
    assert windows(Windows(NOW, latest_first=True), NOW - MINUTE)[0] == Window(NOW - 2 * MINUTE, None)


def test_a_window_is_as_long_as_the_missing_rows_probably_take() -> None:
    growing = Windows(NOW, latest_first=True, clock=slow()).growing(None)
    growing.next(0, 100)
    assert growing.next(50, 100) == Window(NOW - 3 * MINUTE, NOW - MINUTE)
    assert growing.next(51, 100) == Window(NOW - 3 * MINUTE - 64 * MINUTE, NOW - 3 * MINUTE)


def test_windows_grow_faster_where_they_are_read_quickly() -> None:
    taken = windows(Windows(NOW, latest_first=True, clock=quick()))
    assert taken[1] == Window(NOW - 721 * MINUTE, NOW - MINUTE)
    assert len(taken) == 3
    growing = Windows(NOW, latest_first=True, clock=quick()).growing(None)
    growing.next(0, 100)
    assert growing.next(50, 100) == Window(NOW - 3 * MINUTE, NOW - MINUTE)


@given(
    st.integers(0, (1 << 63) - 1),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, (1 << 63) - 1)),
    st.lists(st.integers(0, 10), max_size=100),
    st.booleans(),
)
def test_windows_are_all_of_time_once(
    start: int, latest_first: bool, last: int | None, rows: list[int], from_page: bool
) -> None:
    wanted = Windows(NOW if from_page else start, latest_first, last)
    growing = wanted.growing(start if from_page else None)
    taken, found = [], 0
    while (window := growing.next(found, 10_000)) is not None:
        taken.append(window)
        found += rows.pop() if rows else 0
    if latest_first:
        taken.reverse()
    assert taken[0].first is None
    assert taken[-1].end is None
    assert [window.end for window in taken[:-1]] == [window.first for window in taken[1:]]
    ends = [window.end for window in taken[:-1]]
    assert ends == sorted(set(ends), key=lambda end: end or 0)
