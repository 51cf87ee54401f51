"""Requests are checked in order, and refused at once if their turn would come too late."""

from __future__ import annotations

import asyncio

import pytest

from server.audit_ids.check_queue import CheckQueue
from server.errors.ingest import OverloadedError


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Checks:
    """Checks that end when they are told to, and what became of each."""

    def __init__(self, places: int = 1, taken: float = 0.01) -> None:
        self.clock = Clock()
        self.queue = CheckQueue(places, self.clock, taken)
        self.began: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def start(self, name: str, size: int = 100, latest: float = 1010.0) -> asyncio.Task[None]:
        """Start a check, until it runs, waits or is refused."""
        self._ends[name] = asyncio.Event()

        async def check() -> None:
            async with self.queue.turn(size, latest):
                self.began.append(name)
                await self._ends[name].wait()

        task = asyncio.create_task(check())
        await settle()
        return task

    async def end(self, name: str, seconds: float = 1.0) -> None:
        """Let a check end, some time later."""
        self.clock.now += seconds
        self._ends[name].set()
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_checks_run_in_order_as_many_as_there_are_places() -> None:
    checks = Checks(places=2)
    tasks = [await checks.start(name) for name in "abcd"]
    assert checks.began == ["a", "b"]
    await checks.end("b")
    assert checks.began == ["a", "b", "c"]
    for name in "acd":
        await checks.end(name)
    assert checks.began == ["a", "b", "c", "d"]
    await asyncio.gather(*tasks)


async def test_a_request_whose_turn_would_come_too_late_is_refused_at_once() -> None:
    checks = Checks()
    first = await checks.start("first", size=600)  # 6 seconds
    second = await checks.start("second", size=300)
    third = await checks.start("third", size=200)  # would end after 11 seconds
    assert third.done()
    with pytest.raises(OverloadedError, match="too many audit records are waiting") as refused:
        await third
    assert 0.75 * 9 <= refused.value.retry_after <= 1.25 * 9
    fourth = await checks.start("fourth", size=50)
    assert not fourth.done()
    for name, seconds in (("first", 6), ("second", 3), ("fourth", 0.5)):
        await checks.end(name, seconds)
    await asyncio.gather(first, second, fourth)
    assert checks.began == ["first", "second", "fourth"]


async def test_a_request_that_need_not_wait_is_checked_however_large_it_is() -> None:
    checks = Checks()
    task = await checks.start("large", size=10**9)
    assert checks.began == ["large"]
    await checks.end("large")
    await task


async def test_those_that_wait_in_vain_are_refused_as_soon_as_that_is_known() -> None:
    checks = Checks(taken=0.0)
    first, second, third = [await checks.start(name) for name in ("first", "second", "third")]
    assert not third.done()
    await checks.end("first", 4)  # 25 bytes a second: the second one has time until 1010, the third has not
    assert [second.done(), third.done()] == [False, True]
    with pytest.raises(OverloadedError):
        await third
    await checks.end("second", 4)
    await asyncio.gather(first, second)


async def test_a_request_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    checks = Checks()
    first, second, third = [await checks.start(name) for name in ("first", "second", "third")]
    second.cancel()
    await settle()
    first.cancel()
    await settle()
    assert checks.began == ["first", "third"]
    await checks.end("third")
    await third


async def test_a_request_that_is_cancelled_just_when_its_turn_comes_leaves_its_place_too() -> None:
    checks = Checks()
    first, second, third = [await checks.start(name) for name in ("first", "second", "third")]
    first.cancel()
    second.cancel()
    await settle()
    assert checks.began == ["first", "third"]
    await checks.end("third")
    await third


async def test_a_request_that_still_waits_at_its_latest_time_is_refused() -> None:
    checks = Checks(taken=0.0)
    first = await checks.start("first")
    late = await checks.start("late", latest=checks.clock.now)
    with pytest.raises(OverloadedError):
        await late
    await checks.end("first")
    await first
