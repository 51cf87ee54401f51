"""Complete answers as somebody wants them, and their steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding
from server.notary.origin import Stream
from server.notary.statement import Statement
from server.query.checked_rows import Checked
from server.query.resolve import Query
from storage.condition_algebra import all_of, happened_within
from storage.conditions import Column, Condition, TimeWithin

__all__ = [
    "CLOCKS_AHEAD",
    "Complete",
    "Extent",
    "LogPart",
    "Matches",
    "ReadSoFar",
    "Step",
    "Summary",
]

CLOCKS_AHEAD = 86_400 * 10**9
"""Time by which clocks of senders may be ahead: a record that was received earlier before its own time is not read."""


@dataclass(frozen=True, slots=True)
class Complete:
    """A complete answer that somebody wants.

    Attributes:
        query: the query.
        streams: the streams whose records are looked for, at least one.
        since: earliest time of a record, in nanoseconds since the epoch; the time of receipt if it has none. Clocks of
            senders may be ahead by CLOCKS_AHEAD, so that records are read from that long before on.
        until: time after the latest one.
        received_since: earliest time of receipt; None for what ``since`` needs.
        received_until: time after the latest one; None for no end.
        kept: checkpoints and statements that are known independently of storage, whose signatures were checked.
    """

    query: Query
    streams: tuple[Stream, ...]
    since: int | None = None
    until: int | None = None
    received_since: int | None = None
    received_until: int | None = None
    kept: Sequence[Checkpoint | Statement] = ()

    def condition(self, stream: Stream) -> Condition:
        """Return the condition of the records of a stream."""
        received = (self.received_since, self.received_until)
        parts = [self.query.condition(stream), happened_within(self.since, self.until)]
        if received != (None, None):
            parts.append(TimeWithin(Column("IngestedAt"), *received))
        return all_of(parts)


@dataclass(frozen=True, slots=True)
class LogPart:
    """The part of a log that an answer is about.

    Attributes:
        origin: origin of the log.
        first: the first leaf.
        end: the leaf after the last one.
        checkpoint: latest signed checkpoint of the log, a signed note; empty if no valid one is stored. At the end of
            an answer, one that signs all of the part, if there is one.
    """

    origin: str
    first: int
    end: int
    checkpoint: str

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return max(0, self.end - self.first)


@dataclass(frozen=True, slots=True)
class Extent:
    """The logs that an answer is about: the first step.

    Attributes:
        logs: parts of logs.
        unsigned: streams of which storage has records that nobody signed, and the answer therefore none.
    """

    logs: Sequence[LogPart]
    unsigned: Sequence[Stream]


@dataclass(frozen=True, slots=True)
class Matches:
    """Matching records, each of which is what was signed, in the order of leaves."""

    records: Sequence[Checked]


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """Progress of an answer: the number of leaves that were read."""

    leaves: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The end of an answer.

    Attributes:
        logs: what was read.
        leaves: number of leaves of all logs.
        expired: number of their records that retention has dropped.
        findings: number of findings. There are none if the answer is complete.
        unsigned: as in the extent.
    """

    logs: Sequence[LogPart]
    leaves: int
    expired: int
    findings: int
    unsigned: Sequence[Stream]

    @property
    def is_complete(self) -> bool:
        """True if no record that matches is missing, but those that retention has dropped."""
        return bool(self.logs) and not self.findings


Step = Extent | Matches | ReadSoFar | Finding | Summary
