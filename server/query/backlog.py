"""Backlog of a tail: the leaves from a position in each log up to its head, in the order of commits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge

from server.query.log_heads import Committed, Head
from storage.engine import Engine
from storage.new_batches import batch_ends

__all__ = ["read_backlog"]

_ENDS = 500  # batches of a log in one read


def read_backlog(engine: Engine, logs: Mapping[str, Head], positions: Mapping[str, int]) -> Iterator[Committed]:
    """Yield the leaves of logs from positions up to their heads: by time of receipt, each log in order.

    Args:
        engine: the storage.
        logs: LogId -> head of the log.
        positions: LogId -> leaf; logs that are not in it are read from their first leaf.

    Raises:
        StorageError: storage cannot be read.
    """
    behind = ((log_id, head, positions.get(log_id, 0)) for log_id, head in logs.items())
    return merge(
        *(_of_log(engine, log_id, head, first) for log_id, head, first in behind if head.size > first),
        key=lambda each: (each.received, each.log_id),
    )


def _of_log(engine: Engine, log_id: str, head: Head, first: int) -> Iterator[Committed]:
    received = 0
    while ends := batch_ends(engine, log_id, first, head.size, _ENDS):
        for end, at in ends:
            if end > first:  # not a copy of a row
                received = max(received, at)
                yield Committed(log_id, head.stream, first, end, received, head.trusted)
                first = end
    if first < head.size:  # the row of the batch is gone
        yield Committed(log_id, head.stream, first, head.size, received, head.trusted)
