"""Reads for tails: new batches, and the leaves that are still stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from server.notary.batch import Batch
from server.notary.canonical import leaf_of
from server.notary.origin import Stream
from storage.engine import Engine
from storage.evidence import BATCH_FIELDS, select_batches
from storage.records import Lookup, leaf_expression
from storage.rowbinary import int64, read_rows, text, uint64
from storage.schema import RECORD_TABLES
from storage.stored_records import StoredRecord, select_records

__all__ = [
    "LeafRange",
    "batch_ends",
    "find_grown",
    "next_leaf",
    "read_batches_after",
    "read_missing",
    "read_ranges",
]

_PLACE = "LogId, LeafIndex, BatchId, Leaf"


@dataclass(frozen=True, slots=True)
class LeafRange:
    """Leaves [first, end) of a log."""

    log_id: str
    first: int
    end: int


def read_batches_after(
    engine: Engine, places: Mapping[str, tuple[int, int]], most: int, offset: int = 0
) -> list[Batch]:
    """Return the batches of logs after given ones, ordered by LogId and TreeSize.

    Args:
        engine: the storage.
        places: LogId -> Sequence and TreeSize that the batches must exceed; a Sequence of -1 is not compared.
        most: number of batches of each log, at most.
        offset: number of batches of each log to skip first.

    Raises:
        StorageError: storage cannot be read.
    """
    if not places:
        return []
    logs = list(places)
    wanted = " OR ".join(
        f"LogId = {{log_{number}:String}} AND {_beyond(*places[log_id])}" for number, log_id in enumerate(logs)
    )
    parameters = {f"log_{number}": log_id for number, log_id in enumerate(logs)}
    ordered = f"ORDER BY LogId, TreeSize, {BATCH_FIELDS} LIMIT {int(most)} OFFSET {int(offset)} BY LogId"
    return select_batches(engine, f"({wanted}) {ordered}", parameters)


def find_grown(engine: Engine, others: Collection[str], received: int) -> dict[str, int]:
    """Return the largest TreeSize of the batches that were received from a time on.

    Args:
        engine: the storage.
        others: logs to leave out.
        received: the time, in nanoseconds since the epoch.

    Returns:
        LogId -> TreeSize, of the logs that have such batches.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query(
        "SELECT toString(LogId), max(TreeSize) FROM log_batches WHERE LogId NOT IN {logs:Array(String)} "
        f"AND IngestedAt >= fromUnixTimestamp64Nano(toInt64({int(received)}), 'UTC') GROUP BY LogId",
        {"logs": sorted(others)},
    )
    return dict(read_rows(rows, (text, uint64)))


def batch_ends(engine: Engine, log_id: str, first: int, end: int, most: int) -> list[tuple[int, int]]:
    """Return TreeSize and IngestedAt of the first batches of a log that end within the leaves (first, end].

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query(
        "SELECT TreeSize, IngestedAt FROM log_batches WHERE LogId = {log:String} "
        f"AND TreeSize > {int(first)} AND TreeSize <= {int(end)} ORDER BY TreeSize LIMIT {int(most)}",
        {"log": log_id},
    )
    return list(read_rows(rows, (uint64, int64)))


def read_ranges(
    engine: Engine, lookup: Lookup, ranges: Sequence[LeafRange], limit: int, after: StoredRecord | None = None
) -> list[StoredRecord]:
    """Return the first rows of a lookup that claim leaves in ranges, ordered by log and leaf; at most two equal rows.

    Args:
        engine: the storage.
        lookup: the rows.
        ranges: the ranges, of any logs.
        limit: number of rows, at most.
        after: row after which the result starts.

    Raises:
        StorageError: storage cannot be read.
    """
    where, parameters = _within(ranges)
    conditions = [lookup.condition, where]
    parameters |= lookup.parameters
    if after is not None:
        conditions.append(
            "(toString(LogId), LeafIndex, BatchId, Leaf) > ({after_log:String}, "
            f"{int(after.leaf_index)}, {{after_batch:UUID}}, toFixedString(unhex({{after_hash:String}}), 32))"
        )
        parameters |= {
            "after_log": after.log_id,
            "after_batch": str(after.batch_id),
            "after_hash": leaf_of(after.canonical).hex(),
        }
    ordered = f"{' AND '.join(conditions)} ORDER BY {_PLACE} LIMIT 2 BY {_PLACE} LIMIT {int(limit)}"
    alias = f"{leaf_expression(lookup.stream)} AS Leaf"
    return list(select_records(engine, lookup.stream, ordered, parameters, alias=alias))


def next_leaf(engine: Engine, stream: Stream, log_id: str, first: int) -> int | None:
    """Return the first leaf of a log, from a leaf on, that any row claims; None if no row does.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query(
        f"SELECT min(LeafIndex), count() FROM {RECORD_TABLES[stream]} "
        f"WHERE LogId = {{log:String}} AND LeafIndex >= {int(first)}",
        {"log": log_id},
    )
    ((leaf, count),) = read_rows(rows, (uint64, uint64))
    return leaf if count else None


def read_missing(engine: Engine, stream: Stream, ranges: Sequence[LeafRange]) -> list[LeafRange]:
    """Return the parts of ranges of committed leaves that no row claims any more.

    Raises:
        StorageError: storage cannot be read.
    """
    if not ranges:
        return []
    where, parameters = _within(ranges)
    table = RECORD_TABLES[stream]
    counts = engine.query(f"SELECT uniqExact(LogId, LeafIndex) FROM {table} WHERE {where}", parameters)
    ((stored,),) = read_rows(counts, (uint64,))
    if stored == sum(one.end - one.first for one in ranges):
        return []
    rows = engine.query(
        f"SELECT DISTINCT toString(LogId) AS Log, LeafIndex FROM {table} WHERE {where} ORDER BY Log, LeafIndex",
        parameters,
    )
    found: dict[str, list[int]] = {}
    for log_id, leaf in read_rows(rows, (text, uint64)):
        found.setdefault(log_id, []).append(leaf)
    missing: list[LeafRange] = []
    for one in ranges:
        at = one.first
        for leaf in [*(leaf for leaf in found.get(one.log_id, ()) if one.first <= leaf < one.end), one.end]:
            if leaf > at:
                missing.append(LeafRange(one.log_id, at, leaf))
            at = leaf + 1
    return missing


def _beyond(sequence: int, size: int) -> str:
    larger = f"TreeSize > {int(size)}"
    return larger if sequence < 0 else f"Sequence > {int(sequence)} AND {larger}"


def _within(ranges: Sequence[LeafRange]) -> tuple[str, dict[str, object]]:
    logs = sorted({one.log_id for one in ranges})
    parts = [
        f"LogId = {{range_log_{logs.index(one.log_id)}:String}} AND LeafIndex >= {int(one.first)} "
        f"AND LeafIndex < {int(one.end)}"
        for one in ranges
    ]
    return f"({' OR '.join(parts)})", {f"range_log_{number}": log_id for number, log_id in enumerate(logs)}
