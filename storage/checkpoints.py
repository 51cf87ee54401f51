"""Reads of the checkpoints of logs, and of the entries they cover."""

from __future__ import annotations

from server.notary.batch import Batch
from server.notary.canonical import VERSIONS
from server.notary.origin import Stream
from storage.engine import Engine
from storage.evidence import select_batches
from storage.rowbinary import fixed32, read_rows, uint64
from storage.schema import RECORD_TABLES, canonical_expressions

__all__ = ["nearest_sizes", "read_batches_of_size", "read_entries", "read_last_batches"]


def read_last_batches(engine: Engine, log_id: str | None = None, most: int = 100) -> list[Batch]:
    """Return the rows with the largest TreeSize of each log, ordered by origin.

    Sequence is not signed: a copy of an old row may have the largest one.

    Args:
        engine: the storage.
        log_id: the only log to look for; None for all logs.
        most: number of rows of each log, at most.

    Raises:
        StorageError: storage cannot be read.
    """
    of_log = "" if log_id is None else "LogId = {log:String}"
    return select_batches(
        engine,
        f"{of_log and of_log + ' AND '}(LogId, TreeSize) IN "
        f"(SELECT LogId, max(TreeSize) FROM log_batches {of_log and 'WHERE ' + of_log} GROUP BY LogId) "
        f"ORDER BY Origin, LogId, Sequence, BatchId LIMIT {int(most)} BY LogId",
        {} if log_id is None else {"log": log_id},
    )


def read_batches_of_size(engine: Engine, log_id: str, tree_size: int, most: int = 1000) -> list[Batch]:
    """Return the batches at which a log reaches a size, at most ``most``: one, unless storage was altered."""
    return select_batches(
        engine,
        f"LogId = {{log:String}} AND TreeSize = {{size:UInt64}} ORDER BY Sequence, BatchId LIMIT {int(most)}",
        {"log": log_id, "size": tree_size},
    )


def nearest_sizes(engine: Engine, log_id: str, tree_size: int) -> list[int]:
    """Return the nearest smaller and larger sizes at which a batch of a log ends, if they exist."""
    rows = engine.query(
        "SELECT arrayJoin([maxIf(TreeSize, TreeSize < {size:UInt64}), minIf(TreeSize, TreeSize > {size:UInt64})]) "
        "AS Size FROM log_batches WHERE LogId = {log:String} HAVING Size > 0",
        {"log": log_id, "size": tree_size},
    )
    return [size for (size,) in read_rows(rows, (uint64,))]


def read_entries(
    engine: Engine, stream: Stream, log_id: str, first_leaf: int, end_leaf: int
) -> list[tuple[int, list[bytes]]]:
    """Return the leaf of each row that claims one of a range, and its entry: SHA-256 of the canonical record.

    A row does not say which version of the canonical record was signed, so there is an entry for each version.
    ClickHouse computes the hashes, so no contents are read. It may lie: check them against the tree.
    """
    entries = (
        f"SHA256(formatRowNoNewline('RowBinary', {canonical_expressions(stream, version)}))" for version in VERSIONS
    )
    rows = engine.query(
        f"SELECT LeafIndex, {', '.join(entries)} "
        f"FROM {RECORD_TABLES[stream]} WHERE LogId = {{log:String}} "
        "AND LeafIndex >= {first:UInt64} AND LeafIndex < {end:UInt64} ORDER BY LeafIndex",
        {"log": log_id, "first": first_leaf, "end": end_leaf},
    )
    readers = (uint64, *(fixed32 for _ in VERSIONS))
    return [(leaf_index, found) for leaf_index, *found in read_rows(rows, readers)]
