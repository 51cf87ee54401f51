"""A walker of self-verification with a clock, a trail and progress of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.statement import Statement
from server.notary.trust import TrustedKeys
from server.own_records.sender import NotRecordedError
from server.self_verification.finding_ledger import Notice
from server.self_verification.progress_file import ScrubProgress
from server.self_verification.scrubber import Scrubber, Subject
from server.self_verification.throttle import Clock
from server.verification.sections import SectionLimits
from storage.engine import Engine, EngineWrapper, Pieces
from storage.errors import OutcomeUnknownError
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, OPERATIONAL, row, statement_row

__all__ = ["HOUR", "TAMPERINGS", "Unsteady", "Walk"]

HOUR = 3600.0
SMALL = SectionLimits(leaves=100, batches=4)
TAMPERINGS = {
    "RECORD_CHANGED": f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 100)}",
    "BATCH_MISSING": f"ALTER TABLE log_batches DELETE WHERE LogId = '{AUDIT.log_id}' AND Sequence = 3",
    "RECORDS_UNSIGNED": "INSERT INTO audit_logs (Body, IngestedAt, LogId, LeafIndex) VALUES ('new', 1, 'no', 7)",
    "STATEMENT_ALTERED": f"ALTER TABLE log_statements UPDATE TreeSize = 1 WHERE {statement_row(AUDIT, 2)}",
    "TILE_ALTERED": f"ALTER TABLE log_tiles DELETE WHERE LogId = '{OPERATIONAL.log_id}' AND Sequence = 5 AND Level = 0",
}
"""A statement for each kind of finding."""


@dataclass
class Watch:
    """A clock that goes on when somebody waits, and by some seconds whenever it is looked at."""

    step: float = 0.0
    time: float = 0.0
    longest: float = 0.0
    meanwhile: Callable[[float], object] = lambda _: None  # what others do while somebody waits

    def clock(self) -> Clock:
        return Clock(lambda: 1_800_000_000 + self.time, self._monotonic, self._wait)

    def _monotonic(self) -> float:
        self.time += self.step
        return self.time

    def _wait(self, seconds: float) -> None:
        self.time += seconds
        self.longest = max(self.longest, seconds)
        self.meanwhile(seconds)


@dataclass
class Record:
    """Takes notices, but for the first times."""

    refusals: int = 0
    taken: list[Notice] = field(default_factory=list)

    def record(self, notices: Sequence[Notice]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise NotRecordedError("not now")
        self.taken += notices

    def kinds(self) -> list[str]:
        return [notice.kind for notice in self.taken]


@dataclass
class Walk:
    """A walker with all that is around it."""

    stated: Stated
    watch: Watch = field(default_factory=Watch)
    trail: Record = field(default_factory=Record)
    marks: list[tuple[float, ScrubProgress]] = field(default_factory=list)
    kept: Sequence[Checkpoint | Statement] = ()
    limits: SectionLimits = SMALL
    seen: dict[str, str] = field(default_factory=dict)  # the last signed checkpoint of each log, by origin
    trusted: TrustedKeys | None = None  # in place of the key that the store is verified with otherwise

    def walker(self) -> Scrubber:
        """Return a walker that goes on where the one before it was."""
        subject = Subject(self.keys, self.remembered, self.limits, self.see)
        mark = self.marks[-1][1] if self.marks else ScrubProgress()
        return Scrubber(
            subject,
            12 * HOUR,
            self.watch.clock(),
            self.trail,
            mark,
            lambda mark: self.marks.append((self.watch.time, mark)),
        )

    def remembered(self) -> Sequence[Checkpoint | Statement]:
        """Return what storage has to contain."""
        return [*self.kept, *(open_checkpoint(note)[0] for note in self.seen.values())]

    def see(self, note: str) -> None:
        """Remember a log."""
        self.seen[note.partition("\n")[0]] = note

    def keys(self) -> TrustedKeys:
        """Return the keys to believe now."""
        return self.trusted or self.stated.keys


class Unsteady(EngineWrapper):
    """An engine that fails at its first queries and at a few of the later ones, and may only be read."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._asked = 0
        self.failures = 0

    def execute(self, statement: str, /) -> None:
        raise AssertionError(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        raise AssertionError(table)

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> bytes:
        self._fail_at_times()
        return super().query(select, parameters, **options)

    def query_in_pieces(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> Pieces:
        self._fail_at_times()
        return super().query_in_pieces(select, parameters, **options)

    def _fail_at_times(self) -> None:
        self._asked += 1
        # Less and less often: a section has to succeed as a whole.
        if (self._asked * 7919) % 101 < 3 or self._asked < 9:
            self.failures += 1
            raise OutcomeUnknownError("cut off")
