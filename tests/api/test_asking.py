"""Queries in turn: which callers may begin a query, and when the query's place is free again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Generator, Iterator

import pytest

from harness.waiting import until
from server.api.asking import Queries
from server.api.backend import Backend
from server.notary.trust import TrustedKeys
from server.process.fair_queue import FairQueue, QueueFullError
from server.process.pools import Pool
from storage.engine import Engine

PATIENCE = 20.0  # seconds before a test fails


@pytest.fixture
def pool() -> Iterator[Pool]:
    with contextlib.closing(Pool("query", 2)) as pool:
        yield pool


def queries_of(engine: Engine, pool: Pool, queue: FairQueue) -> Queries:
    return Queries(Backend(engine, TrustedKeys()), pool, queue)


def numbers() -> Generator[int, None, None]:
    yield from range(3)


async def test_an_answer_in_steps_is_refused_before_it_begins_if_the_queue_is_full(engine: Engine, pool: Pool) -> None:
    queue = FairQueue(1, patience=0)
    queries = queries_of(engine, pool, queue)
    place = await queue.enter("other")
    with pytest.raises(QueueFullError):
        await anext(queries.iterate("a", numbers()))
    place.end()
    begun = queries.iterate("a", numbers())
    assert await anext(begun) == 0
    place = await queue.enter("other")
    step = asyncio.ensure_future(anext(begun))
    await until(lambda: queue.waiting == 1)
    place.end()
    assert await step == 1
    await begun.aclose()
    assert (queue.running, queue.waiting) == (0, 0)


async def test_a_caller_and_all_together_have_a_bounded_number_of_answers_in_steps(engine: Engine, pool: Pool) -> None:
    queries = queries_of(engine, pool, FairQueue(2))
    begun: list[AsyncGenerator[int, None]] = []
    for caller in "aaaabbbbccccdddd":
        begun.append(queries.iterate(caller, numbers()))
        assert await anext(begun[-1]) == 0
        if len(begun) == 4:
            with pytest.raises(QueueFullError, match=r"\(4 for you\): try again when one of them has ended"):
                await anext(queries.iterate("a", numbers()))
    with pytest.raises(QueueFullError, match="16 for all"):
        await anext(queries.iterate("e", numbers()))
    await begun.pop().aclose()
    assert [number async for number in begun[0]] == [1, 2]
    begun += [queries.iterate("e", numbers()), queries.iterate("a", numbers())]
    assert [await anext(each) for each in begun[-2:]] == [0, 0]
    for each in begun:
        await each.aclose()


async def test_the_place_of_an_abandoned_step_is_free_once_its_thread_is_and_no_other_thread_waits(
    engine: Engine, pool: Pool
) -> None:
    making, go_on, closed_in = threading.Event(), threading.Event(), list[str]()

    def steps() -> Generator[int, None, None]:
        try:
            making.set()
            closed_in.append(threading.current_thread().name)
            go_on.wait(PATIENCE)
            yield 1
        finally:
            closed_in.append(threading.current_thread().name)

    queue = FairQueue(2)
    queries = queries_of(engine, pool, queue)
    asking = asyncio.ensure_future(anext(queries.iterate("a", steps())))
    await until(making.is_set)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert queue.running == 1
    # The other thread is free.
    assert await asyncio.wait_for(pool.run(lambda: "other"), PATIENCE) == "other"
    go_on.set()
    await until(lambda: not queue.running)
    assert len(closed_in) == 2
    assert closed_in[0] == closed_in[1]
