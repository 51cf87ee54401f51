"""The commit of batches: their records, the tree's new hashes, and last the rows that commit the batches.

Batches that follow each other in a log, and were received on one day, may be stored together, with one INSERT for each
table: it stores all of them or none.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from server.notary.batch import Batch, TileFragment
from server.notary.canonical import encode_string
from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import OutcomeUnknownError
from storage.native import Block, Column, PlainColumn, WordColumn, encode_block, encode_joinable
from storage.native_join import join_blocks
from storage.rowbinary import uuid_bytes
from storage.schema import BATCH_COLUMNS, RECORD_TABLES, TILE_COLUMNS, TableColumn, record_columns

__all__ = [
    "any_is_stored",
    "encode_records_block",
    "insert_batches",
    "insert_records",
    "insert_tiles",
    "is_stored",
    "join_records",
]


def encode_records_block(stream: Stream, batch: Batch, parts: Sequence[Sequence[Column]]) -> Block:
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
    return encode_joinable(record_columns(stream, batch.canonical_version), columns, count)


def join_records(stream: Stream, version: int, blocks: Sequence[Block]) -> Block:
    """Return the records of several batches, of one canonical version, as one block.

    Raises:
        ValueError: a block has other columns than this version has.
    """
    return join_blocks(record_columns(stream, version), blocks)


def insert_records(engine: Engine, stream: Stream, batches: Sequence[Batch], block: Block, *, renewed: int = 0) -> None:
    """Store the records of batches.

    Args:
        engine: the storage.
        stream: stream of the batches' log.
        batches: the batches, all of one canonical version.
        block: their records, as ``encode_records_block`` and ``join_records`` made them.
        renewed: number of renewals of the deduplication token, which storage knew although it had lost the rows.

    Raises:
        NotAppliedError: nothing was stored.
        OutcomeUnknownError: the records may have been stored; call again.
    """
    columns = record_columns(stream, batches[0].canonical_version)
    _insert(engine, RECORD_TABLES[stream], columns, block.data, batches, renewed)


def insert_tiles(
    engine: Engine, batches: Sequence[Batch], added: Sequence[Sequence[TileFragment]], *, renewed: int = 0
) -> None:
    """Store the hashes that each batch adds to its log's tiles. Raises as ``insert_records``."""
    pairs = [(batch, fragment) for batch, of_batch in zip(batches, added, strict=True) for fragment in of_batch]
    fragments, count = [fragment for _, fragment in pairs], len(pairs)
    columns: tuple[Column, ...] = (
        WordColumn.of(batch.log_id.encode() for batch, _ in pairs),
        PlainColumn(bytes(fragment.level for fragment in fragments)),
        PlainColumn(array("Q", [fragment.tile_index for fragment in fragments]).tobytes()),
        PlainColumn(array("H", [fragment.offset for fragment in fragments]).tobytes()),
        PlainColumn(b"".join(encode_string(fragment.hashes) for fragment in fragments)),
        PlainColumn(b"".join(uuid_bytes(batch.batch_id) for batch, _ in pairs)),
        PlainColumn(array("Q", [batch.sequence for batch, _ in pairs]).tobytes()),
    )
    block = encode_block(TILE_COLUMNS, [(column,) for column in columns], count)
    _insert(engine, "log_tiles", TILE_COLUMNS, block, batches, renewed)


def insert_batches(engine: Engine, batches: Sequence[Batch], *, renewed: int = 0) -> None:
    """Store the batches' own rows, which commit the batches. Raises as ``insert_records``."""
    columns: list[Sequence[Column]] = list(zip(*map(_batch_row, batches), strict=True))
    block = encode_block(BATCH_COLUMNS, columns, len(batches))
    _insert(engine, "log_batches", BATCH_COLUMNS, block, batches, renewed)


def _batch_row(batch: Batch) -> tuple[Column, ...]:
    return (
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


def is_stored(engine: Engine, table: str, batch: Batch) -> bool:
    """Return whether a table has rows of a batch; inserts are atomic.

    Raises:
        StorageError: storage cannot be read.
    """
    return any_is_stored(engine, table, [batch])


def any_is_stored(engine: Engine, table: str, batches: Sequence[Batch]) -> bool:
    """Return whether a table has rows of any of some batches of a log, at least one. Raises as ``is_stored``."""
    by_leaf = table in RECORD_TABLES.values()
    answer = engine.query(
        f"SELECT count() > 0 FROM {table} WHERE LogId = {{log:String}} AND BatchId IN {{batches:Array(UUID)}} "
        + ("AND LeafIndex IN {places:Array(UInt64)}" if by_leaf else "AND Sequence IN {places:Array(UInt64)}"),
        {
            "log": batches[0].log_id,
            "batches": [str(batch.batch_id) for batch in batches],
            "places": [batch.first_leaf if by_leaf else batch.sequence for batch in batches],
        },
    )
    if answer not in (b"\0", b"\1"):  # an error may come as text with status 200
        raise OutcomeUnknownError(f"unexpected answer from storage when looking for a batch: {answer[:200]!r}")
    return answer == b"\1"


def _one_word(word: str, count: int) -> WordColumn:
    return WordColumn((word.encode(),), bytes(4 * count))


def _insert(
    engine: Engine, table: str, header: Sequence[TableColumn], block: bytes, batches: Sequence[Batch], renewed: int
) -> None:
    token = _token(batches)
    engine.insert(table, [column.name for column in header], block, f"{token}/{renewed}" if renewed else token)


def _token(batches: Sequence[Batch]) -> str:
    """Return a token that only an insert of the same batches has, since a batch ID is a digest of the batch."""
    if len(batches) == 1:
        return str(batches[0].batch_id)
    return sha256(b"".join(batch.batch_id.bytes for batch in batches)).hexdigest()
