"""Background tasks: one that fails stops its process in order, so that a supervisor can restart it.

A task that failed unnoticed would leave a process that looks alive and, for example, no longer states heartbeats or
reloads keys. Restarting the task alone would hide the defect, and repeat what it had half done.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterator
from typing import Any, ClassVar

from server.errors.base import LognotaryError

__all__ = ["TaskFailedError", "background"]

_logger = logging.getLogger(__name__)


class TaskFailedError(LognotaryError):
    """A background task failed unexpectedly; the process has to be restarted."""

    exit_status: ClassVar[int] = 1
    retryable: ClassVar[bool] = True


@contextlib.contextmanager
def background(name: str, work: Coroutine[Any, Any, None], stop: asyncio.Event) -> Iterator[None]:
    """Run a task beside the block, and cancel it when the block ends.

    Args:
        name: name of the task, for messages.
        work: the task; it may end without an error.
        stop: event that is set if the task fails; the block should end soon after.

    Raises:
        TaskFailedError: the task failed (raised on leaving the block).
    """

    def note(task: asyncio.Task[None]) -> None:
        if (failure := _failure(task)) is not None:
            _logger.error("the background task %r failed; the process is stopping", name, exc_info=failure)
            stop.set()

    task = asyncio.create_task(work, name=name)
    task.add_done_callback(note)
    try:
        yield
    finally:
        task.cancel()
        if (failure := _failure(task)) is not None:  # this is the cause, so it replaces the error that it led to
            raise TaskFailedError(
                f"the background task {name!r} failed ({_told(failure)}). Restart the server, and report this with the "
                "server's log"
            ) from failure


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
