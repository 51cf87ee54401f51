"""One life of a server whose workers pause on a clock that tests move, and whose journal stumbles."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from server.log.journal import Journal
from server.log.log_writer import LogWriter
from server.pipeline.batcher import Batcher

from .stepped import Stage, Worker

__all__ = ["GiveUp", "Pause", "Server", "StumblingJournal"]


@dataclass(frozen=True)
class Pause:
    """A worker's pause until some time."""

    until: float


class GiveUp(threading.Event):
    """An event for which workers wait on a clock that tests move."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        if not self.is_set():
            Stage.park(Pause(self._clock() + timeout))
        return self.is_set()


class StumblingJournal(Journal):
    """A journal at which something unforeseen goes wrong as often as ``stumbles`` says."""

    stumbles = 0

    def release(self, number: int) -> None:
        self._stumble()
        super().release(number)

    def retract(self, number: int) -> None:
        self._stumble()
        super().retract(number)

    def _stumble(self) -> None:
        if self.stumbles:
            self.stumbles -= 1
            raise MemoryError


@dataclass
class Server:
    """One life of a server.

    Attributes:
        takes: it takes requests.
        storing: stores what is in the journal.
    """

    journal: StumblingJournal
    writer: LogWriter
    batcher: Batcher
    give_up: GiveUp
    takes: bool = False
    storing: Worker | None = None
