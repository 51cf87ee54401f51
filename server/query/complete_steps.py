"""Requests for complete answers, and the steps of an answer."""

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
"""Nanoseconds by which the clock of a sender may be ahead; a record from a clock further ahead may not be read."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Request for a complete answer.

    Attributes:
        query: the query.
        streams: streams to search, at least one.
        since: earliest time of a record, in nanoseconds since the epoch; the time of receipt if the record has none.
            Clocks of senders may be ahead by CLOCKS_AHEAD, so records received that long before it are read too.
        until: time after the latest record.
        received_since: earliest time of receipt; None to derive it from ``since``.
        received_until: time after the latest receipt; None for no end.
        kept: checkpoints and statements known independently of storage, with valid signatures.
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
    """The part of a log that an answer covers.

    Attributes:
        origin: origin of the log.
        first: the first leaf.
        end: the leaf after the last one.
        checkpoint: latest signed checkpoint of the log, a signed note; empty if no valid checkpoint is stored. At the
            end of an answer, a checkpoint that signs all of the part, if there is one.
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
    """First step: the logs that an answer covers.

    Attributes:
        logs: parts of logs.
        unsigned: streams that have unsigned records, which the answer cannot have.
    """

    logs: Sequence[LogPart]
    unsigned: Sequence[Stream]


@dataclass(frozen=True, slots=True)
class Matches:
    """Step with matching records, all verified, in the order of leaves."""

    records: Sequence[Checked]


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """Step with progress: the number of leaves read so far."""

    leaves: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Last step of an answer.

    Attributes:
        logs: the parts of logs that were read.
        leaves: number of leaves in all parts.
        expired: number of leaves with records that retention has dropped.
        findings: number of findings; 0 if the answer is complete.
        unsigned: streams that have unsigned records, as in the extent.
    """

    logs: Sequence[LogPart]
    leaves: int
    expired: int
    findings: int
    unsigned: Sequence[Stream]

    @property
    def is_complete(self) -> bool:
        """True if no matching record is missing, except records that retention has dropped."""
        return bool(self.logs) and not self.findings


Step = Extent | Matches | ReadSoFar | Finding | Summary
