"""Threads and an event loop that go on only when they are told to, so that what several do has one order.

A worker is a thread that runs while its starter waits. Where the real one would wait, for storage or for time, it
parks, and its starter goes on. A crash ends it where it parks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

__all__ = ["Crash", "Stage", "SteppedLoop", "Worker"]

_PATIENCE = 240.0  # seconds that a worker may run before it parks or ends

_Result = TypeVar("_Result")


class Crash(BaseException):
    """The process ends here."""


class Worker:
    """A thread of a stage.

    Attributes:
        parked: what it waits for, None while it runs and after its end.
        ended: it has come to its end.
        error: what ended it, None if it returned.
        result: what it returned.
    """

    def __init__(self, work: Callable[[], Any], done: Callable[[Worker], None]) -> None:
        self.parked: object | None = None
        self.ended = False
        self.error: BaseException | None = None
        self.result: Any = None
        self._done = done
        self._answer: object = None
        self._killed = False
        self._turn = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)

    def start(self) -> None:
        """Let it run until it parks or ends."""
        self._thread.start()
        self._wait()

    def resume(self, answer: object = None) -> None:
        """Let it go on with what it waited for."""
        assert self.parked is not None
        self._answer = answer
        self.parked = None
        self._turn.release()
        self._wait()

    def kill(self) -> None:
        """End it where it is parked, as a crash does."""
        self._killed = True
        if not self.ended:
            self.resume()
        assert self.ended

    def park(self, what: object) -> object:
        """Wait; called by the worker itself."""
        self.parked = what
        self._back.release()
        self._turn.acquire()
        if self._killed:
            raise Crash
        return self._answer

    def _run(self, work: Callable[[], Any]) -> None:
        _here.worker = self
        try:
            self.result = work()
        except BaseException as error:
            self.error = error
        self.ended = True
        self._back.release()

    def _wait(self) -> None:
        assert self._back.acquire(timeout=_PATIENCE), "a worker neither parks nor ends"
        if self.ended:
            self._thread.join()
            self._done(self)


_here = threading.local()


class Stage:
    """All workers of a process."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    @property
    def workers(self) -> list[Worker]:
        """Workers that have not ended."""
        self._workers = [worker for worker in self._workers if not worker.ended]
        return self._workers

    @property
    def parked(self) -> list[tuple[Worker, object]]:
        """Waiting workers, with the reason of each."""
        return [(worker, worker.parked) for worker in self.workers if worker.parked is not None]

    def start(self, work: Callable[[], object], done: Callable[[Worker], None] = lambda _: None) -> Worker:
        """Run work in a worker; ``done`` is called when that has ended, by who let it run."""
        worker = Worker(work, done)
        self._workers.append(worker)
        worker.start()
        return worker

    def kill(self) -> None:
        """End all of them."""
        for worker in self.workers:
            worker.kill()

    @staticmethod
    def park(what: object) -> object:
        """Let the worker that calls this wait for something; returns what it is resumed with."""
        worker: Worker = _here.worker
        return worker.park(what)


class SteppedLoop(asyncio.SelectorEventLoop):
    """An event loop that takes the time from a clock, and runs in workers what is to run in threads."""

    def __init__(self, stage: Stage, clock: Callable[[], float]) -> None:
        super().__init__()
        self._stage = stage
        self._clock = clock

    def time(self) -> float:
        return self._clock()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Any], *args: object
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self.create_future()

        def done(worker: Worker) -> None:
            if future.done() or isinstance(worker.error, Crash):
                return
            if worker.error is not None:
                future.set_exception(worker.error)
            else:
                future.set_result(worker.result)

        self._stage.start(lambda: func(*args), done)
        return future

    def spin(self, rounds: int = 10) -> None:
        """Run what is ready, and what that makes ready."""
        for _ in range(rounds):
            self.call_soon(self.stop)
            self.run_forever()

    def inside(self, work: Callable[[], _Result]) -> _Result:
        """Run something on the loop, and then what it makes ready; returns what it returns, raises what it raises."""

        async def run() -> _Result:
            return work()

        task = self.create_task(run())
        self.spin()
        return task.result()

    def abandon(self) -> None:
        """Forget all tasks, as a crash does."""
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        self.spin()
        assert all(task.done() for task in tasks)
