"""The supervisor of worker processes: it starts, monitors, restarts and stops them.

Workers are spawned, not forked, because gRPC does not survive a fork.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.admission.tenant_limits import Usage, sum_usage
from server.errors.base import LognotaryError
from server.errors.files import reason_of
from server.retry.backoff import backoff
from server.workers.messages import CANNOT_START, REPORT_INTERVAL, Order, Report, decode_usage
from server.workers.report_pipe import read_lines

__all__ = ["SupervisionTimes", "Supervisor", "WorkerFailedError"]

_logger = logging.getLogger(__name__)

# -P: do not import modules from the working directory.
_COMMAND = (sys.executable, "-P", "-m", "server.worker")


@dataclass(frozen=True, slots=True)
class SupervisionTimes:
    """Timeouts and pauses of a supervisor, in seconds.

    Attributes:
        first_pause: pause before a worker is restarted the first time; doubled for each further restart.
        longest_pause: maximum pause before a restart.
        steady: running time after which a worker's next pause is the first pause again.
        silence: time without a report after which a worker counts as not ready.
        stop_grace: time that a worker may take to stop before it is killed; longer than one takes to stop in order,
            shorter than the server may take.
    """

    first_pause: float = 1.0
    longest_pause: float = 30.0
    steady: float = 60.0
    silence: float = 30 * REPORT_INTERVAL
    stop_grace: float = 8.0


class WorkerFailedError(LognotaryError):
    """A worker can never start; the message says why."""


class Supervisor:
    """Supervisor of the worker processes of a server."""

    def __init__(
        self,
        orders: Sequence[Order],
        command: Sequence[str] = _COMMAND,
        times: SupervisionTimes = SupervisionTimes(),
    ) -> None:
        """Prepare workers; ``running`` starts them.

        Args:
            orders: order of each worker.
            command: command line that starts a worker.
            times: timeouts and pauses.
        """
        self._workers = [_Worker(order, command, times) for order in orders]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the workers until the block ends; then stop them and wait until all have ended."""
        stop = asyncio.Event()
        self._tasks = [asyncio.create_task(worker.keep_running(stop)) for worker in self._workers]
        try:
            yield
        finally:
            self._stopping = True
            stop.set()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_until_ready(self, stop: asyncio.Event) -> None:
        """Wait until every worker has been ready once, or until ``stop`` is set.

        Raises:
            WorkerFailedError: a worker can never start.
        """
        for worker in self._workers:
            await self._wait(worker.accepts, stop)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Wait until ``stop`` is set; from then on the workers are not ready.

        Raises:
            WorkerFailedError: a worker ended and can never start again.
        """
        await self._wait(stop)
        self._stopping = True

    async def _wait(self, *events: asyncio.Event) -> None:
        """Wait for any of several events, or for the error of a worker."""
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
        """Make every worker read its signing keys again. Call on the event loop."""
        for worker in self._workers:
            worker.reload_keys()

    def signed_by(self) -> dict[str, str]:
        """Return the fingerprints of the keys that sign all logs, according to storage, by the holder of these keys.

        They are empty during a key change, and while a worker has not reported.
        """
        said = [worker.signed_by() for worker in self._workers]
        complete = all(said)  # every worker has logs that the server's keys sign
        found: dict[str, str] = {}
        for holder in {holder for each in said for holder in each}:
            keys = {each[holder] for each in said if holder in each}
            found[holder] = keys.pop() if complete and len(keys) == 1 else ""
        return found

    def metrics(self) -> list[tuple[str, str]]:
        """Return the number and the metrics of each running worker."""
        return [found for found in (worker.metrics() for worker in self._workers) if found]

    def not_ready(self) -> str:
        """Return why not all workers can commit records, empty if all can; thread-safe."""
        if self._stopping:
            return "the server is shutting down"
        if not self._tasks:
            return "the server is starting: waiting for storage"
        return next(filter(None, (worker.not_ready() for worker in self._workers)), "")

    def rules_problem(self) -> str:
        """Return why a worker could not reload its audit rules, empty if all could; thread-safe."""
        return next(filter(None, (worker.rules_problem() for worker in self._workers)), "")

    def reloads(self) -> tuple[int, ...]:
        """Return how often each worker has read its keys and audit rules, also by a new start; for the event loop."""
        return tuple(worker.reloads() for worker in self._workers)

    def usage(self) -> dict[str, Usage]:
        """Return what each tenant has sent to all workers, also to those that have ended; thread-safe."""
        return sum_usage(part for worker in self._workers for part in worker.usage())

    def has_sent(self, tenant: str) -> bool:
        """Return whether a tenant has sent something to a worker, also to one that has ended; thread-safe."""
        return any(tenant in part for worker in self._workers for part in worker.usage())

    def kill(self) -> None:
        """Kill all workers at once; thread-safe."""
        for worker in self._workers:
            worker.kill()


class _Worker:
    """One worker, which is run by one process after another."""

    def __init__(self, order: Order, command: Sequence[str], times: SupervisionTimes) -> None:
        self.accepts = asyncio.Event()
        self._order = order
        self._name = f"worker {order.number}"
        self._command = command
        self._times = times
        self._process: asyncio.subprocess.Process | None = None
        self._report: Report | None = None  # the last report, None while no process runs
        self._reported_at = 0.0
        self._failure = ""
        self._earlier_reloads = 0  # of the processes that have ended
        # Of the processes that have ended, and of the one that runs. One attribute: other threads read it.
        self._usage: tuple[Mapping[str, Usage], Mapping[str, Usage]] = {}, {}

    def not_ready(self) -> str:
        # Called from any thread; the event loop may replace the report meanwhile.
        report = self._report
        if report is None:
            return f"{self._name} is not running"
        if time.monotonic() - self._reported_at > self._times.silence:
            return f"{self._name} has stopped reporting"
        reason = report.starting or report.not_ready
        return f"{self._name}: {reason}" if reason else ""

    def metrics(self) -> tuple[str, str] | None:
        report = self._report
        return (str(self._order.number), report.metrics) if report else None

    def signed_by(self) -> Mapping[str, str]:
        report = self._report
        return report.signed_by if report else {}

    def rules_problem(self) -> str:
        report = self._report
        return report.rules_problem if report else ""

    def reloads(self) -> int:
        report = self._report
        return self._earlier_reloads + (report.reloads if report else 0)

    def usage(self) -> tuple[Mapping[str, Usage], Mapping[str, Usage]]:
        return self._usage

    def kill(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def reload_keys(self) -> None:
        # On the event loop, which alone may use the process. The process may have ended unnoticed.
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGHUP)

    async def keep_running(self, stop: asyncio.Event) -> None:
        """Run the worker until ``stop`` is set; restart it if it ends before.

        Raises:
            WorkerFailedError: the worker can never start.
        """
        waits = self._backoff()
        while not stop.is_set():
            started = time.monotonic()
            try:
                status = await self._run(stop)
            except OSError as error:
                outcome = f"cannot be started: {reason_of(error)}"
            else:
                if status == CANNOT_START:
                    raise WorkerFailedError(f"{self._name}: {self._failure or 'the worker cannot start; see its log'}")
                outcome = f"ended with status {status}"
            if stop.is_set():
                return
            if time.monotonic() - started > self._times.steady:
                waits = self._backoff()
            pause = next(waits)
            _logger.error("%s %s; restarting it in %.0f s", self._name, outcome, pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    def _backoff(self) -> Iterator[float]:
        return backoff(self._times.first_pause, self._times.longest_pause)

    async def _run(self, stop: asyncio.Event) -> int:
        """Run one process until it ends, and stop it when ``stop`` is set; return its exit status."""
        with _sighup_blocked():
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # Ctrl-C must reach only the server, which stops its workers in order.
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
            self._earlier_reloads, self._report = self.reloads(), None
            self._usage = sum_usage(self._usage), {}

    async def _give_order(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        with contextlib.suppress(ConnectionError):  # the process has ended; its status says more
            process.stdin.write(self._order.encode())
            await process.stdin.drain()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        async for line in read_lines(process.stdout):
            try:
                report = Report.decode(line)
                if report.usage:
                    self._usage = self._usage[0], decode_usage(report.usage)
            except ValueError as error:
                _logger.warning("%s: %s", self._name, error)
                continue
            if report.failure:
                self._failure = report.failure
                continue
            if not report.starting and (self._report is None or self._report.starting):
                _logger.info("%s is ready", self._name)
            self._reported_at = time.monotonic()
            self._report = report
            if not report.starting:
                self.accepts.set()

    async def _end(self, process: asyncio.subprocess.Process) -> int:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        process.stdin.close()
        try:
            return await asyncio.wait_for(process.wait(), self._times.stop_grace)
        except TimeoutError:
            _logger.error(  # noqa: TRY400 - a traceback says nothing here
                "%s does not stop and is killed; senders will retry what it has not acknowledged", self._name
            )
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
