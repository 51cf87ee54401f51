"""Threads for blocking calls, so that no call delays an unrelated one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

__all__ = ["Calls", "running_calls"]

T = TypeVar("T")


class Calls:
    """Executor of blocking calls: a thread for each call to a service, one thread for all calls to logs."""

    def __init__(self, logs: ThreadPoolExecutor) -> None:
        """Create it with the thread in which logs are called."""
        self._logs = logs

    async def log(self, call: Callable[[], T]) -> T:
        """Run a call to a log, after earlier calls."""
        return await asyncio.get_running_loop().run_in_executor(self._logs, call)

    async def service(self, call: Callable[[], T]) -> T:
        """Run a call to a service. If this is cancelled the call continues, and its result is discarded."""
        # Neither the loop's own threads, which a few hanging services would use up, nor any thread that has to end
        # before the process can.
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            result: Callable[[], None]
            try:
                result = partial(answer.set_result, call())
            except Exception as error:  # whatever it is, it is raised where the call is awaited
                result = partial(answer.set_exception, error)
            with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, result)

        def settle(result: Callable[[], None]) -> None:
            if not answer.cancelled():
                result()

        threading.Thread(target=run, name="service-call", daemon=True).start()
        return await answer


@contextlib.asynccontextmanager
async def running_calls() -> AsyncIterator[Calls]:
    """Run calls until the block ends; then wait for a call to a log in progress, but not for calls to services."""
    logs = ThreadPoolExecutor(max_workers=1, thread_name_prefix="attended-logs")
    try:
        yield Calls(logs)
    finally:
        # A call that nobody waits for any more, and that has not begun, never does: so this is behind one at most.
        await asyncio.get_running_loop().run_in_executor(logs, lambda: None)
        logs.shutdown(wait=False)
