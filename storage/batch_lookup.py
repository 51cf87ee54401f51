"""Reads of the batches that records claim to belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from server.notary.batch import Batch
from storage.engine import Engine
from storage.evidence import BATCH_FIELDS, MOST_LOGS, in_parts, select_batches
from storage.rowbinary import read_rows, text

__all__ = [
    "origin_of_log",
    "read_batches_by_id",
    "read_batches_named",
    "read_known_logs",
    "read_largest_batches",
    "read_latest_batches",
]


def read_batches_named(engine: Engine, claims: Mapping[str, Collection[tuple[UUID, int]]]) -> list[Batch]:
    """Return the rows of the batches that records name and that may contain their leaves, with one statement if it can.

    There are several rows of a batch if its row was copied, with changes or without; at most 100 of each ID and log
    are read.

    Args:
        engine: the storage.
        claims: (BatchId, leaf) pairs by LogId.
    """
    # Rows that somebody inserted may name any number of logs, but a statement may have a limited number of parameters.
    parts = in_parts(claims.items(), MOST_LOGS)
    return [batch for part in parts for batch in _read_batches_named(engine, part)]


def _read_batches_named(engine: Engine, claims: Iterable[tuple[str, Collection[tuple[UUID, int]]]]) -> list[Batch]:
    conditions: list[str] = []
    parameters: dict[str, object] = {}
    for number, (log_id, claimed) in enumerate(claims):
        leaves = [leaf for _, leaf in claimed]
        conditions.append(
            f"LogId = {{log{number}:String}} AND TreeSize > {min(leaves)} AND FirstLeaf <= {max(leaves)} "
            f"AND BatchId IN {{ids{number}:Array(UUID)}}"
        )
        parameters[f"log{number}"] = log_id
        parameters[f"ids{number}"] = sorted({str(batch_id) for batch_id, _ in claimed})
    return select_batches(engine, f"({' OR '.join(conditions)}) LIMIT 100 BY LogId, BatchId", parameters)


def read_batches_by_id(engine: Engine, batch_ids: Collection[UUID]) -> list[Batch]:
    """Return the batches of all logs with given IDs, one row of each; scans a column of the table."""
    if not batch_ids:
        return []
    condition = "BatchId IN {ids:Array(UUID)} ORDER BY LogId, Sequence LIMIT 1 BY BatchId"
    return select_batches(engine, condition, {"ids": sorted(map(str, batch_ids))})


def read_latest_batches(engine: Engine, log_id: str, limit: int) -> list[Batch]:
    """Return the last batches of a log, the latest first."""
    condition = "LogId = {log:String} ORDER BY Sequence DESC, TreeSize DESC LIMIT {limit:UInt64}"
    return select_batches(engine, condition, {"log": log_id, "limit": limit})


def read_largest_batches(
    engine: Engine, log_id: str, marks: Collection[str], limit: int, offset: int = 0, received: int | None = None
) -> list[Batch]:
    """Return the batches of a log with any of some texts in their checkpoints, the largest TreeSize first.

    Args:
        engine: the storage.
        log_id: the log.
        marks: the texts.
        limit: number of rows, at most.
        offset: number of rows to skip first.
        received: earliest IngestedAt, in nanoseconds since the epoch; None for all.

    Raises:
        StorageError: storage cannot be read.
    """
    since = "" if received is None else f"AND IngestedAt >= fromUnixTimestamp64Nano(toInt64({int(received)}), 'UTC') "
    return select_batches(
        engine,
        "LogId = {log:String} AND arrayExists(mark -> position(Checkpoint, mark) > 0, {marks:Array(String)}) "
        f"{since}ORDER BY TreeSize DESC, {BATCH_FIELDS} LIMIT {int(limit)} OFFSET {int(offset)}",
        {"log": log_id, "marks": list(marks)},
    )


def origin_of_log(engine: Engine, log_id: str) -> str:
    """Return the origin with this LogId; empty if no batch has such an origin."""
    rows = engine.query(
        "SELECT Origin FROM log_batches WHERE LogId = {log:String} "
        "AND substring(lower(hex(SHA256(Origin))), 1, 16) = {log:String} LIMIT 1",
        {"log": log_id},
    )
    return next((origin for (origin,) in read_rows(rows, (text,))), "")


def read_known_logs(engine: Engine, log_ids: Collection[str]) -> set[str]:
    """Return those of some LogIds that have a batch."""
    rows = engine.query(
        "SELECT DISTINCT LogId FROM log_batches WHERE LogId IN {logs:Array(String)}", {"logs": sorted(log_ids)}
    )
    return {log_id for (log_id,) in read_rows(rows, (text,))}
