"""Times of receipt: they never go back."""

from __future__ import annotations

from server.pipeline.clock import Clock


def test_the_clock_never_goes_back() -> None:
    times = iter([100, 300, 200, 400])
    clock = Clock(lambda: next(times))
    assert [clock.now() for _ in range(4)] == [100, 300, 300, 400]


def test_the_clock_does_not_go_back_behind_what_is_stored() -> None:
    times = iter([100, 300])
    clock = Clock(lambda: next(times))
    clock.not_before(200)
    clock.not_before(150)
    assert [clock.now() for _ in range(2)] == [200, 300]
