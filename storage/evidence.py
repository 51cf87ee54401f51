"""Reads of evidence: batches, hashes of the tree, and canonical records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from server.notary.batch import Batch, TileFragment
from server.notary.canonical import Kind, canonical_columns
from server.notary.merkle import TILE_HEIGHT
from server.notary.origin import Stream
from storage.engine import Engine, Pieces
from storage.read_settings import FULL_SCAN
from storage.rowbinary import (
    boolean,
    fixed32,
    int64,
    read_one,
    read_rows,
    string,
    text,
    text_pairs,
    uint8,
    uint16,
    uint32,
    uint64,
    uuid,
)
from storage.schema import BATCH_COLUMNS, MATERIALIZED, RECORD_TABLES, canonical_expressions

__all__ = [
    "StoredRecord",
    "check_scan_types",
    "computed_ok",
    "count_after",
    "last_batch",
    "read_batches_at",
    "read_batches_of_ids",
    "read_batches_of_leaves",
    "read_batches_within",
    "read_foreign_batches",
    "read_fragments",
    "read_records",
    "read_records_of_batch",
    "read_tile_fragments",
    "sample_batches",
    "scan_query",
    "scan_records",
    "select_batches",
    "select_records",
    "select_strays",
]

_BATCH_FIELDS = ", ".join(column.name for column in BATCH_COLUMNS)
_BATCH_READERS = (
    *(text, text, uuid, uint64, uint64, uint64, uint64, int64, int64, int64, fixed32, string, text, uint16),
)
_FRAGMENT_FIELDS = "Level, TileIndex, Offset, Hashes, BatchId"
_FRAGMENT_READERS = (uint8, uint64, uint16, string, uuid)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A stored record.

    Attributes:
        log_id: the log that it names, empty for none.
        batch_id: the batch that it names.
        leaf_index: the leaf that it claims.
        computed_ok: True if every MATERIALIZED column has the value of its expression, and the values of a key that is
            repeated in a map are in order.
        canonical: the canonical record.
    """

    log_id: str
    batch_id: UUID
    leaf_index: int
    computed_ok: bool
    canonical: bytes


def last_batch(engine: Engine, log_id: str) -> Batch | None:
    """Return the last committed batch of a log, None if there is none."""
    rows = engine.query(
        f"SELECT {_BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
        "ORDER BY Sequence DESC, TreeSize DESC LIMIT 1",
        {"log": log_id},
    )
    return next((Batch(*row) for row in read_rows(rows, _BATCH_READERS)), None)


