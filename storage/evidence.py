"""Reads of evidence: batches, and hashes of the tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar
from uuid import UUID

from server.notary.batch import Batch, TileFragment
from server.notary.merkle import HASH_SIZE, TILE_HEIGHT
from storage.engine import Engine
from storage.read_settings import FULL_SCAN
from storage.rowbinary import (
    fixed32,
    int64,
    read_one,
    read_rows,
    string,
    text,
    uint8,
    uint16,
    uint64,
    uuid,
)
from storage.schema import BATCH_COLUMNS

__all__ = [
    "BATCH_FIELDS",
    "MOST_FRAGMENTS",
    "MOST_LOGS",
    "in_parts",
    "last_batch",
    "read_batches_at",
    "read_batches_of_ids",
    "read_batches_of_leaves",
    "read_batches_within",
    "read_foreign_batches",
    "read_fragments",
    "read_tile_fragments",
    "sample_batches",
    "select_batches",
]

BATCH_FIELDS = ", ".join(column.name for column in BATCH_COLUMNS)
"""Columns of a batch, in order, for a SELECT or an ORDER BY."""

MOST_LOGS = 100
"""Logs in a statement with parameters for each, at most; ClickHouse takes a limited number of parameters."""

MOST_FRAGMENTS = 512
"""Fragments of a tile that batches can have added: one for each of its 256 hashes, and what crashes left over."""

_Item = TypeVar("_Item")

_BATCH_READERS = (
    *(text, text, uuid, uint64, uint64, uint64, uint64, int64, int64, int64, fixed32, string, text, uint16),
)
_FRAGMENT_FIELDS = "Level, TileIndex, Offset, Hashes, BatchId"
# One byte more than a fragment may have: a longer one counts as altered, and takes no memory.
_BOUNDED_FIELDS = _FRAGMENT_FIELDS.replace("Hashes", f"substring(Hashes, 1, {HASH_SIZE << TILE_HEIGHT} + 1) AS Hashes")
_FRAGMENT_READERS = (uint8, uint64, uint16, string, uuid)


def in_parts(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield items in lists of at most this size."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def last_batch(engine: Engine, log_id: str) -> Batch | None:
    """Return the last committed batch of a log, None if there is none."""
    rows = engine.query(
        f"SELECT {BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
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
    rows = engine.query(f"SELECT {BATCH_FIELDS} FROM log_batches WHERE {condition}", parameters)
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_batches_at(engine: Engine, log_id: str, places: Collection[tuple[int, int]]) -> list[Batch]:
    """Return the batches of a log with given pairs of Sequence and TreeSize, ordered by TreeSize."""
    if not places:
        return []
    rows = engine.query(
        f"SELECT {BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
        "AND Sequence IN {numbers:Array(UInt64)} AND (Sequence, TreeSize) IN {places:Array(Tuple(UInt64, UInt64))} "
        "ORDER BY TreeSize, Sequence, BatchId",
        {"log": log_id, "numbers": [number for number, _ in places], "places": list(places)},
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_batches_within(engine: Engine, log_id: str, first_leaf: int, end_leaf: int) -> list[Batch]:
    """Return the batches of a log that end within the leaves [first_leaf, end_leaf), ordered by TreeSize."""
    rows = engine.query(
        f"SELECT {BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
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
        f"SELECT {BATCH_FIELDS} FROM log_batches WHERE {foreign} ORDER BY LogId, Sequence, BatchId LIMIT {most}",
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
        f"SELECT {BATCH_FIELDS} FROM log_batches WHERE BatchId IN {{ids:Array(UUID)}} ORDER BY LogId, Sequence",
        {"ids": sorted(map(str, batch_ids))},
        settings=FULL_SCAN,
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def sample_batches(engine: Engine, most: int) -> list[Batch]:
    """Return a few batches of each pair of LogId and Origin, the first ones."""
    rows = engine.query(
        f"SELECT {BATCH_FIELDS} FROM log_batches ORDER BY LogId, Origin, Sequence LIMIT {most} BY LogId, Origin",
        settings=FULL_SCAN,
    )
    return [Batch(*row) for row in read_rows(rows, _BATCH_READERS)]


def read_batches_of_leaves(engine: Engine, log_id: str, leaves: Collection[int]) -> list[Batch]:
    """Return the committed batches of a log that contain any of the given leaves."""
    if not leaves:
        return []
    rows = engine.query(
        f"SELECT {BATCH_FIELDS} FROM log_batches WHERE LogId = {{log:String}} "
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
    engine: Engine, tiles: Mapping[str, Collection[tuple[int, int]]]
) -> dict[str, list[tuple[TileFragment, UUID]]]:
    """Return all fragments of some tiles, with one statement if there are not very many logs.

    Args:
        engine: the storage.
        tiles: (level, tile index) pairs by LogId.

    Returns:
        Fragments with the batch that added each, in any order, by LogId; of a tile with more than ``MOST_FRAGMENTS``,
        one more than that.
    """
    found: dict[str, list[tuple[TileFragment, UUID]]] = {log_id: [] for log_id in tiles}
    for part in in_parts([(log_id, places) for log_id, places in tiles.items() if places], MOST_LOGS):
        conditions: list[str] = []
        parameters: dict[str, object] = {}
        for number, (log_id, places) in enumerate(part):
            indexes: defaultdict[int, list[str]] = defaultdict(list)
            for level, index in sorted(places):
                indexes[level].append(str(index))
            levels = (f"Level = {level} AND TileIndex IN ({', '.join(some)})" for level, some in indexes.items())
            conditions.append(f"LogId = {{log{number}:String}} AND ({' OR '.join(levels)})")
            parameters[f"log{number}"] = log_id
        # Proofs wait for this. In these words it costs ClickHouse half as much as with WHERE, pairs and ORDER BY.
        rows = engine.query(
            f"SELECT LogId, {_BOUNDED_FIELDS} FROM log_tiles PREWHERE {' OR '.join(conditions)} "
            f"LIMIT {MOST_FRAGMENTS + 1} BY LogId, Level, TileIndex",
            parameters,
        )
        for log_id, *fragment, batch_id in read_rows(rows, (text, *_FRAGMENT_READERS)):
            found[log_id].append((TileFragment(*fragment), batch_id))
    return found


def _fragments(rows: bytes) -> list[tuple[TileFragment, UUID]]:
    return [(TileFragment(*fragment), batch_id) for *fragment, batch_id in read_rows(rows, _FRAGMENT_READERS)]
