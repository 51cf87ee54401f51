"""Starting worker processes, watching them, starting them again, and stopping them.

The processes are started from scratch and not forked: gRPC does not survive a fork.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from server.errors.base import LognotaryError
from server.retry.backoff import backoff
from server.workers.messages import CANNOT_START, REPORT_INTERVAL, Order, Report
from server.workers.report_pipe import read_lines

__all__ = ["SupervisionTimes", "Supervisor", "WorkerFailedError"]

_logger = logging.getLogger(__name__)

# -P: the working directory is no place to look for modules.
_COMMAND = (sys.executable, "-P", "-m", "server.worker")


@dataclass(frozen=True, slots=True)
class SupervisionTimes:
    """How long a supervisor waits, in seconds.

    Attributes:
        first_pause: before a worker is started again; doubled each time it ends.
        longest_pause: the most that this comes to.
        steady: a worker that ran for so long begins with the first pause again.
        silence: a worker that reported nothing for so long is not ready.
        stop_grace: a worker may take so long to stop: more than it takes at worst.
    """

    first_pause: float = 1.0
    longest_pause: float = 30.0
    steady: float = 60.0
    silence: float = 30 * REPORT_INTERVAL
    stop_grace: float = 120.0


class WorkerFailedError(LognotaryError):
    """A worker cannot start, and never will; the message says why."""


class Supervisor:
    """The worker processes of a server."""

    def __init__(
        self,
        orders: Sequence[Order],
        command: Sequence[str] = _COMMAND,
        times: SupervisionTimes = SupervisionTimes(),
    ) -> None:
        """Prepare workers; ``running`` starts them.

        Args:
            orders: what each is to do.
            command: starts a worker.
            times: how long it waits.
        """
        self._workers = [_Worker(order, command, times) for order in orders]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the workers until the block ends; then wait until all have stopped."""
        stop = asyncio.Event()
        self._tasks = [asyncio.create_task(worker.keep_running(stop)) for worker in self._workers]
        try:
            yield
        finally:
            self._stopping = True
            stop.set()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_until_ready(self, stop: asyncio.Event) -> None:
        """Wait until each has taken records at some time, or until ``stop`` is set.

        Raises:
            WorkerFailedError: one cannot start.
        """
        for worker in self._workers:
            await self._wait(worker.accepts, stop)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Wait until ``stop`` is set; from then on the workers are not ready.

        Raises:
            WorkerFailedError: a worker ended and cannot start again.
        """
        await self._wait(stop)
        self._stopping = True

    async def _wait(self, *events: asyncio.Event) -> None:
        """Wait for one of several events, or for the error of a worker."""
        waiting = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait([*waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waiting:
                wait.cancel()
        for task in self._tasks:
            if task.done():
                task.result()

    def reload_keys(self) -> None:
        """Have every worker read its signing keys again."""
        for worker in self._workers:
            worker.reload_keys()

    def signed_by(self) -> str:
        """Return the fingerprints of the keys that sign all logs, as storage has it; empty while that changes."""
        keys = {worker.signed_by() for worker in self._workers}
        return keys.pop() if len(keys) == 1 else ""

    def metrics(self) -> list[tuple[str, str]]:
        """Return the number of each worker that runs, and what it counts of itself."""
        return [found for found in (worker.metrics() for worker in self._workers) if found]

    def not_ready(self) -> str:
        """Return why not every worker can commit records, empty if all can; from any thread."""
        if self._stopping:
            return "the server is shutting down"
        return next(filter(None, (worker.not_ready() for worker in self._workers)), "")


class _Worker:
    """One worker: one process after the other."""

    def __init__(self, order: Order, command: Sequence[str], times: SupervisionTimes) -> None:
        self.accepts = asyncio.Event()
        self._order = order
        self._name = f"worker {order.number}"
        self._command = command
        self._times = times
        self._process: asyncio.subprocess.Process | None = None
        self._report: Report | None = None  # the last one, None while it does not run
        self._reported_at = 0.0
        self._failure = ""

    def not_ready(self) -> str:
        # Called from any thread; the event loop may change the report meanwhile.
        report = self._report
        if report is None:
            return f"{self._name} is not running"
        if time.monotonic() - self._reported_at > self._times.silence:
            return f"{self._name} does not answer"
        return f"{self._name}: {report.not_ready}" if report.not_ready else ""

    def metrics(self) -> tuple[str, str] | None:
        report = self._report
        return (str(self._order.number), report.metrics) if report else None

    def signed_by(self) -> str:
        report = self._report
        return report.signed_by if report else ""

    def reload_keys(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def keep_running(self, stop: asyncio.Event) -> None:
        """Run the worker until ``stop`` is set, again and again if it ends before.

        Raises:
            WorkerFailedError: it cannot start.
        """
        waits = self._backoff()
        while not stop.is_set():
            started = time.monotonic()
            try:
                status = await self._run(stop)
            except OSError as error:
                outcome = f"cannot be started: {error}"
            else:
                if status == CANNOT_START:
                    raise WorkerFailedError(f"{self._name}: {self._failure or 'it cannot start; its log says why'}")
                outcome = f"ended with status {status}"
            if stop.is_set():
                return
            if time.monotonic() - started > self._times.steady:
                waits = self._backoff()
            pause = next(waits)
            _logger.error("%s %s; it is started again in %.0f s", self._name, outcome, pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    def _backoff(self) -> Iterator[float]:
        return backoff(self._times.first_pause, self._times.longest_pause)

    async def _run(self, stop: asyncio.Event) -> int:
        """Run one process until it ends, which it is told to when ``stop`` is set; returns its exit status."""
        with _sighup_blocked():
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # Ctrl-C is for the server, which stops its workers in order.
                process_group=0,
            )
        self._process = process
        reading = asyncio.create_task(self._read(process))
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._give_order(process)
            await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return await self._end(process)
        finally:
            stopping.cancel()
            if process.returncode is None:
                process.kill()
            await reading
            self._report = None

    async def _give_order(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        with contextlib.suppress(ConnectionError):  # it has ended: its status says more
            process.stdin.write(self._order.encode())
            await process.stdin.drain()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        async for line in read_lines(process.stdout):
            try:
                report = Report.decode(line)
            except ValueError as error:
                _logger.warning("%s: %s", self._name, error)
                continue
            if report.failure:
                self._failure = report.failure
                continue
            if self._report is None:
                _logger.info("%s takes records", self._name)
            self._reported_at = time.monotonic()
            self._report = report
            self.accepts.set()

    async def _end(self, process: asyncio.subprocess.Process) -> int:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        process.stdin.close()
        try:
            return await asyncio.wait_for(process.wait(), self._times.stop_grace)
        except TimeoutError:
            _logger.error("%s does not stop, and is killed; what it has not acknowledged is sent again", self._name)  # noqa: TRY400 - a traceback says nothing here
            process.kill()
            return await process.wait()


@contextlib.contextmanager
def _sighup_blocked() -> Iterator[None]:
    """Block SIGHUP in child processes started in the block; a worker unblocks it once its handler is installed.

    A SIGHUP that is sent while the worker still imports would end it; blocked, it stays pending.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    try:
        yield
    finally:
        # Not the previous mask: workers start concurrently, and each may find SIGHUP blocked by another.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
