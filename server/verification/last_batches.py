"""The last batch of a log: the valid batch with the largest tree, regardless of inserted rows.

Sequence and IngestedAt of a batch are not signed: a copy of an old batch may have any values in them. TreeSize is
signed, so it decides which valid batch is the last one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from server.notary.batch import Batch
from server.notary.chain import check_batch
from server.notary.findings import Finding
from server.notary.trust import TrustedKeys
from server.verification.homes import is_log
from storage.batch_lookup import origin_of_log, read_largest_batches
from storage.checkpoints import read_batches_of_size, read_last_batches
from storage.engine import Engine

__all__ = ["LastBatch", "is_signed_size", "last_batch_of", "last_batches", "last_valid_batch", "last_valid_batches"]

_FIRST_ROWS, _MOST_ROWS = 20, 1000  # rows in a read


@dataclass(frozen=True, slots=True)
class LastBatch:
    """The last batch of a log.

    Attributes:
        log_id: the log.
        valid: the largest batch that is valid; None if no batch is.
        others: rows with the largest TreeSize, each with its finding; empty if one of them is valid.
    """

    log_id: str
    valid: Batch | None
    others: tuple[tuple[Batch, Finding], ...] = ()

    @property
    def largest(self) -> Batch:
        """The largest batch that is valid; if no batch is, the first of the others."""
        return self.valid or self.others[0][0]


def last_batches(engine: Engine, keys: TrustedKeys) -> list[LastBatch]:
    """Return the last batch of each LogId that has rows, ordered by origin.

    Raises:
        StorageError: storage cannot be read.
    """
    rows: dict[str, list[Batch]] = {}
    for batch in read_last_batches(engine):
        rows.setdefault(batch.log_id, []).append(batch)
    return [_last(engine, keys, log_id, found) for log_id, found in rows.items()]


def last_batch_of(engine: Engine, keys: TrustedKeys, log_id: str) -> LastBatch | None:
    """Return the last batch of a log; None if no row has its LogId.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = read_last_batches(engine, log_id)
    return _last(engine, keys, log_id, rows) if rows else None


def last_valid_batches(engine: Engine, keys: TrustedKeys) -> dict[str, Batch]:
    """Return LogId -> last valid batch, for each log that has one, ordered by origin.

    Raises:
        StorageError: storage cannot be read.
    """
    return {last.log_id: last.valid for last in last_batches(engine, keys) if last.valid is not None}


def last_valid_batch(
    engine: Engine, keys: TrustedKeys, log_id: str, origin: str, *, received: int | None = None
) -> Batch | None:
    """Return the valid batch of a log with the largest TreeSize; None if no batch is valid.

    Args:
        engine: the storage.
        keys: trusted public keys.
        log_id: the log.
        origin: its origin.
        received: earliest IngestedAt of the batch, in nanoseconds since the epoch; None for all.

    Raises:
        StorageError: storage cannot be read.
    """
    return next(_valid(engine, keys, log_id, origin, received), None)


def is_signed_size(engine: Engine, keys: TrustedKeys, log_id: str, size: int, root: bytes) -> bool:
    """Return whether a valid batch ends at a size of a log, with a root hash that starts with these bytes.

    Raises:
        StorageError: storage cannot be read.
    """
    return any(
        batch.root_hash.startswith(root) and check_batch(batch, keys) is None
        for batch in read_batches_of_size(engine, log_id, size)
    )


def _last(engine: Engine, keys: TrustedKeys, log_id: str, rows: list[Batch]) -> LastBatch:
    others = []
    for batch in rows:
        problem = check_batch(batch, keys)
        if problem is None:
            return LastBatch(log_id, batch)
        others.append((batch, problem))
    origin = next((batch.origin for batch in rows if is_log(log_id, batch.origin)), "") or origin_of_log(engine, log_id)
    valid = last_valid_batch(engine, keys, log_id, origin) if is_log(log_id, origin) else None
    return LastBatch(log_id, valid, tuple(others))


def _valid(engine: Engine, keys: TrustedKeys, log_id: str, origin: str, received: int | None = None) -> Iterator[Batch]:
    """Yield the valid batches of a log, the largest TreeSize first."""
    marks = [f"\n— {key.name} {base64.b64encode(key.key_id).decode()[:5]}" for key in keys.every(origin)]
    offset, limit = 0, _FIRST_ROWS
    while marks and (rows := read_largest_batches(engine, log_id, marks, limit, offset, received)):
        yield from (batch for batch in rows if check_batch(batch, keys) is None)
        if len(rows) < limit:
            return
        offset, limit = offset + limit, _MOST_ROWS
