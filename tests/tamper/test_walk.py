"""Self-verification of a real store: what it finds, tells once, and takes up again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from server.notary.batch import LogState
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.statement import Statement
from server.notary.trust import TrustedKeys, check_checkpoint, fingerprint
from server.self_verification.audit_trail import NotRecordedError
from server.self_verification.finding_ledger import Notice
from server.self_verification.progress_file import ScrubProgress
from server.self_verification.scrubber import Scrubber, Subject
from server.self_verification.throttle import Clock, WorkStoppedError
from server.verification.sections import SectionLimits
from storage.engine import Engine, EngineInfo, Pieces
from storage.errors import OutcomeUnknownError
from tests.tamper.stated import LAST, Stated
from tests.tamper.store import AUDIT, OPERATIONAL, TABLES, batch_row, row, statement_row

pytestmark = pytest.mark.parametrize("written", ["embedded"], indirect=True)  # nothing of it is the engine's

HOUR = 3600.0
SMALL = SectionLimits(leaves=100, batches=4)


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


@pytest.fixture
def walk(stated: Stated) -> Walk:
    return Walk(stated)


TAMPERINGS = {
    "RECORD_CHANGED": f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 100)}",
    "BATCH_MISSING": f"ALTER TABLE log_batches DELETE WHERE LogId = '{AUDIT.log_id}' AND Sequence = 3",
    "RECORDS_UNSIGNED": "INSERT INTO audit_logs (Body, IngestedAt, LogId, LeafIndex) VALUES ('new', 1, 'no', 7)",
    "STATEMENT_ALTERED": f"ALTER TABLE log_statements UPDATE TreeSize = 1 WHERE {statement_row(AUDIT, 2)}",
    "TILE_ALTERED": f"ALTER TABLE log_tiles DELETE WHERE LogId = '{OPERATIONAL.log_id}' AND Sequence = 5 AND Level = 0",
}


def test_an_untouched_store_gives_no_finding_while_it_is_written(walk: Walk, stated: Stated) -> None:
    stated.touch(*TABLES)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            stated.write(OPERATIONAL, 20, ingested_at=time.time_ns())
            stated.write(AUDIT, 20, ingested_at=time.time_ns())

    writer = threading.Thread(target=write)
    writer.start()
    walker = walk.walker()
    try:
        for _ in range(2):
            walker.walk(stated.engine)
    finally:
        stop.set()
        writer.join()
    assert walk.trail.taken == []
    status = walker.status
    assert (status.findings, status.unrecorded, status.walks) == ({}, 0, 2)
    assert status.records >= 2 * sum(batches[-1].tree_size for batches in stated.batches.values())
    assert status.batches >= 2 * sum(map(len, stated.batches.values()))


def test_tampering_of_every_kind_is_found_in_one_walk_and_told_once(
    walk: Walk, stated: Stated, caplog: pytest.LogCaptureFixture
) -> None:
    stated.tamper(*TAMPERINGS.values())
    walker = walk.walker()
    walker.walk(stated.engine)
    assert sorted(walk.trail.kinds()) == sorted(TAMPERINGS)
    lines = [entry.getMessage() for entry in caplog.records if entry.levelno == logging.ERROR]
    assert sorted(line.split(": ")[1] for line in lines) == sorted(TAMPERINGS)
    assert walker.status.findings == dict.fromkeys(TAMPERINGS, 1)
    walker.walk(stated.engine)
    walk.walker().walk(stated.engine)  # that of the next process
    assert len(walk.trail.taken) == len(TAMPERINGS)
    assert walker.status.findings == dict.fromkeys(TAMPERINGS, 1)


def test_a_log_that_was_cut_off_is_found_by_what_the_server_remembers(walk: Walk, stated: Stated) -> None:
    walk.kept = [check_checkpoint(stated.statement(AUDIT, LAST).note, stated.keys_of(*stated.signers))]
    for batch in stated.batches[AUDIT][5:]:
        for table in ("log_batches", "log_tiles", "audit_logs"):
            stated.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE LogId = '{AUDIT.log_id}' AND Number > 5")
    walker = walk.walker()
    walker.walk(stated.engine)
    walker.walk(stated.engine)
    assert walk.trail.kinds() == ["LOG_TRUNCATED"]


def test_what_is_not_found_any_more_is_forgotten_and_told_again_when_it_comes_back(walk: Walk, stated: Stated) -> None:
    walker = walk.walker()
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    walker.walk(stated.engine)
    stated.restore()
    walker.walk(stated.engine)
    assert walker.status.findings == {}
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    walker.walk(stated.engine)
    assert walk.trail.kinds() == 2 * ["RECORD_CHANGED"]


def test_what_is_settled_before_the_second_look_is_not_told(walk: Walk, stated: Stated) -> None:
    batch = stated.batches[OPERATIONAL][-1]
    stated.tamper(
        "CREATE OR REPLACE TABLE held AS log_batches",
        f"INSERT INTO held SELECT * FROM log_batches WHERE {batch_row(batch)}",
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",
    )
    waits: list[float] = []

    def commit(seconds: float) -> None:
        waits.append(seconds)
        if seconds >= 60 and len([wait for wait in waits if wait >= 60]) == 1:
            stated.engine.execute("INSERT INTO log_batches SELECT * FROM held")

    walk.watch.meanwhile = commit
    walker = walk.walker()
    walker.walk(stated.engine)
    assert max(waits) >= 60
    assert (walk.trail.taken, walker.status.findings) == ([], {})


def test_a_walk_is_spread_over_its_interval(walk: Walk, stated: Stated) -> None:
    walker = walk.walker()
    walker.walk(stated.engine)
    total = sum(batches[-1].tree_size for batches in stated.batches.values())
    audit = stated.batches[AUDIT][-1].tree_size
    sections = [(time, mark) for time, mark in walk.marks if mark.origin]
    assert len(sections) > 4
    for (_, before), (at, mark) in pairwise(sections):
        done = before.leaf + (audit if before.origin == OPERATIONAL.origin else 0)
        assert at >= 12 * HOUR * (done if mark.origin == before.origin else audit) / total - 1
    assert 6 * HOUR < walker.status.walk_seconds <= 12 * HOUR
    assert not walker.status.is_behind


def test_a_walk_goes_on_where_the_process_before_was(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    walk.walker().walk(stated.engine)
    cut = next(place for place, (_, mark) in enumerate(walk.marks) if mark.leaf > 200)
    walk.marks = walk.marks[: cut + 1]
    at = walk.marks[-1][1]
    assert (at.origin, list(at.recorded.values()), len(at.seen)) == (OPERATIONAL.origin, ["RECORD_CHANGED"], 1)
    walker = walk.walker()
    walker.walk(stated.engine)
    left = stated.batches[OPERATIONAL][-1].tree_size - at.leaf
    assert walker.status.records == left
    assert walker.status.findings == {"RECORD_CHANGED": 1}  # found by the one before, and not forgotten
    assert walk.trail.kinds() == ["RECORD_CHANGED"]


def test_progress_that_nobody_signed_is_not_believed(
    walk: Walk, stated: Stated, caplog: pytest.LogCaptureFixture
) -> None:
    forged = stated.batches[OPERATIONAL][-1].checkpoint.replace("\u2014 shop", "\u2014 shot")
    walk.marks.append((0.0, ScrubProgress(0.0, OPERATIONAL.origin, stated.batches[OPERATIONAL][-1].tree_size, forged)))
    walker = walk.walker()
    walker.walk(stated.engine)
    assert walker.status.records == stated.batches[OPERATIONAL][-1].tree_size
    assert "starts over" in caplog.text


def test_where_storage_does_not_answer_it_waits_and_goes_on(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    unsteady = Unsteady(stated.engine)
    walker = walk.walker()
    walker.walk(unsteady)
    assert unsteady.failures > 10
    assert walk.trail.kinds() == ["RECORD_CHANGED"]
    assert walker.status.records == sum(batches[-1].tree_size for batches in stated.batches.values())


def test_audit_records_that_are_refused_are_sent_again(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORDS_UNSIGNED"])
    walk.trail.refusals = 5
    walker = walk.walker()
    walker.walk(stated.engine)
    assert walk.trail.kinds() == ["RECORDS_UNSIGNED"]
    assert walk.trail.refusals == 0
    assert walker.status.unrecorded == 0


def test_audit_records_that_were_never_taken_are_told_by_the_next_process(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORDS_UNSIGNED"])
    walk.trail.refusals = 10**9
    walker = walk.walker()
    walker.walk(stated.engine)
    assert (walker.status.findings, walker.status.unrecorded) == ({"RECORDS_UNSIGNED": 1}, 1)
    walk.trail.refusals = 0
    walk.walker().walk(stated.engine)
    assert walk.trail.kinds() == ["RECORDS_UNSIGNED"]


def test_a_store_that_is_too_large_for_the_interval_is_told_of_and_not_hurried(
    walk: Walk, stated: Stated, caplog: pytest.LogCaptureFixture
) -> None:
    walk.watch.step = 60.0  # so slow is every step
    walker = walk.walker()
    walker.walk(stated.engine)
    status = walker.status
    assert status.is_behind
    assert status.walk_seconds > 12 * HOUR
    assert caplog.text.count("is behind") == 1
    assert status.busy_seconds <= 0.11 * walk.watch.time


def test_walks_follow_on_each_other_until_they_are_stopped(walk: Walk, stated: Stated) -> None:
    def stop(_: float) -> None:
        if walk.watch.time > 30 * HOUR:
            raise WorkStoppedError

    walk.watch.meanwhile = stop
    walker = walk.walker()
    with pytest.raises(WorkStoppedError):
        walker.run(stated.engine)
    assert walker.status.walks == 2


@pytest.mark.parametrize("hours", [5, 13], ids=["in the middle of a walk", "between two sections of the next"])
def test_a_key_that_is_marked_as_compromised_makes_the_walk_begin_anew_at_once(
    walk: Walk, stated: Stated, hours: int
) -> None:
    both = stated.keys_of(*stated.signers)
    marked = both + TrustedKeys(compromised={fingerprint(stated.signers[0].ed25519.public_key): 1})
    walk.trusted = both

    def mark_and_stop(_: float) -> None:
        if walk.watch.time > hours * HOUR:
            walk.trusted = marked
        if walk.watch.time > (hours + 12) * HOUR:
            raise WorkStoppedError

    walk.watch.meanwhile = mark_and_stop
    with pytest.raises(WorkStoppedError):
        walk.walker().run(stated.engine)
    # Every batch of the log's first key, though the walk had gone past some of them already.
    found = [notice for notice in walk.trail.taken if notice.kind == "SIGNED_BY_COMPROMISED_KEY"]
    assert len(found) == len(walk.trail.taken)
    begun = [at for (_, before), (at, mark) in pairwise(walk.marks) if before.origin > mark.origin]
    assert any(hours * HOUR <= at <= hours * HOUR + 120 for at in begun)
    for name in (AUDIT, OPERATIONAL):
        assert (
            sum(f"batch {number} of {name.origin}:" in notice.message for notice in found for number in range(1, 5))
            == 4
        )


class Unsteady:
    """An engine that fails at every third query, and in every third answer that comes in pieces."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked = 0
        self.failures = 0

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def execute(self, statement: str, /) -> None:
        raise AssertionError(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        raise AssertionError(table)

    def query(self, select: str, parameters: object = None, /, *, settings: object = None) -> bytes:
        self._fail_at_times()
        return self._engine.query(select, parameters, settings=settings)  # type: ignore[arg-type]

    def query_in_pieces(self, select: str, parameters: object = None, /, *, settings: object = None) -> Pieces:
        self._fail_at_times()
        return self._engine.query_in_pieces(select, parameters, settings=settings)  # type: ignore[arg-type]

    def close(self) -> None:
        raise AssertionError

    def _fail_at_times(self) -> None:
        self._asked += 1
        # Less and less often: a section has to succeed as a whole.
        if (self._asked * 7919) % 101 < 3 or self._asked < 9:
            self.failures += 1
            raise OutcomeUnknownError("cut off")


@pytest.mark.parametrize("rewritten", [False, True])
def test_a_log_that_was_seen_and_then_deleted_from_all_tables_is_found_in_every_pass(
    walk: Walk, rewritten: bool
) -> None:
    walk.walker().walk(walk.stated.engine)
    assert walk.trail.taken == []
    assert walk.seen.keys() == {OPERATIONAL.origin, AUDIT.origin}
    before = walk.seen[AUDIT.origin]
    for table in ("audit_logs", "log_batches", "log_tiles", "log_statements"):
        walk.stated.tamper(f"ALTER TABLE {table} DELETE WHERE LogId = '{AUDIT.log_id}'")
    if rewritten:
        walk.stated.write(AUDIT, 3, ingested_at=walk.stated.batches[AUDIT][0].ingested_at, state=LogState(AUDIT))
    for _ in range(2):
        walk.walker().walk(walk.stated.engine)
        assert "LOG_TRUNCATED" in walk.trail.kinds()
        assert walk.seen[AUDIT.origin] == before
    (notice,) = [notice for notice in walk.trail.taken if notice.kind == "LOG_TRUNCATED"]
    assert notice.origin == AUDIT.origin


@pytest.mark.parametrize("table", ["log_statements", "log_tiles", "audit_logs"])
def test_a_table_that_cannot_be_read_is_reported_while_storage_is_waited_for(walk: Walk, table: str) -> None:
    def stop(seconds: float) -> None:
        if seconds and walk.trail.taken:
            raise WorkStoppedError

    walk.watch.meanwhile = stop
    walk.stated.touch(table)
    walk.stated.engine.execute(f"RENAME TABLE {table} TO aside")
    try:
        with suppress(WorkStoppedError):
            walk.walker().walk(walk.stated.engine)
        assert "TABLE_ALTERED" in walk.trail.kinds()
        assert any(table in notice.message for notice in walk.trail.taken)
    finally:
        walk.stated.engine.execute(f"RENAME TABLE aside TO {table}")
