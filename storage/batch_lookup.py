"""Reads of the batches that records claim to belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from server.notary.batch import Batch
from server.notary.merkle import TILE_HEIGHT
from storage.engine import Engine
from storage.evidence import BATCH_FIELDS, MOST_LOGS, in_parts, select_batches
from storage.rowbinary import read_rows, string, text

__all__ = [
    "origin_of_log",
    "read_added_leaves",
    "read_batches_at_places",
    "read_batches_by_id",
    "read_batches_named",
    "read_known_logs",
    "read_largest_batches",
    "read_last_of_logs",
    "read_latest_batches",
]


_LOGS_AT_ONCE = 500  # in a statement


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


def read_batches_at_places(engine: Engine, places: Collection[tuple[str, int, int]]) -> list[Batch]:
    """Return the batches with given LogId, Sequence and TreeSize, in any order."""
    return [
        batch
        for part in in_parts(places, _LOGS_AT_ONCE)
        for batch in select_batches(
            engine,
            "LogId IN {logs:Array(String)} "
            "AND (LogId, Sequence, TreeSize) IN {places:Array(Tuple(String, UInt64, UInt64))}",
            {"logs": sorted({log_id for log_id, _, _ in part}), "places": part},
        )
    ]


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


def read_last_of_logs(engine: Engine, log_ids: Collection[str]) -> dict[str, Batch]:
    """Return the last committed batch of each of some logs that has one, by LogId; see ``last_batch``."""
    found: dict[str, Batch] = {}
    for part in in_parts(sorted(log_ids), _LOGS_AT_ONCE):
        condition = (
            "LogId IN {logs:Array(String)} AND (LogId, Sequence) IN "
            "(SELECT LogId, max(Sequence) FROM log_batches WHERE LogId IN {logs:Array(String)} GROUP BY LogId) "
            "ORDER BY LogId, TreeSize DESC LIMIT 1 BY LogId"
        )
        found |= {batch.log_id: batch for batch in select_batches(engine, condition, {"logs": part})}
    return found


def read_added_leaves(engine: Engine, batches: Iterable[Batch]) -> dict[str, bytes]:
    """Return the leaf hashes that batches have added to the tiles of their logs, one batch of each log.

    Returns:
        The hashes, one after another in the order of the leaves, by LogId; fewer if storage has lost some.
    """
    found: dict[str, list[bytes]] = {}
    for part in in_parts(batches, MOST_LOGS):
        conditions: list[str] = []
        parameters: dict[str, object] = {}
        for number, batch in enumerate(part):
            first, last = batch.first_leaf >> TILE_HEIGHT, batch.tree_size - 1 >> TILE_HEIGHT
            conditions.append(
                f"LogId = {{log{number}:String}} AND TileIndex BETWEEN {first} AND {last} "
                f"AND BatchId = {{batch{number}:UUID}}"
            )
            parameters |= {f"log{number}": batch.log_id, f"batch{number}": str(batch.batch_id)}
        rows = engine.query(
            f"SELECT LogId, Hashes FROM log_tiles WHERE Level = 0 AND ({' OR '.join(conditions)}) "  # noqa: S608
            "ORDER BY LogId, TileIndex, Offset",
            parameters,
        )
        for log_id, hashes in read_rows(rows, (text, string)):
            found.setdefault(log_id, []).append(hashes)
    return {log_id: b"".join(parts) for log_id, parts in found.items()}
