"""A log's statements on a real storage whose inserts fail as told."""

from __future__ import annotations

from collections.abc import Sequence

from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.log.receipt_floor import ReceiptFloor
from server.notary.batch import LogState
from server.notary.checkpoint import Checkpoint
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, StatementRow
from server.notary.statement_check import check_statements, learn_keys
from server.notary.trust import TrustedKeys
from storage.engine import Engine, EngineWrapper
from storage.statements import read_statements

from .failures import Patience
from .writers import Memory, statement_writer

__all__ = [
    "HEARTBEAT",
    "KEYS",
    "NAME",
    "NEW",
    "OLD",
    "RETENTION",
    "WITNESSED",
    "Log",
    "at",
]

NAME = LogName("example.org", Stream.AUDIT, "node-1")
OLD, NEW = Signer.generate(), Signer.generate()
KEYS = TrustedKeys(named=(OLD.verifier_key(NAME.origin),))
HEARTBEAT, RETENTION, WITNESSED = StatementKind.HEARTBEAT, StatementKind.RETENTION, StatementKind.WITNESSED


class FailingEngine(EngineWrapper):
    """A real engine whose inserts fail as told.

    Attributes:
        engine: the real one.
        failures: what the next inserts do: None succeeds; an error is raised, after the insert took
            effect where True stands beside it.
        losing: inserts whose token ends so are answered and not made, as by a server that was killed after it had
            noted the token.
        tokens: those of all inserts.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine
        self.failures: list[tuple[Exception, bool] | None] = []
        self.losing = "-"
        self.tokens: list[str] = []

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        self.tokens.append(token)
        failure = self.failures.pop(0) if self.failures else None
        if (failure is None or failure[1]) and not token.endswith(self.losing):
            super().insert(table, columns, block, token)
        if failure is not None:
            raise failure[0]


def at(size: int, name: LogName = NAME) -> LogState:
    """A log that has so many entries."""
    return LogState(name, size, CompactRange().extend(bytes(32 * size))[0])


class Log:
    """A log's statements, on a storage that fails as told; its clock shows ``now``."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        *,
        last: Statement | None = None,
        give_up: Patience | None = None,
        receipts: ReceiptFloor | None = None,
    ) -> None:
        self.engine = FailingEngine(engine)
        self.journal = journal
        self.memory = Memory()
        self.now = 1_790_000_000.9
        self.committed = CommittedLog(at(3))
        self.give_up = give_up or Patience()
        self.writer = statement_writer(
            self.engine,
            journal,
            self.committed,
            OLD,
            last=last,
            memory=self.memory,
            give_up=self.give_up,
            clock=lambda: self.now,
            receipts=receipts,
        )

    @property
    def checkpoint(self) -> Checkpoint:
        return self.committed.checkpoint

    def rows(self) -> list[StatementRow]:
        return list(read_statements(self.engine, NAME.log_id))

    def findings(self) -> int:
        rows = self.rows()
        return sum(len(log.findings) for log in check_statements(rows, learn_keys(rows, KEYS)).values())
