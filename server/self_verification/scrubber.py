"""Scrubber: verification of the whole storage, section by section, pass after pass."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol, TypeVar

from server.errors.files import reason_of
from server.notary.checkpoint import Checkpoint
from server.notary.counted import counted
from server.notary.errors import NotaryError
from server.notary.origin import LogName
from server.notary.statement import Statement
from server.notary.trust import TrustedKeys, check_checkpoint
from server.own_records.sender import NotRecordedError
from server.retry.backoff import backoff
from server.self_verification.finding_ledger import FindingLedger, Notice
from server.self_verification.last_checkpoints import last_checkpoints
from server.self_verification.progress_file import ScrubProgress
from server.self_verification.section_result import SectionResult, verify_section, verify_tables
from server.self_verification.status import SelfVerification
from server.self_verification.throttle import Clock, Throttle, ThrottledEngine
from server.verification.lookup_check import Lookups
from server.verification.sections import (
    ResumePoint,
    Section,
    SectionLimits,
    VerificationContext,
    next_section,
    read_context,
)
from storage.engine import Engine
from storage.errors import StorageError
from storage.inventory import LogExtent

__all__ = ["Scrubber", "Subject", "Trail"]

_logger = logging.getLogger(__name__)
_Result = TypeVar("_Result")

_SHARE = 0.1  # of the time that one thread works
_LATE = 0.05  # of the interval that a walk may be behind its time before that is said
# Seconds after which a finding has to be found again before it is told. What was being written then, or dropped by
# retention, is settled by now: storage that keeps a writer waiting for longer does not answer here either.
_SECOND_LOOK = 60.0
_SECOND_LOOK_SHARE = 1 / 60  # of the interval, at most
_MARKS_UNSEEN = 60.0  # seconds for which a compromise mark may go unnoticed between sections
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds after something failed, doubled each time
_AT_ONCE = 100  # audit records in one request


class _KeysMarkedError(Exception):
    """The set of compromised keys has changed since the pass began."""


class Trail(Protocol):
    """Recorder of findings."""

    def record(self, notices: Sequence[Notice], /) -> None:
        """Record notices; returns once they are acknowledged, raises NotRecordedError."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject of verification.

    Attributes:
        keys: returns the trusted public keys, which may change at any time.
        remembered: returns checkpoints and statements that storage must contain.
        limits: limits of a section.
        seen: called at the beginning of a pass with the last checkpoint of each log that extends what is remembered of
            it, a signed note; may raise OSError.
    """

    keys: Callable[[], TrustedKeys]
    remembered: Callable[[], Sequence[Checkpoint | Statement]]
    limits: SectionLimits = field(default_factory=SectionLimits)
    seen: Callable[[str], object] = lambda _: None


class Scrubber:
    """Verifies a storage once per interval, in one thread, with a limited share of its time."""

    def __init__(
        self,
        subject: Subject,
        interval: float,
        clock: Clock,
        trail: Trail,
        progress: ScrubProgress,
        keep: Callable[[ScrubProgress], None],
    ) -> None:
        """Continue from recorded progress.

        Args:
            subject: the subject of verification.
            interval: seconds that a pass should take.
            clock: the clock.
            trail: the recorder of findings.
            progress: the progress of the previous process.
            keep: called with the current progress after each step; may raise OSError.
        """
        self._subject = subject
        self._engine: Engine | None = None  # during a pass
        self._interval = interval
        self._clock = clock
        self._trail = trail
        self._keep = keep
        self._pace = Throttle(clock, _SHARE)
        self._notices = FindingLedger(progress.recorded, progress.seen)
        self._progress = progress
        self._began = clock.monotonic() - progress.elapsed
        self._pauses = backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)  # after audit records were refused
        self._marks = subject.keys().compromised  # when the pass began
        self._status = SelfVerification(interval, findings=self._notices.by_kind())

    def run(self, engine: Engine) -> None:
        """Run passes over a storage, on dedicated connections; raises WorkStoppedError."""
        while True:
            try:
                self.walk(engine)
                self._wait(self._interval - self._elapsed)
            except _KeysMarkedError:
                # Sections that verified may be signed by such a key, and whoever marks one waits for the result.
                _logger.info("self-verification starts a new pass: the set of compromised keys has changed")
                self._mark("", ResumePoint())
            self._began = self._clock.monotonic()

    def walk(self, engine: Engine) -> None:
        """Run one pass over a storage, from the recorded progress; raises WorkStoppedError."""
        paced = self._engine = ThrottledEngine(engine, self._pace)
        self._marks = self._subject.keys().compromised
        self._publish(walk_started=self._clock.now() - self._elapsed, is_behind=False)
        context, outside = self._verify(paced, self._read_context(paced), None)
        self._remember(paced, context, outside)
        total = max(1, sum(map(_weight, context.logs)))
        before = 0
        # All that is stored now, and not what comes meanwhile: so the walk comes to an end.
        for log in context.logs:
            if log.origin >= self._progress.origin:
                place = self._marked_place(log, context)
                while section := self._section(paced, log, place):
                    self._be_on_time((before + min(place.leaf, _weight(log))) / total)
                    context, done = self._verify(paced, context, section)
                    place = done.place
                    self._mark(log.origin, place)
            before += _weight(log)
        self._end()

    @property
    def status(self) -> SelfVerification:
        """Status so far. Thread-safe."""
        return replace(self._status, busy_seconds=self._pace.busy)

    @property
    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began

    def _verify(
        self, engine: Engine, context: VerificationContext, section: Section | None
    ) -> tuple[VerificationContext, SectionResult]:
        """Verify a section, or what lies outside all sections. A finding is reported only if it is found twice."""
        lookups = Lookups(seed=secrets.token_hex())  # both looks are at the same records
        seen = self._surely(lambda: verify_section(engine, context, section, lookups))
        if any(map(self._notices.is_new, seen.found.values())):
            self._wait(min(_SECOND_LOOK, self._interval * _SECOND_LOOK_SHARE))
            context = self._read_context(engine)
            first, seen = seen, self._surely(lambda: verify_section(engine, context, section, lookups))
            kept = {
                key: notice
                for key, notice in seen.found.items()
                if key in first.found or not self._notices.is_new(notice)
            }
            seen = replace(seen, found=kept)
        for notice in self._notices.take(seen.found.values()):
            _logger.error("self-verification: %s: %s", notice.kind, notice.message)
        status = self._status
        self._publish(
            batches=status.batches + seen.batches,
            records=status.records + seen.records,
            expired=status.expired + seen.expired,
        )
        self._send()
        return context, seen

    def _read_context(self, engine: Engine) -> VerificationContext:
        subject, slowly = self._subject, self._pace.slowly
        return self._surely(lambda: read_context(engine, subject.keys(), subject.remembered, slowly))

    def _section(self, engine: Engine, log: LogExtent, place: ResumePoint) -> Section | None:
        return self._surely(lambda: next_section(engine, log, place, self._subject.limits))

    def _marked_place(self, log: LogExtent, context: VerificationContext) -> ResumePoint:
        marked = self._progress
        if marked.origin != log.origin:
            return ResumePoint()
        try:
            if marked.note and LogName.parse(log.origin) != _name_in(check_checkpoint(marked.note, context.keys)):
                return ResumePoint()
        except NotaryError as error:
            _logger.warning("self-verification of %s starts over: %s", log.origin, error)
            return ResumePoint()
        return ResumePoint(marked.leaf, marked.note)

    def _surely(self, step: Callable[[], _Result]) -> _Result:
        """Retry a step until storage answers."""
        pauses = backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        waits = False
        while True:
            try:
                return step()
            except StorageError as error:
                if not waits:
                    _logger.warning("self-verification is waiting for storage: %s", error)
                    self._report_altered_tables()
            waits = True
            self._wait(next(pauses))

    def _report_altered_tables(self) -> None:
        """Report the reason why storage cannot be read, if it is that a table was altered."""
        if self._engine is None:
            return
        with suppress(StorageError):
            for notice in self._notices.take(verify_tables(self._engine).values()):
                _logger.error("self-verification: %s: %s", notice.kind, notice.message)
            self._send()

    def _be_on_time(self, done: float) -> None:
        """Wait until the next step is due, given the part of the pass that is done; log if the pass is behind."""
        late = self._elapsed - self._interval * done
        is_behind = late > self._interval * _LATE
        if is_behind and not self._status.is_behind:
            _logger.warning(
                "self-verification is behind: after %.1f hours the pass has verified %.0f %% of the storage, but the "
                "interval is %.1f hours; give --self-verify a longer interval",
                self._elapsed / 3600,
                100 * done,
                self._interval / 3600,
            )
        self._publish(is_behind=is_behind)
        self._wait(-late)

    def _wait(self, seconds: float) -> None:
        """Wait, and meanwhile retry to record unrecorded findings; raises _KeysMarkedError."""
        end = self._clock.monotonic() + seconds
        while True:
            left = end - self._clock.monotonic()
            unsent = bool(self._notices.unsent) and left > 0
            spell = min(left, next(self._pauses) if unsent else _MARKS_UNSEEN)
            self._pace.wait(spell)
            if self._subject.keys().compromised != self._marks:
                raise _KeysMarkedError
            if unsent:
                self._send()
            if spell == left:
                return

    def _send(self) -> None:
        while notices := list(islice(self._notices.unsent.values(), _AT_ONCE)):
            try:
                self._trail.record(notices)
            except NotRecordedError as error:
                unsent = counted(len(self._notices.unsent), "finding is", "findings are")
                _logger.warning("%s not recorded yet: %s", unsent, error)
                break
            self._notices.sent(notices)
            self._pauses = backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)
            self._mark(self._progress.origin, ResumePoint(self._progress.leaf, self._progress.note))
        self._publish()

    def _mark(self, origin: str, place: ResumePoint) -> None:
        elapsed = self._elapsed if origin else 0.0  # a walk that has not begun yet
        self._progress = ScrubProgress(
            elapsed, origin, place.leaf, place.note, self._notices.recorded(), self._notices.seen()
        )
        try:
            self._keep(self._progress)
        except OSError as error:
            _logger.warning("after a restart, self-verification cannot continue from here: %s", reason_of(error))

    def _remember(self, engine: Engine, context: VerificationContext, outside: SectionResult) -> None:
        notes = self._surely(lambda: last_checkpoints(engine, context, outside))
        try:
            for note in notes:
                self._subject.seen(note)
        except OSError as error:
            _logger.warning("logs cannot be remembered, so their deletion could go unnoticed: %s", reason_of(error))

    def _end(self) -> None:
        gone = self._notices.end_walk()
        if gone:
            what = counted(gone, "finding of the previous pass is", "findings of the previous pass are")
            _logger.info("self-verification: %s gone", what)
        self._mark("", ResumePoint())
        now, took = self._clock.now(), self._elapsed
        self._publish(walks=self._status.walks + 1, walk_finished=now, walk_seconds=took)

    def _publish(self, **changes: Any) -> None:
        findings, unrecorded = self._notices.by_kind(), len(self._notices.unsent)
        self._status = replace(self._status, findings=findings, unrecorded=unrecorded, **changes)


def _weight(log: LogExtent) -> int:
    return min(log.size, log.records)  # equal, unless a row was altered


def _name_in(kept: Checkpoint | Statement) -> LogName:
    checkpoint = kept.checkpoint if isinstance(kept, Statement) else kept
    return LogName.parse(checkpoint.origin)