def select_batches(engine: Engine, condition: str, parameters: Mapping[str, object] | None = None) -> list[Batch]:
    """Return the batches that satisfy an SQL condition.

    Args:
        engine: the storage.
        condition: the condition after WHERE.
        parameters: the values of its ``{name:Type}`` placeholders.
    """
    rows = engine.query(f"SELECT {_BATCH_FIELDS} FROM log_batches WHERE {condition}", parameters)
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_batches_at(engine: Engine, log_id: str, places: Collection[tuple[int, int]]) -> list[Batch]:
    """Return the batches of a log with given pairs of Sequence and TreeSize, ordered by TreeSize."""
    if not places:
        return []
    rows = engine.query(
        f"SELECT {_BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
        "AND Sequence IN {numbers:Array(UInt64)} AND (Sequence, TreeSize) IN {places:Array(Tuple(UInt64, UInt64))} "
        "ORDER BY TreeSize, Sequence, BatchId",
        {"log": log_id, "numbers": [number for number, _ in places], "places": list(places)},
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_batches_within(engine: Engine, log_id: str, first_leaf: int, end_leaf: int) -> list[Batch]:
    """Return the batches of a log that end within the leaves [first_leaf, end_leaf), ordered by TreeSize."""
    rows = engine.query(
        f"SELECT {_BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
        "AND TreeSize > {first:UInt64} AND TreeSize <= {end:UInt64} ORDER BY TreeSize, Sequence, BatchId",
        {"log": log_id, "first": first_leaf, "end": end_leaf},
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_foreign_batches(engine: Engine, log_ids: Collection[str], most: int) -> tuple[list[Batch], int]:
    """Return the rows of ``log_batches`` that belong to no known log, or whose LogId does not match their Origin.

    Args:
        engine: the storage.
        log_ids: LogIds of the known logs.
        most: maximum number of rows to return.

    Returns:
        The rows, and the number of further rows.
    """
    known = ", ".join(f"'{log_id}'" for log_id in sorted(log_ids)) or "''"
    foreign = f"NOT (LogId = substring(lower(hex(SHA256(Origin))), 1, 16) AND LogId IN ({known}))"
    rows = engine.query(
        f"SELECT {_BATCH_FIELDS} FROM log_batches WHERE {foreign} ORDER BY LogId, Sequence, BatchId LIMIT {most}",
        settings=FULL_SCAN,
    )
    batches = [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]
    if len(batches) < most:
        return batches, 0
    count = read_one(engine.query(f"SELECT count() FROM log_batches WHERE {foreign}", settings=FULL_SCAN), uint64)
    return batches, max(0, count - len(batches))


def read_batches_of_ids(engine: Engine, batch_ids: Collection[UUID]) -> list[Batch]:
    """Return the batches with given IDs, of any log."""
    if not batch_ids:
        return []
    rows = engine.query(
        f"SELECT {_BATCH_FIELDS} FROM log_batches WHERE BatchId IN {{ids:Array(UUID)}} ORDER BY LogId, Sequence",
        {"ids": sorted(map(str, batch_ids))},
        settings=FULL_SCAN,
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def sample_batches(engine: Engine, most: int) -> list[Batch]:
    """Return a few batches of each pair of LogId and Origin, the first ones."""
    rows = engine.query(
        f"SELECT {_BATCH_FIELDS} FROM log_batches ORDER BY LogId, Origin, Sequence LIMIT {most} BY LogId, Origin",
        settings=FULL_SCAN,
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_batches_of_leaves(engine: Engine, log_id: str, leaves: Collection[int]) -> list[Batch]:
    """Return the committed batches of a log that contain any of the given leaves."""
    if not leaves:
        return []
    rows = engine.query(
        f"SELECT {_BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
        "AND TreeSize > {low:UInt64} AND FirstLeaf <= {high:UInt64} "
        "AND arrayExists(leaf -> leaf >= FirstLeaf AND leaf < TreeSize, {leaves:Array(UInt64)}) ORDER BY Sequence",
        {"log": log_id, "low": min(leaves), "high": max(leaves), "leaves": sorted(leaves)},
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_fragments(engine: Engine, log_id: str, first_leaf: int, end_leaf: int) -> list[tuple[TileFragment, UUID]]:
    """Return the tile fragments that batches over the leaves [first_leaf, end_leaf) added.

    Returns:
        Fragments with the batch that added each, ordered by level and position. Fragments of
        adjacent batches that share tiles with these are included.
    """
    levels = []
    level = 0
    while end_leaf >> TILE_HEIGHT * level:
        first = first_leaf >> TILE_HEIGHT * (level + 1)
        last = (end_leaf >> TILE_HEIGHT * level) - 1 >> TILE_HEIGHT
        if last >= first:
            levels.append(f"(Level = {level} AND TileIndex BETWEEN {first} AND {last})")
        level += 1
    if not levels:
        return []
    rows = engine.query(
        f"SELECT {_FRAGMENT_FIELDS} FROM log_tiles WHERE LogId = {{log:String}} AND ({' OR '.join(levels)}) "
        "ORDER BY Level, TileIndex, Offset",
        {"log": log_id},
    )
    return _fragments(rows)


def read_tile_fragments(
    engine: Engine, log_id: str, tiles: Collection[tuple[int, int]]
) -> list[tuple[TileFragment, UUID]]:
    """Return all fragments of the given tiles, with the batch that added each, in any order.

    Args:
        engine: the storage.
        log_id: the log.
        tiles: (level, tile index) pairs.
    """
    if not tiles:
        return []
    indexes: defaultdict[int, list[str]] = defaultdict(list)
    for level, index in sorted(tiles):
        indexes[level].append(str(index))
    wanted = " OR ".join(f"Level = {level} AND TileIndex IN ({', '.join(some)})" for level, some in indexes.items())
    # Proofs wait for this. In these words it costs ClickHouse half as much as with WHERE, pairs and ORDER BY.
    rows = engine.query(
        f"SELECT {_FRAGMENT_FIELDS} FROM log_tiles PREWHERE LogId = {{log:String}} AND ({wanted})", {"log": log_id}
    )
    return _fragments(rows)


def read_records(
    engine: Engine,
    stream: Stream,
    log_id: str,
    first_leaf: int,
    end_leaf: int,
    *,
    settings: Mapping[str, str | int] | None = None,
) -> Iterator[StoredRecord]:
    """Return the records of a log that claim the leaves [first_leaf, end_leaf), in their order."""
    return select_records(
        engine,
        stream,
        "LogId = {log:String} AND LeafIndex >= {first:UInt64} AND LeafIndex < {end:UInt64} ORDER BY LeafIndex, BatchId",
        {"log": log_id, "first": first_leaf, "end": end_leaf},
        settings=settings,
    )


def scan_records(engine: Engine, stream: Stream, log_id: str, first_leaf: int, end_leaf: int) -> Pieces:
    """Stream the records of ``read_records`` in any order, at lower cost: the bulk read of verification.

    Returns:
        Rows for ``server.notary.hashing.hash_rows``, cut into pieces anywhere.
    """
    return engine.query_in_pieces(
        f"{scan_query(stream)} WHERE LogId = {{log:String}} AND LeafIndex >= {{first:UInt64}} "
        "AND LeafIndex < {end:UInt64}",
        {"log": log_id, "first": first_leaf, "end": end_leaf},
    )


def check_scan_types(engine: Engine, stream: Stream) -> None:
    """Check that the columns of ``scan_query`` have the types that ``hash_rows`` reads.

    Raises:
        UnreadableTableError: the table was altered.
        StorageError: storage cannot be read.
    """
    readers = {
        Kind.TIME: int64,
        Kind.UINT8: uint8,
        Kind.UINT32: uint32,
        Kind.STRING: string,
        Kind.WORD: string,
        Kind.MAP: text_pairs,
    }
    columns = (readers[column.kind] for column in canonical_columns(stream))
    list(read_rows(engine.query(f"{scan_query(stream)} LIMIT 0"), (uuid, uint64, boolean, *columns)))


def scan_query(stream: Stream) -> str:
    """Return the SELECT of the rows for ``hash_rows``, from a whole table."""
    columns = f"BatchId, LeafIndex, {computed_ok(stream)}, {canonical_expressions(stream)}"
    return f"SELECT {columns} FROM {RECORD_TABLES[stream]}"


def read_records_of_batch(
    engine: Engine, stream: Stream, log_id: str, batch_id: UUID, limit: int
) -> Iterator[StoredRecord]:
    """Return the records that name a log and a batch, whatever leaves they claim; scans the table."""
    return select_records(
        engine,
        stream,
        "LogId = {log:String} AND BatchId = {batch:UUID} ORDER BY LeafIndex LIMIT {limit:UInt64}",
        {"log": log_id, "batch": str(batch_id), "limit": limit},
        settings=FULL_SCAN,
    )


def select_strays(
    engine: Engine, stream: Stream, groups: Collection[tuple[str, UUID]], most: int
) -> Iterator[StoredRecord]:
    """Return records by the logs and batches that they name, the first few of each; scans the table.

    Args:
        engine: the storage.
        stream: stream of the table.
        groups: LogId, as ``toValidUTF8`` gives it, and BatchId.
        most: maximum number of records of each group.
    """
    return select_records(
        engine,
        stream,
        "(toValidUTF8(LogId), BatchId) IN {groups:Array(Tuple(String, UUID))} "
        f"ORDER BY LogId, BatchId, LeafIndex LIMIT {int(most)} BY LogId, BatchId",
        {"groups": [(log_id, str(batch_id)) for log_id, batch_id in groups]},
        settings=FULL_SCAN,
    )


def count_after(engine: Engine, stream: Stream, log_id: str, tree_size: int) -> int:
    """Count the rows that claim leaves of a log beyond its last committed batch."""
    rows = engine.query(
        f"SELECT count() FROM {RECORD_TABLES[stream]} WHERE LogId = {{log:String}} AND LeafIndex >= {{size:UInt64}}",
        {"log": log_id, "size": tree_size},
    )
    return int(read_one(rows, uint64))


def _fragments(rows: bytes) -> list[tuple[TileFragment, UUID]]:
    return [(TileFragment(*fragment), batch_id) for *fragment, batch_id in read_rows(rows, _FRAGMENT_READERS)]


def select_records(
    engine: Engine,
    stream: Stream,
    condition: str,
    parameters: Mapping[str, object],
    *,
    settings: Mapping[str, str | int] | None = None,
    alias: str = "",
) -> Iterator[StoredRecord]:
    """Return the canonical records that satisfy an SQL condition.

    Args:
        engine: the storage.
        stream: stream of the table.
        condition: the condition after WHERE.
        parameters: the values of its ``{name:Type}`` placeholders.
        settings: settings of ClickHouse for this query.
        alias: expression with a name (``... AS Name``) that the condition may use.
    """
    rows = engine.query(
        f"{f'WITH {alias} ' if alias else ''}SELECT LogId, BatchId, LeafIndex, {computed_ok(stream)}, "
        f"formatRowNoNewline('RowBinary', {canonical_expressions(stream)}) "
        f"FROM {RECORD_TABLES[stream]} WHERE {condition}",
        parameters,
        settings=settings,
    )
    for row in read_rows(rows, (text, uuid, uint64, boolean, string)):
        yield StoredRecord(*row)


def computed_ok(stream: Stream) -> str:
    """Return the expression that is true if all that readers see beside the canonical record is as it must be."""
    columns = [f"`{column}` = {expression}" for column, expression in MATERIALIZED.items()]
    maps = [_order_ok(column.name) for column in canonical_columns(stream) if column.kind is Kind.MAP]
    return " AND ".join(columns + maps)


def _order_ok(column: str) -> str:
    """Return the expression that is true if the values of a key that is repeated in a map are in order.

    Readers see the first one, and the canonical record, which is sorted, does not tell which it is. ClickHouse may
    store the pairs of different keys in any order (buckets), but keeps that of equal keys.
    """
    pairs = f"mapSort((k, v) -> (k, v), {column})"  # as in the canonical record: computed once for both
    values = (
        f"arraySort((v, k, i) -> (k, i), mapValues({column}), mapKeys({column}), arrayEnumerate(mapKeys({column})))"
    )
    return f"({pairs} = {column} OR {values} = mapValues({pairs}))"
