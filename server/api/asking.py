"""Queries of callers, run in turn. When a caller disconnects, its query is cancelled in storage too."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import TypeVar

from starlette.requests import Request

from server.api.backend import Backend
from server.api.callers import caller_of_request
from server.process.fair_queue import FairQueue, Place, QueueFullError
from server.process.pools import Pool
from storage.interrupt import Interrupt, InterruptedQueryError

__all__ = ["Queries", "has_gone"]

_Answer = TypeVar("_Answer")

# Answers in steps, such as exports: each may hold tens of MiB until its caller asks for the next step.
_MOST_IN_STEPS = 16
_MOST_OF_CALLER = 4


class Queries:
    """Runner of queries in the threads of a pool; may be used from several event loops."""

    def __init__(self, backend: Backend, pool: Pool, queue: FairQueue) -> None:
        """Make a runner without queries.

        Args:
            backend: backend that answers.
            pool: pool whose threads wait for storage; it has more threads than the queue has places, to close answers.
            queue: queue in which queries take turns.
        """
        self._backend = backend
        self._pool = pool
        self._queue = queue
        self._lock = threading.Lock()
        self._in_steps: Counter[str] = Counter()  # answers in steps, by caller

    async def run(self, caller: str, work: Callable[[], _Answer]) -> _Answer:
        """Run a blocking query of a caller in a thread; if the task is cancelled, so is the query in storage.

        Raises:
            QueueFullError: too many queries wait.
        """
        interrupt = Interrupt()
        try:
            place = await self._queue.enter(caller)
            return await self._pool.resume(lambda: self._backend.interruptible(work, interrupt), place)
        finally:
            interrupt.set()

    async def run_until_gone(self, request: Request, work: Callable[[], _Answer]) -> _Answer:
        """Run a blocking query until its HTTP client disconnects; arguments and errors as for ``run``."""
        return await _until_gone(request, self.run(caller_of_request(request), work))

    async def iterate(self, caller: str, steps: Generator[_Answer, None, None]) -> AsyncGenerator[_Answer, None]:
        """Yield the items of a blocking generator as ``Pool.iterate`` does; each item takes a turn in the queue.

        Raises:
            QueueFullError: too many queries wait, or too many answers in steps are in progress; no item was made.
        """
        may_be_refused = True

        async def enter() -> Place:
            nonlocal may_be_refused
            place = await self._queue.enter(caller, may_be_refused=may_be_refused)
            may_be_refused = False
            return place

        with self._one_in_steps(caller):
            async with contextlib.aclosing(self._pool.iterate(steps, enter)) as made:
                async for step in made:
                    yield step

    async def begin(
        self, request: Request, steps: Generator[_Answer, None, None]
    ) -> tuple[_Answer | None, AsyncGenerator[_Answer, None]]:
        """Return the first item of ``iterate`` for an HTTP client (None if there is none), and an iterator of the rest.

        Raises:
            InterruptedQueryError: the client has disconnected.
            QueueFullError: as for ``iterate``.
        """
        made = self.iterate(caller_of_request(request), steps)
        return await _until_gone(request, anext(made, None)), made

    @contextlib.contextmanager
    def _one_in_steps(self, caller: str) -> Iterator[None]:
        """Count an answer in steps of a caller while the block runs.

        Raises:
            QueueFullError: the caller, or the server, has as many as are allowed.
        """
        with self._lock:
            theirs = self._in_steps[caller]
            if theirs >= _MOST_OF_CALLER or self._in_steps.total() >= _MOST_IN_STEPS:
                whose = f"{theirs} for you" if theirs >= _MOST_OF_CALLER else f"{self._in_steps.total()} for all"
                raise QueueFullError(
                    f"too many exports and complete answers are in progress ({whose}): "
                    "try again when one of them has ended"
                )
            self._in_steps[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_steps[caller] -= 1
                if not self._in_steps[caller]:
                    del self._in_steps[caller]


async def _until_gone(request: Request, answer: Awaitable[_Answer]) -> _Answer:
    """Await an answer to an HTTP client; cancel it if the client disconnects.

    Raises:
        InterruptedQueryError: the client has disconnected.
    """
    answering = asyncio.ensure_future(answer)
    try:
        async with has_gone(request) as gone:
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise InterruptedQueryError("the client has gone")
        return await answering
    finally:
        answering.cancel()


@contextlib.asynccontextmanager
async def has_gone(request: Request) -> AsyncIterator[asyncio.Task[None]]:
    """Yield a task that ends when the client of a request disconnects; nothing may read the body meanwhile."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    watching = asyncio.create_task(watch())
    try:
        yield watching
    finally:
        watching.cancel()
        await asyncio.wait((watching,))
