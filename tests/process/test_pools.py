"""Named thread pools, and an event loop that has no other threads."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import threading
from collections.abc import Generator
from contextvars import ContextVar, copy_context
from pathlib import Path

import pytest

from harness.waiting import until
from server.process.pools import Pool, PoolFullError, open_pools

ROOT = Path(__file__).parent.parent.parent

# What runs work in the event loop's default executor, or in threads that somebody else shares out.
ELSEWHERE = {"to_thread", "run_in_threadpool", "iterate_in_threadpool", "run_sync", "getaddrinfo", "getnameinfo"}


def without_a_pool(source: str) -> list[str]:
    """The names of the calls in a module that run blocking work in no pool of ours."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [(getattr(call.func, "attr", getattr(call.func, "id", "")), call) for call in calls]
    return [
        name
        for name, call in named
        if name in ELSEWHERE
        or (name == "run_in_executor" and isinstance(call.args[0], ast.Constant) and call.args[0].value is None)
    ]


def test_nothing_in_the_server_runs_in_threads_that_everything_shares() -> None:
    files = [*(ROOT / "server").rglob("*.py"), *(ROOT / "storage").rglob("*.py")]
    found = {str(file.relative_to(ROOT)): names for file in files if (names := without_a_pool(file.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "await asyncio.to_thread(work)",
        "await loop.run_in_executor(None, work)",
        "await anyio.to_thread.run_sync(work)",
        "await run_in_threadpool(work)",
    ],
)
def test_what_does_is_found(source: str) -> None:
    assert without_a_pool(f"async def run():\n    {source}")


async def test_a_process_with_pools_refuses_work_without_one() -> None:
    loop = asyncio.get_running_loop()
    with open_pools() as pools:
        with pytest.raises(RuntimeError, match="needs a named pool"):
            await asyncio.to_thread(threading.get_ident)
        with pytest.raises(RuntimeError, match="needs a named pool"):
            await loop.run_in_executor(None, threading.get_ident)
        for pool in (pools.ingest, pools.api, pools.lease, pools.probe, pools.housekeeping):
            assert await pool.run(threading.get_ident) != threading.get_ident()


async def test_pools_wait_for_none_of_the_others() -> None:
    free = threading.Event()
    with open_pools() as pools:
        hanging = [asyncio.create_task(pools.housekeeping.run(free.wait)) for _ in range(20)]
        hanging += [asyncio.create_task(pools.api.run(free.wait)) for _ in range(20)]
        await asyncio.gather(*(pool.run(lambda: None) for pool in (pools.ingest, pools.lease, pools.probe)))
        free.set()
        await asyncio.gather(*hanging)


async def test_a_full_pool_refuses_work_but_not_the_next_part_of_what_it_has_begun() -> None:
    pool, free = Pool("test", 1, waiting=1), threading.Event()
    taken = [asyncio.create_task(pool.run(free.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(PoolFullError):
        await pool.run(lambda: None)
    resumed = asyncio.create_task(pool.resume(lambda: "next"))
    free.set()
    assert await resumed == "next"
    await asyncio.gather(*taken)
    assert await pool.run(lambda: "free again") == "free again"


async def test_work_that_nobody_waits_for_any_more_never_begins_and_makes_room() -> None:
    pool, free = Pool("test", 1, waiting=1), threading.Event()
    begun: list[str] = []
    first = asyncio.create_task(pool.run(free.wait))
    gone = asyncio.create_task(pool.run(lambda: begun.append("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    after = asyncio.create_task(pool.run(lambda: begun.append("after")))
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(first, after)
    assert begun == ["after"]


async def test_errors_of_work_are_raised_where_it_is_awaited_and_leave_the_pool_free() -> None:
    pool = Pool("test", 1, waiting=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0)


async def test_a_generator_that_is_left_is_closed_in_a_thread_once_it_has_made_its_item() -> None:
    making, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    closed_by: list[str] = []

    def items() -> Generator[int, None, None]:
        try:
            yield 1
            making.set()
            go_on.wait()
            yield 2
        finally:
            closed_by.append(threading.current_thread().name)
            closed.set()

    async def read(pool: Pool) -> None:
        async with contextlib.aclosing(pool.iterate(items())) as each:
            async for _ in each:
                pass

    with open_pools() as pools:
        reading = asyncio.create_task(read(pools.api))
        await until(making.is_set)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not closed.is_set()
        go_on.set()
        await until(closed.is_set)
        assert closed_by[0].startswith("api")
        assert await pools.api.run(lambda: 7) == 7


async def test_a_generator_is_read_to_its_end_in_threads() -> None:
    with open_pools() as pools:
        names = [name async for name in pools.api.iterate(threading.current_thread().name for _ in range(3))]
    assert len(names) == 3
    assert all(name.startswith("api") for name in names)


async def test_a_call_waits_for_a_thread_only_as_long_as_it_may() -> None:
    pool = Pool("busy", 1, patience=0.01)
    release = threading.Event()
    began = threading.Event()

    def wait_for_release() -> bool:
        began.set()
        return release.wait()

    running = asyncio.create_task(pool.resume(wait_for_release))
    await until(began.is_set)
    with pytest.raises(PoolFullError, match="busy with other calls"):
        await pool.run(lambda: pytest.fail("it was given up"))
    release.set()
    assert await running
    assert await pool.run(lambda: "later") == "later"
    pool.close()


ON_BEHALF: ContextVar[str] = ContextVar("on_behalf", default="nobody")


async def test_work_runs_on_behalf_of_who_asked_for_it() -> None:
    pool = Pool("test", 1)
    with contextlib.closing(pool):
        assert await pool.run(ON_BEHALF.get) == "nobody"
        ON_BEHALF.set("alice")
        assert await pool.run(ON_BEHALF.get) == "alice"
        assert await pool.resume(ON_BEHALF.get) == "alice"
        await pool.run(lambda: ON_BEHALF.set("bob"))
        assert (ON_BEHALF.get(), await pool.run(ON_BEHALF.get)) == ("alice", "alice")


async def test_all_items_of_an_iteration_are_made_on_behalf_of_who_began_it() -> None:
    def steps() -> Generator[str, None, None]:
        yield ON_BEHALF.get()
        ON_BEHALF.set("a step")
        yield ON_BEHALF.get()
        yield ON_BEHALF.get()

    pool = Pool("test", 1)
    with contextlib.closing(pool):
        ON_BEHALF.set("alice")
        made = pool.iterate(steps())
        assert await anext(made) == "alice"
        ON_BEHALF.set("bob")
        others = copy_context()
        assert await asyncio.create_task(anext(made), context=others) == "a step"
        assert [each async for each in made] == ["a step"]
        assert await pool.run(ON_BEHALF.get) == "bob"
