"""A log on a fake engine, and an event whose ``wait`` returns at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.log.log_writer import LogWriter
from server.notary.batch import Batch, LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.errors import NotAppliedError, OutcomeUnknownError
from tests.codec.building import PretendedEngine

from .writers import BatchMemory, log_writer, statement_writer

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
TABLES = ["audit_logs", "log_tiles", "log_batches"]
REFUSED = NotAppliedError("too many parts")
UNKNOWN = OutcomeUnknownError("connection reset")


class Patience(threading.Event):
    """An event whose ``wait`` returns at once; the event sets itself after ``pauses_left`` waits."""

    def __init__(self, pauses_left: int = 1000) -> None:
        super().__init__()
        self.pauses: list[float | None] = []
        self.writer: LogWriter | None = None
        self.blocked: list[bool] = []
        self.pauses_left = pauses_left
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


class Log:
    """A log on a fake engine."""

    def __init__(self, journal: Journal, give_up: Patience | None = None, stated: Journal | None = None) -> None:
        self.engine = PretendedEngine()
        self.journal = journal
        self.memory = BatchMemory(journal)
        self.give_up = give_up or Patience()
        at = CommittedLog(LogState(NAME))
        self.statements = None
        self.now = 0.0  # seconds of the monotonic clock
        if stated is not None:
            self.statements = statement_writer(self.engine, stated, at, SIGNER, give_up=self.give_up)
        self.writer = log_writer(
            self.engine,
            journal,
            at,
            SIGNER,
            memory=self.memory,
            give_up=self.give_up,
            statements=self.statements,
            clock=lambda: self.now,
        )
        self.give_up.writer = self.writer

    @property
    def committed(self) -> list[Batch]:
        return self.memory.batches


def reopened(journal: Journal) -> list[bytes]:
    """The entries of a journal at the next start."""
    with closing(Journal(journal.directory, journal.limit)) as again:
        return [again.read(number) for number in again.waiting]
