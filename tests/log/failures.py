"""Failures of storage, and an event whose ``wait`` returns at once, so that retries take no time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from server.log.log_writer import LogWriter
from storage.errors import NotAppliedError, OutcomeUnknownError

__all__ = ["REFUSED", "UNKNOWN", "Patience"]

REFUSED = NotAppliedError("too many parts")
UNKNOWN = OutcomeUnknownError("connection reset")


class Patience(threading.Event):
    """An event whose ``wait`` returns at once; the event sets itself after ``pauses_left`` waits.

    Attributes:
        pauses: timeouts of all waits.
        pauses_left: number of waits until the event sets itself.
        writer: writer of a log; None for none.
        blocked: whether the writer's stream was blocked, at each wait.
        on_wait: function that is called at each wait.
    """

    def __init__(self, pauses_left: int = 1000) -> None:
        super().__init__()
        self.pauses: list[float | None] = []
        self.pauses_left = pauses_left
        self.writer: LogWriter | None = None
        self.blocked: list[bool] = []
        self.on_wait: Callable[[], object] = lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        if self.writer is not None:
            self.blocked.append(self.writer.stream.blocked)
        self.on_wait()
        self.pauses_left -= 1
        if self.pauses_left < 0:
            self.set()
        return self.is_set()
