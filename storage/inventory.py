"""Inventory of storage: batches, and the rows and hashes that name each batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from server.notary.merkle import HASH_SIZE, TILE_HEIGHT
from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import InconsistentAnswerError
from storage.read_settings import FULL_SCAN
from storage.rowbinary import int64, read_one, read_rows, text, uint64, uuid
from storage.schema import RECORD_TABLES

__all__ = [
    "BatchIndex",
    "Leaves",
    "LogExtent",
    "RecordGroup",
    "RecordGroups",
    "TileGroup",
    "list_logs",
    "next_tree_size",
    "read_all_record_groups",
    "read_batch_index",
    "read_extents",
    "read_record_groups",
    "read_record_groups_outside",
    "read_tile_groups",
]

_NO_LOGS: Mapping[str, int] = MappingProxyType({})
_ATTEMPTS = 3  # to read groups of rows that agree with the number of rows
_IS_COMMITTED = "(log, BatchId) IN (SELECT toValidUTF8(LogId), BatchId FROM log_batches)"
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
class RecordGroup:
    """The rows of one table that name the same log and batch.

    Times are nanoseconds since the epoch.

    Attributes:
        log_id: the log.
        batch_id: the batch.
        count: number of rows.
        min_leaf: the lowest leaf that the rows claim.
        max_leaf: the highest leaf that the rows claim.
        newest: the latest IngestedAt of the rows.
        min_timestamp: the earliest Timestamp of the rows.
        max_timestamp: the latest Timestamp of the rows.
    """

    log_id: str
    batch_id: UUID
    count: int
    min_leaf: int
    max_leaf: int
    newest: int
    min_timestamp: int
    max_timestamp: int


@dataclass(frozen=True, slots=True)
class RecordGroups:
    """The rows of one table, grouped by the log and batch that they name.

    Attributes:
        groups: the groups that name a batch with a row in ``log_batches``, and some of the others.
        unlisted: number of rows in further groups, which name no batch with a row in ``log_batches``.
    """

    groups: Sequence[RecordGroup] = ()
    unlisted: int = 0


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


def read_record_groups(engine: Engine, stream: Stream, within: Leaves) -> RecordGroups:
    """Group the rows of a table that claim some leaves of a log by the batch that they name."""
    where = f"LogId = '{within.log_id}' AND LeafIndex >= {within.first} AND LeafIndex < {within.end}"
    return RecordGroups(_record_groups(engine, stream, where, "ORDER BY log, BatchId"))


def read_all_record_groups(engine: Engine, stream: Stream, most: int) -> RecordGroups:
    """Group all rows of a table by the log and batch that they name.

    The groups are complete: together they have as many rows as the table.

    Args:
        engine: the storage.
        stream: stream of the table.
        most: maximum number of groups that name no batch with a row in ``log_batches``.

    Raises:
        InconsistentAnswerError: the groups do not have as many rows as the table.
    """
    for _ in range(_ATTEMPTS):
        before = _count(engine, stream)
        batches = read_one(engine.query("SELECT count() FROM log_batches", settings=FULL_SCAN), uint64)
        order = f"ORDER BY {_IS_COMMITTED} DESC, log, BatchId LIMIT {batches + most + 1}"
        groups = _record_groups(engine, stream, "1", order)
        grouped = sum(group.count for group in groups)
        unlisted = 0
        if len(groups) > batches + most:
            # Batches may have been committed meanwhile: how many groups are junk is counted anew.
            unlisted = max(0, _count(engine, stream) - grouped)
        # Rows may have come meanwhile, and retention may have dropped some.
        if before <= grouped + unlisted <= (after := _count(engine, stream)) or after < before:
            return RecordGroups(groups, unlisted)
    raise InconsistentAnswerError(
        f"storage does not give the same answer about {RECORD_TABLES[stream]} twice: it counts {before} rows, and "
        f"{grouped} rows by batch"
    )


def read_record_groups_outside(engine: Engine, stream: Stream, after: Mapping[str, int], most: int) -> RecordGroups:
    """Group the rows of a table that claim no leaf of the known logs, and name no batch that was committed since.

    Args:
        engine: the storage.
        stream: stream of the table.
        after: LogId -> number of entries, of each known log.
        most: maximum number of groups.
    """
    where = f"1 {_beyond('LeafIndex', after)} {_uncommitted(after)}"
    groups = _record_groups(engine, stream, where, f"ORDER BY log, BatchId LIMIT {most + 1}")
    unlisted = 0
    if len(groups) > most:
        rows = engine.query(f"SELECT count() FROM {RECORD_TABLES[stream]} WHERE {where}", settings=FULL_SCAN)
        unlisted = max(0, read_one(rows, uint64) - sum(group.count for group in groups))
    return RecordGroups(groups, unlisted)


def _record_groups(engine: Engine, stream: Stream, where: str, order: str) -> list[RecordGroup]:
    # Invalid UTF-8 in a LogId becomes U+FFFD, as in ``toValidUTF8``: queries can find the rows by that name. The
    # columns may have been given other types.
    rows = engine.query(
        "SELECT toValidUTF8(LogId) AS log, BatchId, count(), toUInt64(min(LeafIndex)), toUInt64(max(LeafIndex)), "
        "max(IngestedAt), min(Timestamp), max(Timestamp) "
        f"FROM {RECORD_TABLES[stream]} WHERE {where} GROUP BY log, BatchId {order}",
        settings=FULL_SCAN,
    )
    readers = (text, uuid, uint64, uint64, uint64, int64, int64, int64)
    return [RecordGroup(*row) for row in read_rows(rows, readers)]


def _count(engine: Engine, stream: Stream) -> int:
    return int(read_one(engine.query(f"SELECT count() FROM {RECORD_TABLES[stream]}", settings=FULL_SCAN), uint64))


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
        f"FROM log_tiles WHERE 1 {belongs} {'' if committed else _uncommitted(after)} "
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


def _uncommitted(after: Mapping[str, int]) -> str:
    """Return the SQL condition for rows that name no batch that ends after a number of entries."""
    beyond = "".join(f" AND NOT (LogId = '{log_id}' AND TreeSize <= {size})" for log_id, size in after.items())
    return f"AND (LogId, BatchId) NOT IN (SELECT LogId, BatchId FROM log_batches WHERE 1 {beyond})"


def _beyond(leaf: str, after: Mapping[str, int]) -> str:
    return "".join(f" AND NOT (LogId = '{log_id}' AND {leaf} < {size})" for log_id, size in after.items())
