"""Named thread pools: each kind of blocking work has threads of its own, so that no kind waits behind another.

The event loop's default executor takes no work at all (``refuse_default_executor``): whatever used it would share a few
threads with everything else that does.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from server.process.fair_queue import Place

__all__ = ["Pool", "PoolFullError", "Pools", "open_pools", "refuse_default_executor"]

_Result = TypeVar("_Result")

_INGEST_THREADS = 4
_API_THREADS = 8
_API_WAITING = 32
_API_PATIENCE = 10.0  # seconds
_HOUSEKEEPING_THREADS = 4


class PoolFullError(Exception):
    """A bounded pool has as much to do as it takes, or had it for too long; nothing was run."""


class Pool:
    """Threads for one kind of blocking work; may be used from several event loops.

    Work runs in a copy of the caller's context (contextvars), so it knows on whose behalf it runs.
    """

    def __init__(self, name: str, threads: int, *, waiting: int | None = None, patience: float | None = None) -> None:
        """Make a pool; its threads are started when they are needed.

        Args:
            name: prefix of the names of its threads.
            threads: maximum number of calls that run at the same time.
            waiting: maximum number of calls that wait for a thread, None for any number.
            patience: seconds that a call may wait for a thread, None for any time.
        """
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = None if waiting is None else threads + waiting
        self._patience = patience
        self._lock = threading.Lock()
        self._taken = 0  # pieces of work that run or wait

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Run work in a thread. If cancelled before it begins, it never runs; once begun, it runs to its end.

        Raises:
            PoolFullError: as many wait as may, or no thread was free for as long as a call may wait.
        """
        return await self._run(_in_context(copy_context(), work), self._most, self._patience)

    async def resume(self, work: Callable[[], _Result], place: Place | None = None) -> _Result:
        """Run a later part of admitted work: as ``run``, but never refused.

        Args:
            work: the work.
            place: a place, which is given back once its thread is free, or the work will never run.
        """
        return await self._run(_in_context(copy_context(), work), None, None, place)

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Run work in a thread; its future can be waited for in several event loops."""
        return self._executor.submit(work)

    async def iterate(
        self, steps: Generator[_Result, None, None], enter: Callable[[], Awaitable[Place]] | None = None
    ) -> AsyncGenerator[_Result, None]:
        """Yield the items of a blocking generator, each made in a thread, as work that was taken before.

        All items are made in one copy of the context in which the first one was asked for. If the iteration ends
        early, the generator is closed in a thread too, once that has finished the item it was making; this is not
        waited for.

        Args:
            steps: the generator.
            enter: function that waits for the place in which the next item is made; None for no places.
        """
        making = _Making(steps)
        advance = _in_context(copy_context(), making.advance)
        close = _in_context(copy_context(), steps.close)  # a thread may not have left the other context yet
        try:
            while True:
                place = await enter() if enter else None
                if (step := await self._run(advance, None, None, place)) is None:
                    return
                yield step
        finally:
            if making.leave():
                with contextlib.suppress(RuntimeError):  # the pool is closed: the process is ending
                    self._executor.submit(close)

    def close(self) -> None:
        """Accept no more work and drop work that has not begun; does not wait for running work."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self, work: Callable[[], _Result], most: int | None, patience: float | None, place: Place | None = None
    ) -> _Result:
        with self._lock:
            if most is not None and self._taken >= most:
                raise PoolFullError("the server has too many calls to answer already")
            self._taken += 1

        def release(_: Future[Any] | None = None) -> None:
            with self._lock:
                self._taken -= 1
            if place is not None:
                place.end()

        try:
            future = self._executor.submit(work)
        except BaseException:
            release()
            raise
        future.add_done_callback(release)
        result = asyncio.wrap_future(future)
        try:
            if patience is not None and not (await asyncio.wait((result,), timeout=patience))[0] and future.cancel():
                raise PoolFullError(f"the server was busy with other calls for {patience:.0f} s: try again later")
            return await result
        finally:
            result.cancel()


def _in_context(context: Context, work: Callable[[], _Result]) -> Callable[[], _Result]:
    return lambda: context.run(work)


class _Making(Generic[_Result]):
    """Items of a generator, made by one thread at a time, until the consumer ends; thread-safe."""

    def __init__(self, steps: Generator[_Result, None, None]) -> None:
        self._steps = steps
        self._lock = threading.Lock()
        self._is_running = False
        self._is_left = False

    def advance(self) -> _Result | None:
        """Return the next item, None after the last one; close the generator if the consumer has ended."""
        with self._lock:
            if self._is_left:
                return None
            self._is_running = True
        try:
            return next(self._steps, None)
        finally:
            with self._lock:
                self._is_running = False
                is_left = self._is_left
            if is_left:
                self._steps.close()

    def leave(self) -> bool:
        """End the consumer; return whether no thread is making an item, which would then close the generator."""
        with self._lock:
            self._is_left = True
            return not self._is_running


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of a process.

    Attributes:
        ingest: decompression and JSON of requests.
        api: calls of the API; bounded, since storage may keep them for long.
        lease: renewal of the writer's lease, which waits for nothing else.
        probe: the readiness probe of storage; a thread of its own.
        access: looks for changes of credentials, which must not wait for storage.
        files: files that may change while the process runs; a thread of its own, since others may wait for storage.
        housekeeping: start-up, heartbeats, changes of keys, waiting for threads to end.
    """

    ingest: Pool
    api: Pool
    lease: Pool
    probe: Pool
    access: Pool
    files: Pool
    housekeeping: Pool


@contextlib.contextmanager
def open_pools() -> Iterator[Pools]:
    """Make the pools of this process until the block ends, and have the event loop refuse all other threads."""
    refuse_default_executor()
    pools = Pools(
        ingest=Pool("ingest", _INGEST_THREADS),
        api=Pool("api", _API_THREADS, waiting=_API_WAITING, patience=_API_PATIENCE),
        lease=Pool("lease", 1),
        probe=Pool("probe", 1),
        access=Pool("access", 1),
        files=Pool("files", 1),
        housekeeping=Pool("housekeeping", _HOUSEKEEPING_THREADS),
    )
    try:
        yield pools
    finally:
        for pool in (pools.ingest, pools.api, pools.lease, pools.probe, pools.access, pools.files, pools.housekeeping):
            pool.close()


def refuse_default_executor() -> None:
    """Have the running event loop raise RuntimeError for work without a pool, such as ``asyncio.to_thread``."""
    asyncio.get_running_loop().set_default_executor(_RefusingExecutor(1))


class _RefusingExecutor(ThreadPoolExecutor):
    def submit(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("work for a thread needs a named pool: the event loop's default executor takes none")
