"""Queries of callers: each takes its turn, and ends in storage too once its caller has gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from typing import TypeVar

from starlette.requests import Request

from server.api.backend import Backend
from server.api.callers import caller_of_request
from server.process.fair_queue import FairQueue
from server.process.pools import Pool
from storage.interrupt import Interrupt, InterruptedQueryError

__all__ = ["Queries", "has_gone"]

_Answer = TypeVar("_Answer")


class Queries:
    """Queries, which are answered in the threads of a pool; may be used from several event loops."""

    def __init__(self, backend: Backend, pool: Pool, queue: FairQueue) -> None:
        """Answer nothing yet.

        Args:
            backend: backend that answers.
            pool: pool whose threads wait for storage; it has more threads than the queue has places.
            queue: queue in which queries take turns.
        """
        self._backend = backend
        self._pool = pool
        self._queue = queue

    async def run(self, caller: str, work: Callable[[], _Answer]) -> _Answer:
        """Run a blocking query of a caller in a thread. If cancelled, it ends in storage too.

        Raises:
            QueueFullError: too many queries wait.
        """
        place = await self._queue.enter(caller)
        interrupt = Interrupt()
        has_begun = False

        def in_turn() -> _Answer:
            nonlocal has_begun
            has_begun = True
            try:
                return self._backend.interruptible(work, interrupt)
            finally:
                place.end()  # not before: the thread is taken until then

        try:
            return await self._pool.resume(in_turn)
        finally:
            interrupt.set()
            if not has_begun:
                place.end()

    async def run_until_gone(self, request: Request, work: Callable[[], _Answer]) -> _Answer:
        """Run a blocking query of an HTTP client, until it has gone away; arguments and errors as for ``run``."""
        answering = asyncio.ensure_future(self.run(caller_of_request(request), work))
        try:
            async with has_gone(request) as gone:
                await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise InterruptedQueryError("the client has gone")
            return await answering
        finally:
            answering.cancel()

    async def iterate(self, caller: str, steps: Generator[_Answer, None, None]) -> AsyncGenerator[_Answer, None]:
        """Yield the items of a blocking generator as ``Pool.iterate`` does, each made in a turn of its own."""
        async with contextlib.aclosing(self._pool.iterate(steps)) as made:
            while True:
                async with self._queue.place(caller, may_be_refused=False):
                    step = await anext(made, None)
                if step is None:
                    return
                yield step


@contextlib.asynccontextmanager
async def has_gone(request: Request) -> AsyncIterator[asyncio.Task[None]]:
    """Yield a task that ends if the client of a request goes away; only for requests whose body is not read."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    watching = asyncio.create_task(watch())
    try:
        yield watching
    finally:
        watching.cancel()
        await asyncio.wait((watching,))
