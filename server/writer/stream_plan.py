"""The plan of a signed stream: its name, its limits, and how long its records are kept."""

from __future__ import annotations

from dataclasses import dataclass

from server.notary.origin import LogName

__all__ = ["Retention", "StreamPlan"]


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention of the records of a stream, as statements say it.

    Attributes:
        seconds: seconds for which every record is kept, None for ever.
        rules: rules by which records are kept for different times; empty for none.
    """

    seconds: int | None
    rules: str = ""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Plan of a signed stream.

    Attributes:
        name: name of the log of records without a tenant.
        journal_bytes: bytes that the journal of batches may take.
        batch_bytes: size in bytes at which a batch is closed.
        retention: how long the records are kept.
        in_commits: batches are stored by those who commit them, so that keys change at once; else keys change in the
            order of the journal.
    """

    name: LogName
    journal_bytes: int
    batch_bytes: int
    retention: Retention
    in_commits: bool
