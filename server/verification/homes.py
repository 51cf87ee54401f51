"""Attribution of rows to logs, by the rows' own columns."""

from __future__ import annotations

from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.origin import LogName

__all__ = ["log_id_of", "origin_of_row"]


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
