"""A log on a fake engine."""

from __future__ import annotations

from contextlib import closing

from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.notary.batch import Batch, LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from tests.codec.building import PretendedEngine

from .failures import Patience
from .writers import BatchMemory, log_writer, statement_writer

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
TABLES = ["audit_logs", "log_tiles", "log_batches"]


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
