"""Attribution of rows to logs, by the rows' own columns."""

from __future__ import annotations

from collections.abc import Iterator

from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.counted import counted
from server.notary.errors import VerificationError
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName

__all__ = ["is_log", "log_id_of", "origin_of_row", "unlisted_batches"]


def is_log(log_id: str, origin: str) -> bool:
    """Return whether an origin is valid, and a LogId is its short ID."""
    return bool(log_id) and log_id_of(origin) == log_id


def log_id_of(origin: str) -> str:
    """Return the short ID of an origin; empty if the origin is invalid."""
    try:
        return LogName.parse(origin).log_id
    except VerificationError:
        return ""


def origin_of_row(batch: Batch) -> str:
    """Return the origin of the log that a broken batch belongs to, by the majority of its columns."""
    try:
        signed = open_checkpoint(batch.checkpoint)[0].origin
    except VerificationError:
        return batch.origin
    return signed if batch.origin == signed or log_id_of(signed) == batch.log_id else batch.origin


def unlisted_batches(count: int) -> Iterator[Finding]:
    """Report rows of ``log_batches`` that belong to no log and were only counted."""
    if count:
        what = counted(
            count, "further row of log_batches belongs to no log", "further rows of log_batches belong to no log"
        )
        yield Finding(FindingKind.BATCH_ALTERED, what)
