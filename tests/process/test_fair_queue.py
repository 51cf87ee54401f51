"""The queue in which callers take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.process.fair_queue import FairQueue, Place, QueueFullError


async def settle() -> None:
    """Let all tasks run as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


def enter(queue: FairQueue, *callers: str) -> list[asyncio.Task[Place]]:
    return [asyncio.create_task(queue.enter(caller), name=caller) for caller in callers]


async def served(tasks: Sequence[asyncio.Task[Place]]) -> list[str]:
    """End the places one after the other; return the callers in the order in which they got a place."""
    order: list[str] = []
    waiting = list(tasks)
    while waiting:
        await settle()
        done = [task for task in waiting if task.done()]
        assert done, "a place is free, and nobody got it"
        order += [task.get_name() for task in done]
        waiting = [task for task in waiting if task not in done]
        for task in done:
            task.result().end()
    return order


async def test_callers_get_places_in_turn() -> None:
    queue = FairQueue(1)
    assert await served(enter(queue, *"aaaabbc")) == list("aabcaba")  # the first runs before the others wait
    assert (queue.running, queue.waiting) == (0, 0)


async def test_a_caller_leaves_one_place_to_others() -> None:
    queue = FairQueue(3)
    busy = enter(queue, *"aaaaaa")
    await settle()
    assert queue.running == 2
    (other,) = enter(queue, "b")
    assert await other
    assert queue.running == 3
    busy[0].result().end()
    await settle()
    assert [task.done() for task in busy] == [True, True, True, False, False, False]
    other.result().end()
    assert await served(busy[1:]) == ["a"] * 5


async def test_who_has_fewer_places_is_served_first() -> None:
    queue = FairQueue(4)
    tasks = enter(queue, *"aaaaab")
    await settle()
    tasks += enter(queue, "b")  # a waits for longer
    await settle()
    tasks[0].result().end()
    await settle()
    assert [task.done() for task in tasks] == [True, True, True, False, False, True, True]
    for task in tasks:
        task.cancel()


async def test_a_full_queue_refuses_the_newest_call_of_who_waits_most() -> None:
    queue = FairQueue(1, waiting=3)
    tasks = enter(queue, *"aaaa")  # one runs, three wait
    await settle()
    (more,) = enter(queue, "a")
    with pytest.raises(QueueFullError, match="3 queries wait for the server already: try again later"):
        await more
    tasks += enter(queue, "b")
    await settle()
    with pytest.raises(QueueFullError):
        await tasks.pop(3)
    assert await served(tasks) == list("aaba")
    assert (queue.running, queue.waiting) == (0, 0)


async def test_a_call_that_waits_for_too_long_is_refused_and_leaves_the_queue() -> None:
    queue = FairQueue(1, patience=0)
    place = await queue.enter("a", may_be_refused=False)
    with pytest.raises(QueueFullError, match="try again later, or ask less"):
        await queue.enter("a")
    assert (queue.running, queue.waiting) == (1, 0)
    place.end()
    place.end()
    assert queue.running == 0


async def test_the_next_part_of_a_call_is_never_refused() -> None:
    queue = FairQueue(1, waiting=1, patience=0)
    place = await queue.enter("a", may_be_refused=False)
    parts = [asyncio.create_task(queue.enter("a", may_be_refused=False), name="a") for _ in range(3)]
    await settle()
    assert queue.waiting == 3
    place.end()
    assert await served(parts) == ["a"] * 3


async def test_parts_of_a_call_that_wait_are_not_refused_for_others_and_do_not_fill_the_queue() -> None:
    queue = FairQueue(1, waiting=1)
    place = await queue.enter("a")
    parts = [asyncio.create_task(queue.enter("a", may_be_refused=False), name="a") for _ in range(3)]
    (first,) = enter(queue, "a")
    await settle()
    (second,) = enter(queue, "b")
    with pytest.raises(QueueFullError):
        await second
    assert queue.waiting == 4
    place.end()
    assert await served([*parts, first]) == ["a"] * 4


async def test_the_newest_call_that_may_be_refused_is_refused_before_parts_that_are_newer() -> None:
    queue = FairQueue(1, waiting=2)
    place = await queue.enter("a")
    calls = enter(queue, "a", "a")
    await settle()
    parts = [asyncio.create_task(queue.enter("a", may_be_refused=False), name="a") for _ in range(2)]
    (other,) = enter(queue, "b")
    with pytest.raises(QueueFullError):
        await calls[1]
    place.end()
    assert sorted(await served([calls[0], *parts, other])) == list("aaab")


async def test_a_call_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    queue = FairQueue(1)
    tasks = enter(queue, *"abc")
    await settle()
    tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await tasks[1]
    tasks[0].result().end()
    tasks[2].cancel()  # the call has a place, and has not noticed yet
    with suppress(asyncio.CancelledError):
        await tasks[2]
    assert (queue.running, queue.waiting) == (0, 0)


@given(st.integers(1, 4), st.integers(1, 3), st.lists(st.sampled_from(["a", "b", "c", "end", "cancel"]), max_size=60))
def test_places_are_never_more_than_there_are_and_all_are_given_back(
    places: int, waiting: int, steps: list[str]
) -> None:
    async def run() -> None:
        queue = FairQueue(places, waiting=waiting)
        tasks: list[asyncio.Task[Place]] = []
        for step in steps:
            if step == "end":
                for place in _places(tasks[:1]):
                    place.end()
                    del tasks[0]
            elif step == "cancel" and tasks:
                tasks[-1].cancel()
            elif step != "cancel":
                tasks += enter(queue, step)
            await settle()
            assert queue.running <= places
            assert queue.waiting <= waiting
            tasks = [task for task in tasks if not (task.done() and (task.cancelled() or task.exception()))]
        while tasks:
            await settle()
            for place in _places(tasks):
                place.end()
            tasks = [task for task in tasks if not task.done()]
        assert (queue.running, queue.waiting) == (0, 0)

    asyncio.run(run())


def _places(tasks: Sequence[asyncio.Task[Place]]) -> Iterator[Place]:
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception() is None:
            yield task.result()
