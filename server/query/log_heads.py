"""Heads of logs, and the choice of the batches that count."""

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
"""Maximum number of records in a batch that no trusted key signed."""

_LARGEST_UNSIGNED = 1 << 48  # maximum number of entries in a log that no trusted key signed


@dataclass(frozen=True, slots=True)
class Head:
    """Last batch of a log.

    Attributes:
        origin: origin of the log.
        stream: its stream.
        sequence: number of the batch, which is not signed.
        size: number of entries in the log after the batch.
        root: root hash of the log after the batch.
        trusted: True if a trusted key signed the batch.
        anew: True if the earlier batches that the feed noticed have no trusted signature, and do not belong to the log.
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
    """Leaves [first, end) of a log that the feed noticed together.

    Attributes:
        log_id: the log.
        stream: its stream.
        first: the first leaf.
        end: the leaf after the last one.
        received: latest time of receipt, in nanoseconds since the epoch.
        trusted: True if a trusted key signed the leaves.
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
        number: number of ranges of leaves that the feed has noticed.
        logs: LogId -> head of the log.
    """

    number: int
    logs: Mapping[str, Head]


def counted_batches(batches: Iterable[Batch], keys: TrustedKeys) -> list[tuple[Batch, bool]]:
    """Return the batches that may count, each with True if a trusted key signed it."""
    found = []
    for batch in batches:
        if is_log(batch.log_id, batch.origin):
            problem = check_batch(batch, keys)
            if problem is None or (problem.signers and _is_whole(batch)):
                found.append((batch, problem is None))
    return found


def _is_whole(batch: Batch) -> bool:
    """Return whether the columns of a batch without a trusted signature are consistent and not too large."""
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
    # A log has no more batches than entries: a larger number is wrong, and no batch would be found after it.
    sequence = min(batch.sequence, batch.tree_size)
    stream = LogName.parse(batch.origin).stream
    return Head(batch.origin, stream, sequence, batch.tree_size, batch.root_hash, trusted, anew)
