"""Inventory of storage: batches, and the rows and hashes that name each batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from server.notary.merkle import HASH_SIZE, TILE_HEIGHT
from storage.engine import Engine
from storage.read_settings import FULL_SCAN
from storage.rowbinary import read_rows, text, uint64, uuid

__all__ = [
    "BatchIndex",
    "Leaves",
    "LogExtent",
    "TileGroup",
    "list_logs",
    "next_tree_size",
    "read_batch_index",
    "read_extents",
    "read_tile_groups",
    "uncommitted",
]

_NO_LOGS: Mapping[str, int] = MappingProxyType({})
_LEVELS = 6  # of the tree whose hashes a log of up to 2^48 entries has


@dataclass(frozen=True, slots=True)
class Leaves:
    """A part of a log.

    Attributes:
        log_id: the log.
        first: its first leaf.
        end: the leaf after its last.
    """

    log_id: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class LogExtent:
    """Extent of a log according to the rows of its batches, unchecked.

    Attributes:
        log_id: the log.
        origin: its origin.
        size: its highest TreeSize.
        records: the sum of RecordCount.
    """

    log_id: str
    origin: str
    size: int
    records: int


@dataclass(frozen=True, slots=True)
class TileGroup:
    """The rows of ``log_tiles`` that name the same log and batch.

    Attributes:
        log_id: the log.
        batch_id: the batch.
        count: number of rows.
        first_leaf: the first leaf that their hashes cover.
        last_leaf: the last leaf that their hashes cover.
        sequences: the lowest and the highest Sequence of the rows.
    """

    log_id: str
    batch_id: UUID
    count: int
    first_leaf: int
    last_leaf: int
    sequences: tuple[int, int]


@dataclass(frozen=True, slots=True)
class BatchIndex:
    """Index of a log's batches: pairs of Sequence and TreeSize, ordered by TreeSize.

    Kept as ClickHouse sent them, 16 bytes each: a log may have millions of batches.
    """

    data: bytes = b""

    def places(self) -> Iterator[tuple[int, int]]:
        """Return the pairs."""
        return read_rows(self.data, (uint64, uint64))


def list_logs(engine: Engine) -> list[tuple[str, str]]:
    """Return (LogId, Origin) of every log with a batch."""
    rows = engine.query("SELECT DISTINCT LogId, Origin FROM log_batches ORDER BY Origin, LogId")
    return [(log_id, origin) for log_id, origin in read_rows(rows, (text, text))]


def read_extents(engine: Engine) -> list[LogExtent]:
    """Return the extent of every log with a batch, ordered by origin."""
    rows = engine.query(
        "SELECT LogId, Origin, max(TreeSize), sum(RecordCount) FROM log_batches GROUP BY LogId, Origin "
        "ORDER BY Origin, LogId"
    )
    return [LogExtent(*row) for row in read_rows(rows, (text, text, uint64, uint64))]


def next_tree_size(engine: Engine, log_id: str, after: int) -> int | None:
    """Return the TreeSize of the next batch of a log after a number of entries, None if there is none."""
    rows = engine.query(
        "SELECT min(TreeSize), count() FROM log_batches WHERE LogId = {log:String} AND TreeSize > {after:UInt64}",
        {"log": log_id, "after": after},
    )
    ((size, count),) = read_rows(rows, (uint64, uint64))
    return size if count else None


def read_batch_index(
    engine: Engine,
    log_id: str,
    *,
    after: int = 0,
    end: int | None = None,
) -> BatchIndex:
    """Return an index of a log's batches.

    Args:
        engine: the storage.
        log_id: the log.
        after: only batches that end after this number of entries; 0 for all, also those that add no entries.
        end: only batches that end at or before this number of entries.
    """
    since = f"AND TreeSize > {int(after)}" if after else ""
    before = f"AND TreeSize <= {int(end)}" if end is not None else ""
    rows = engine.query(
        f"SELECT DISTINCT Sequence, TreeSize FROM log_batches WHERE LogId = {{log:String}} {since} {before} "
        "ORDER BY TreeSize, Sequence",
        {"log": log_id},
        settings=FULL_SCAN,
    )
    return BatchIndex(rows)


def read_tile_groups(
    engine: Engine, *, after: Mapping[str, int] = _NO_LOGS, within: Leaves | None = None, committed: bool = True
) -> list[TileGroup]:
    """Group the rows of ``log_tiles`` by the log and batch that they name.

    A row belongs to the leaf that completes its first hash: the batch that added the row contains that leaf.

    Args:
        engine: the storage.
        after: as for ``read_record_groups``; ``log_tiles`` is read completely.
        within: only rows that belong to these leaves.
        committed: include rows that name a batch that ends after ``after``.
    """
    first = f"bitShiftLeft(TileIndex * {1 << TILE_HEIGHT} + Offset, Level * {TILE_HEIGHT})"
    last = (
        f"bitShiftLeft(TileIndex * {1 << TILE_HEIGHT} + Offset + intDiv(length(Hashes), {HASH_SIZE}), "
        f"Level * {TILE_HEIGHT}) - 1"
    )
    belongs = "".join(f" AND NOT ({_tiles_within(Leaves(log_id, 0, size))})" for log_id, size in after.items())
    if within is not None:
        belongs = f" AND {_tiles_within(within)}"
    rows = engine.query(
        f"SELECT LogId, BatchId, count(), min({first}), max(toUInt64({last})), min(Sequence), max(Sequence) "
        f"FROM log_tiles WHERE 1 {belongs} {'' if committed else uncommitted(after)} "
        "GROUP BY LogId, BatchId ORDER BY LogId, BatchId"
    )
    readers = (text, uuid, uint64, uint64, uint64, uint64, uint64)
    return [
        TileGroup(log_id, batch_id, count, first_leaf, last_leaf, (lowest, highest))
        for log_id, batch_id, count, first_leaf, last_leaf, lowest, highest in read_rows(rows, readers)
    ]


def _tiles_within(leaves: Leaves) -> str:
    """Return the SQL condition for rows of ``log_tiles`` that belong to leaves; each belongs to one leaf of one log."""
    leaf = f"toUInt64(bitShiftLeft(TileIndex * {1 << TILE_HEIGHT} + Offset + 1, Level * {TILE_HEIGHT}) - 1)"
    # Which tiles they can be in, so that the primary key is of use. Offset may have been altered, up to 65535.
    tiles = " OR ".join(
        f"(Level = {level} AND TileIndex >= {max(0, (leaves.first >> TILE_HEIGHT * (level + 1)) - 257)} "
        f"AND TileIndex <= {leaves.end >> TILE_HEIGHT * (level + 1)})"
        for level in range(_LEVELS)
    )
    return f"LogId = '{leaves.log_id}' AND ({tiles}) AND {leaf} >= {leaves.first} AND {leaf} < {leaves.end}"


def uncommitted(after: Mapping[str, int]) -> str:
    """Return the SQL condition, beginning with AND, for rows that name no batch that ends after a number of entries."""
    beyond = "".join(f" AND NOT (LogId = '{log_id}' AND TreeSize <= {size})" for log_id, size in after.items())
    return f"AND (LogId, BatchId) NOT IN (SELECT LogId, BatchId FROM log_batches WHERE 1 {beyond})"
