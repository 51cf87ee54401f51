"""The commit of a batch: its records, the tree's new hashes, and last the row that commits the batch."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence

import numpy as np

from server.notary.batch import Batch, TileFragment
from server.notary.canonical import encode_string
from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import OutcomeUnknownError
from storage.native import Column, PlainColumn, WordColumn, encode_block
from storage.rowbinary import uuid_bytes
from storage.schema import BATCH_COLUMNS, RECORD_TABLES, TILE_COLUMNS, TableColumn, record_columns

__all__ = ["encode_records_block", "insert_batch", "insert_records", "insert_tiles", "is_stored"]


def encode_records_block(stream: Stream, batch: Batch, parts: Sequence[Sequence[Column]]) -> bytes:
    """Encode a batch's records as one Native block.

    Args:
        stream: stream of the batch's log.
        batch: the batch, which determines the LogId, BatchId and LeafIndex of every record.
        parts: stored columns of each request of the batch, in the order of the canonical record.
    """
    count = batch.record_count
    evidence: tuple[Column, ...] = (
        _one_word(batch.log_id, count),
        PlainColumn(uuid_bytes(batch.batch_id) * count),
        PlainColumn(np.arange(batch.first_leaf, batch.tree_size, dtype="<u8").tobytes()),
    )
    columns: list[Sequence[Column]] = [*zip(*parts, strict=True), *((column,) for column in evidence)]
    return encode_block(record_columns(stream), columns, count)


def insert_records(engine: Engine, stream: Stream, batch: Batch, block: bytes, *, renewed: int = 0) -> None:
    """Store a batch's records, as ``encode_records_block`` made them.

    Args:
        engine: the storage.
        stream: stream of the batch's log.
        batch: the batch.
        block: the batch's records.
        renewed: number of renewals of the deduplication token, which storage knew although it had lost the rows.

    Raises:
        NotAppliedError: nothing was stored.
        OutcomeUnknownError: the records may have been stored; call again.
    """
    _insert(engine, RECORD_TABLES[stream], record_columns(stream), block, batch, renewed)


def insert_tiles(engine: Engine, batch: Batch, fragments: Sequence[TileFragment], *, renewed: int = 0) -> None:
    """Store the hashes that a batch adds to its log's tiles. Raises as ``insert_records``."""
    count = len(fragments)
    columns: tuple[Column, ...] = (
        _one_word(batch.log_id, count),
        PlainColumn(bytes(fragment.level for fragment in fragments)),
        PlainColumn(array("Q", [fragment.tile_index for fragment in fragments]).tobytes()),
        PlainColumn(array("H", [fragment.offset for fragment in fragments]).tobytes()),
        PlainColumn(b"".join(encode_string(fragment.hashes) for fragment in fragments)),
        PlainColumn(uuid_bytes(batch.batch_id) * count),
        PlainColumn(array("Q", [batch.sequence]).tobytes() * count),
    )
    _insert(
        engine,
        "log_tiles",
        TILE_COLUMNS,
        encode_block(TILE_COLUMNS, [(column,) for column in columns], count),
        batch,
        renewed,
    )


def insert_batch(engine: Engine, batch: Batch, *, renewed: int = 0) -> None:
    """Store a batch's own row, which commits the batch. Raises as ``insert_records``."""
    columns: tuple[Column, ...] = (
        _one_word(batch.log_id, 1),
        _one_word(batch.origin, 1),
        PlainColumn(uuid_bytes(batch.batch_id)),
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
    _insert(
        engine,
        "log_batches",
        BATCH_COLUMNS,
        encode_block(BATCH_COLUMNS, [(column,) for column in columns], 1),
        batch,
        renewed,
    )


def is_stored(engine: Engine, table: str, batch: Batch) -> bool:
    """Return whether a table has rows of a batch; inserts are atomic.

    Raises:
        StorageError: storage cannot be read.
    """
    answer = engine.query(
        f"SELECT count() > 0 FROM {table} WHERE LogId = {{log:String}} AND BatchId = {{batch:UUID}} "
        + ("AND LeafIndex = {leaf:UInt64}" if table in RECORD_TABLES.values() else "AND Sequence = {number:UInt64}"),
        {"log": batch.log_id, "batch": str(batch.batch_id), "leaf": batch.first_leaf, "number": batch.sequence},
    )
    if answer not in (b"\0", b"\1"):  # an error may come as text with status 200
        raise OutcomeUnknownError(f"unexpected answer from storage when looking for a batch: {answer[:200]!r}")
    return answer == b"\1"


def _one_word(word: str, count: int) -> WordColumn:
    return WordColumn((word.encode(),), bytes(4 * count))


def _insert(
    engine: Engine, table: str, header: Sequence[TableColumn], block: bytes, batch: Batch, renewed: int
) -> None:
    # The batch ID is a digest of the batch, so only a repeated insert has the same token.
    token = f"{batch.batch_id}/{renewed}" if renewed else str(batch.batch_id)
    engine.insert(table, [column.name for column in header], block, token)
