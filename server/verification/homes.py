"""Which log a row belongs to, by what it says itself."""

from __future__ import annotations

from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.origin import LogName

__all__ = ["log_id_of", "origin_of_row"]


def log_id_of(origin: str) -> str:
    """Return the short ID of a log's origin; empty where that is none."""
    try:
        return LogName.parse(origin).log_id
    except VerificationError:
        return ""


def origin_of_row(batch: Batch) -> str:
    """Return the origin of the log that a broken batch belongs to, by what most of its row says."""
    try:
        signed = open_checkpoint(batch.checkpoint)[0].origin
    except VerificationError:
        return batch.origin
    return signed if batch.origin == signed or log_id_of(signed) == batch.log_id else batch.origin
