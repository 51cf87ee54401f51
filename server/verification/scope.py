"""Scope of a verification, and steps of its result besides findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement
from server.verification.lookup_check import Lookups
from storage.definitions import SkippedCheck

__all__ = ["Entries", "Progress", "Scope", "SkippedCheck", "Summary"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Scope of a verification.

    Attributes:
        since: verify at least what was received at or after this time, in nanoseconds since the epoch.
        until: verify at least what was received before this time, in nanoseconds since the epoch.
        checkpoints: earlier checkpoints and statements, whose signatures were checked.
        resume: checkpoints up to which logs were verified before.
        required: origins or IDs of logs that must have entries.
        lookups: records that are looked up as answers look them up.
    """

    since: int | None = None
    until: int | None = None
    checkpoints: Sequence[Checkpoint | Statement] = ()
    resume: Sequence[Checkpoint] = ()
    required: Sequence[str] = ()
    lookups: Lookups = field(default_factory=Lookups)

    @property
    def whole(self) -> bool:
        """True if no range of time is given."""
        return self.since is None and self.until is None


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a verification.

    Attributes:
        origin: origin of the log that is being verified.
        batches: number of batches verified so far, in all logs.
        records: number of records verified so far, in all logs.
        total_records: number of records to verify, in all logs.
        checkpoint: checkpoint from which verification can be resumed, a signed note; empty if nothing has been
            verified successfully yet.
    """

    origin: str
    batches: int
    records: int
    total_records: int
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a log that were verified.

    Attributes:
        origin: origin of the log.
        first: the first entry, from 0.
        end: number of the entry after the last one.
    """

    origin: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a verification.

    Attributes:
        logs: number of logs.
        batches: number of batches verified.
        records: number of their records, including those that retention has dropped.
        findings: number of findings.
        statements: number of valid statements.
        expired_records: number of records that retention has dropped.
        continued: number of logs that were verified from a signed checkpoint on, and are consistent with it.
        mismatched: number of the records that are missing, are not what was signed, or cannot be read.
        entries: if a part of the logs was verified, the entries of each.
        resumed: number of entries before the checkpoints of ``Scope.resume``, which were not read.
        nothing_received: a range of time is given, and no record was received in it.
        unread: origins of logs that were not verified, or not to their end, because a table cannot be read.
        skipped: checks that were left out for lack of a right.
        unanchored: origins of logs of which no checkpoint is known independently of storage, so that nothing shows
            whether they were cut off at the end.
        lookups: number of lookups that were replayed.
    """

    logs: int
    batches: int
    records: int
    findings: int
    statements: int = 0
    expired_records: int = 0
    continued: int = 0
    mismatched: int = 0
    entries: Sequence[Entries] = ()
    resumed: int = 0
    nothing_received: bool = False
    unread: Sequence[str] = ()
    skipped: Sequence[SkippedCheck] = ()
    unanchored: Sequence[str] = ()
    lookups: int = 0
