"""Background tasks that obtain cosignatures and timestamps for the logs of one process.

Each pair of service and log has its own task, so a service that is down or hangs delays nothing
else. Nothing is lost either: the next confirmed checkpoint covers everything before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from server.retry.backoff import backoff
from server.witness.calls import Calls, running_calls
from server.witness.client import WitnessClient
from server.witness.errors import WitnessError, WitnessRefusedError
from server.witness.settings import TimestampAuthority, Witness
from server.witness.tasks import ConfirmableLog, ConfirmationTask, CosignatureTask, TimestampTask
from server.witness.timestamps import TimestampClient

__all__ = ["ServiceState", "WitnessScheduler", "build_tasks"]

_logger = logging.getLogger(__name__)

_TIMEOUT = 10.0  # seconds for connecting, and for each wait for an answer
_FIRST_PAUSE = 1.0  # seconds before a service that failed is asked again, doubled each time
_LONGEST_PAUSE = 300.0
_AT_ONCE = 8  # tasks of one service: each may take a thread, and many begin together


@dataclass(frozen=True, slots=True)
class ServiceState:
    """State of the confirmations by one service for one log.

    Attributes:
        service: name of the witness's key, or URL of the timestamp authority.
        origin: the log.
        size: number of entries last confirmed since this process started.
        succeeded_at: time of that confirmation, in seconds since the epoch; None if there was none.
        failed_at: time of the last failed attempt, in seconds since the epoch; None if none failed.
        failure: error of the last attempt; empty if it succeeded.
    """

    service: str
    origin: str
    size: int = 0
    succeeded_at: float | None = None
    failed_at: float | None = None
    failure: str = ""


def build_tasks(
    logs: Sequence[ConfirmableLog],
    witnesses: Sequence[Witness],
    authority: TimestampAuthority | None,
    *,
    witness_interval: float,
    timeout: float = _TIMEOUT,
) -> list[ConfirmationTask]:
    """Create the tasks for each log.

    Args:
        logs: the logs of this process.
        witnesses: the witnesses that cosign their checkpoints.
        authority: the authority that timestamps them, if any.
        witness_interval: seconds between checks whether a log has grown.
        timeout: seconds for connecting to a service, and for each wait for its answer.

    Raises:
        PackageMissingError: timestamps need a package that is not installed.
        RootsError: the authority's root certificates cannot be read.
    """
    tasks: list[ConfirmationTask] = []
    for witness in witnesses:
        client = WitnessClient(witness, timeout)
        tasks += [CosignatureTask(client, log, witness_interval) for log in logs]
    if authority is not None:
        stamps = TimestampClient(authority, timeout)
        tasks += [TimestampTask(stamps, log, authority.interval) for log in logs]
    return tasks


class WitnessScheduler:
    """Runs each task periodically until stopped. Bound to one event loop."""

    def __init__(
        self,
        tasks: Sequence[ConfirmationTask],
        *,
        first_pause: float = _FIRST_PAUSE,
        longest_pause: float = _LONGEST_PAUSE,
        on_failure: Callable[[ConfirmationTask], object] = lambda _: None,
    ) -> None:
        """Create a scheduler; ``running`` starts its tasks.

        Args:
            tasks: the tasks.
            first_pause: seconds before the first retry of a failed task, doubled with each failure.
            longest_pause: maximum seconds before a retry.
            on_failure: function that is called for each failed attempt.
        """
        self._on_failure = on_failure
        self._confirmations: list[ConfirmationTask] = []
        self._pauses = (first_pause, longest_pause)
        self._states: list[ServiceState] = []
        self._begun: list[asyncio.Task[None]] = []
        self._rooms: dict[str, asyncio.Semaphore] = {}  # by service
        self._calls: Calls | None = None  # None while nothing runs
        self.add(tasks)

    def add(self, tasks: Sequence[ConfirmationTask]) -> None:
        """Take more tasks, such as those of logs that were opened later; they start at once if the others run."""
        for task in tasks:
            self._confirmations.append(task)
            self._states.append(ServiceState(task.service, task.origin))
            self._rooms.setdefault(task.service, asyncio.Semaphore(_AT_ONCE))
            if self._calls is not None:
                self._begin(len(self._confirmations) - 1, self._calls)

    def states(self) -> tuple[ServiceState, ...]:
        """Return the state of each service and log. Thread-safe."""
        return tuple(self._states)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the tasks until the block ends.

        At the end it waits only for results being stored, not for services. Logs are not accessed after that.
        """
        async with running_calls() as calls:
            for at in range(len(self._confirmations)):
                self._begin(at, calls)
            self._calls = calls
            try:
                yield
            finally:
                self._calls = None
                for task in self._begun:
                    task.cancel()
                await asyncio.gather(*self._begun, return_exceptions=True)

    def _begin(self, at: int, calls: Calls) -> None:
        self._begun.append(asyncio.create_task(self._keep_doing(at, calls)))

    async def _keep_doing(self, at: int, calls: Calls) -> None:
        task = self._confirmations[at]
        pauses = backoff(*self._pauses)
        while True:
            try:
                async with self._rooms[task.service]:
                    size = await task.run(calls)
            except Exception as error:
                pause = next(pauses)
                self._failed(at, error, pause)
            else:
                pause, pauses = task.interval, backoff(*self._pauses)
                if size is not None:
                    self._succeeded(at, size)
            await asyncio.sleep(pause)

    def _succeeded(self, at: int, size: int) -> None:
        state = self._states[at]
        if state.failure:
            _logger.info("%s: %s confirms checkpoints again, at %d entries", state.origin, state.service, size)
        self._states[at] = replace(state, size=size, succeeded_at=time.time(), failure="")

    def _failed(self, at: int, error: Exception, pause: float) -> None:
        self._on_failure(self._confirmations[at])
        state = self._states[at]
        expected = isinstance(error, WitnessError)
        level = logging.ERROR if isinstance(error, WitnessRefusedError) or not expected else logging.WARNING
        unexpected = None if expected else error
        _logger.log(level, "%s: %s; retrying in %.0f s", state.origin, error, pause, exc_info=unexpected)
        why = str(error) if expected else f"{type(error).__name__}: {error}"
        self._states[at] = replace(state, failed_at=time.time(), failure=why)
