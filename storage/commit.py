"""Writing a batch: records, the tree's new hashes, and last the row that commits it."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence

from server.notary.batch import Batch, TileFragment
from server.notary.canonical import encode_string
from server.notary.origin import LogName
from storage.engine import Engine
from storage.native import Column, PlainColumn, WordColumn, encode_block
from storage.schema import BATCH_COLUMNS, RECORD_TABLES, TILE_COLUMNS, TableColumn, record_columns

__all__ = ["encode_records_block", "insert_batch", "insert_records", "insert_tiles"]


def encode_records_block(batch: Batch, columns: Sequence[Column]) -> bytes:
    """Encode a batch's records as one Native block.

    Args:
        batch: the batch; gives every record its LogId, BatchId and LeafIndex.
        columns: the columns of the canonical record, in its order.
    """
    count = batch.record_count
    stream = LogName.parse(batch.origin).stream
    evidence: tuple[Column, ...] = (
        WordColumn((batch.log_id.encode(),), array("I", [0]) * count),
        PlainColumn(_uuid(batch) * count),
        PlainColumn(array("Q", range(batch.first_leaf, batch.tree_size)).tobytes()),
    )
    return encode_block(record_columns(stream), (*columns, *evidence), count)


def insert_records(engine: Engine, batch: Batch, block: bytes) -> None:
    """Store a batch's records, as ``encode_records_block`` made them.

    Raises:
        NotAppliedError: nothing was stored.
        OutcomeUnknownError: they may have been stored; call again.
    """
    stream = LogName.parse(batch.origin).stream
    _insert(engine, RECORD_TABLES[stream], record_columns(stream), block, batch)


def insert_tiles(engine: Engine, batch: Batch, fragments: Sequence[TileFragment]) -> None:
    """Store the hashes that a batch adds to its log's tiles. Raises as ``insert_records``."""
    count = len(fragments)
    columns: tuple[Column, ...] = (
        WordColumn((batch.log_id.encode(),), array("I", [0]) * count),
        PlainColumn(bytes(fragment.level for fragment in fragments)),
        PlainColumn(array("Q", [fragment.tile_index for fragment in fragments]).tobytes()),
        PlainColumn(array("H", [fragment.offset for fragment in fragments]).tobytes()),
        PlainColumn(b"".join(encode_string(fragment.hashes) for fragment in fragments)),
        PlainColumn(_uuid(batch) * count),
        PlainColumn(array("Q", [batch.sequence]).tobytes() * count),
    )
    _insert(engine, "log_tiles", TILE_COLUMNS, encode_block(TILE_COLUMNS, columns, count), batch)


def insert_batch(engine: Engine, batch: Batch) -> None:
    """Store a batch's own row: from now on it is committed. Raises as ``insert_records``."""
    one = array("I", [0])
    columns: tuple[Column, ...] = (
        WordColumn((batch.log_id.encode(),), one),
        WordColumn((batch.origin.encode(),), one),
        PlainColumn(_uuid(batch)),
        PlainColumn(struct.pack("<Q", batch.sequence)),
        PlainColumn(struct.pack("<Q", batch.first_leaf)),
        PlainColumn(struct.pack("<Q", batch.tree_size)),
        PlainColumn(struct.pack("<Q", batch.record_count)),
        PlainColumn(struct.pack("<q", batch.min_timestamp)),
        PlainColumn(struct.pack("<q", batch.max_timestamp)),
        PlainColumn(struct.pack("<q", batch.ingested_at)),
        PlainColumn(batch.root_hash),
        PlainColumn(encode_string(batch.frontier)),
        PlainColumn(encode_string(batch.checkpoint.encode())),
        PlainColumn(struct.pack("<H", batch.canonical_version)),
    )
    _insert(engine, "log_batches", BATCH_COLUMNS, encode_block(BATCH_COLUMNS, columns, 1), batch)


def _insert(engine: Engine, table: str, header: Sequence[TableColumn], block: bytes, batch: Batch) -> None:
    # The batch ID is a digest of the batch: a repeated insert has the same token, and no other has.
    engine.insert(table, [column.name for column in header], block, str(batch.batch_id))


def _uuid(batch: Batch) -> bytes:
    """Encode the batch ID as ClickHouse stores a UUID: two 64-bit halves, each little-endian."""
    data = batch.batch_id.bytes
    return data[:8][::-1] + data[8:][::-1]
