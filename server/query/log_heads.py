"""Heads of logs, and which batches count for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.notary.batch import Batch, compute_batch_id
from server.notary.chain import check_batch
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.verification.homes import is_log

__all__ = ["MOST_UNSIGNED", "Committed", "Head", "Heads", "counted_batches", "head_of"]

MOST_UNSIGNED = 1 << 20
"""Records of a batch, at most, if no trusted key signed it."""

_LARGEST_UNSIGNED = 1 << 48  # entries of a log, likewise


@dataclass(frozen=True, slots=True)
class Head:
    """Last batch of a log.

    Attributes:
        origin: origin of the log.
        stream: its stream.
        sequence: number of the batch, which is not signed.
        size: number of entries in the log after it.
        root: root hash of the log after it.
        trusted: True if a trusted key signed it.
        anew: True if what was noticed of the log before was not signed by a trusted key, and is no part of it.
    """

    origin: str
    stream: Stream
    sequence: int
    size: int
    root: bytes
    trusted: bool
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """Leaves [first, end) of a log that were noticed together.

    Attributes:
        log_id: the log.
        stream: its stream.
        first: the first leaf.
        end: the leaf after the last one.
        received: latest time of receipt, in nanoseconds since the epoch.
        trusted: True if a trusted key signed them.
    """

    log_id: str
    stream: Stream
    first: int
    end: int
    received: int
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Heads:
    """State of the feed.

    Attributes:
        number: number of all that the feed has noticed.
        logs: LogId -> head of the log.
    """

    number: int
    logs: Mapping[str, Head]


def counted_batches(batches: Iterable[Batch], keys: TrustedKeys) -> list[tuple[Batch, bool]]:
    """Return the batches that may count, with whether a trusted key signed each."""
    found = []
    for batch in batches:
        if is_log(batch.log_id, batch.origin):
            problem = check_batch(batch, keys)
            if problem is None or (problem.signers and _is_whole(batch)):
                found.append((batch, problem is None))
    return found


def _is_whole(batch: Batch) -> bool:
    """Return whether the columns of a batch that only others signed agree with each other and are not too large."""
    try:
        checkpoint, _ = open_checkpoint(batch.checkpoint)
    except VerificationError:
        return False
    return (
        (checkpoint.origin, checkpoint.size, checkpoint.root) == (batch.origin, batch.tree_size, batch.root_hash)
        and 0 < batch.record_count == batch.tree_size - batch.first_leaf
        and batch.record_count <= MOST_UNSIGNED
        and batch.tree_size <= _LARGEST_UNSIGNED
        and compute_batch_id(batch) == batch.batch_id
    )


def head_of(batch: Batch, *, trusted: bool, anew: bool = False) -> Head:
    """Return the head of a log after a batch that counts."""
    # No log has more batches than entries: a larger number is a wrong one, after which none would be found.
    sequence = min(batch.sequence, batch.tree_size)
    stream = LogName.parse(batch.origin).stream
    return Head(batch.origin, stream, sequence, batch.tree_size, batch.root_hash, trusted, anew)
