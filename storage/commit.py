"""The commit of batches: their records, the tree's new hashes, and last the rows that commit the batches.

Batches of one stream that were received on one day may be stored together, with one INSERT for each table: batches of
different logs, and batches that follow each other in a log. An INSERT stores all of its batches or none.
"""

from __future__ import annotations

import itertools
import struct
from array import array
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from uuid import UUID

import numpy as np
import numpy.typing as npt

from server.notary.batch import Batch, TileFragment
from server.notary.canonical import encode_string
from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import OutcomeUnknownError, StorageError
from storage.log_tenants import TenantOf, no_tenant, with_tenants
from storage.native import Block, Column, PlainColumn, WordColumn, encode_block, encode_joinable
from storage.native_join import join_blocks, slice_block
from storage.rowbinary import read_rows, uuid, uuid_bytes
from storage.schema import BATCH_COLUMNS, RECORD_TABLES, TILE_COLUMNS, TableColumn, record_columns

__all__ = [
    "encode_records_block",
    "insert_batches",
    "insert_records",
    "insert_tiles",
    "join_records",
    "pick_records",
    "stored_batches",
]

_EPOCH = date(1970, 1, 1)
_DAY = 86_400 * 10**9
_LOOKED_UP_AT_ONCE = 500  # batches that one query asks for


def encode_records_block(stream: Stream, batches: Sequence[Batch], parts: Sequence[Sequence[Column]]) -> Block:
    """Encode the records of batches as one Native block.

    Args:
        stream: stream of the batches' logs.
        batches: the batches, at least one, all of one canonical version; a batch determines the LogId, BatchId and
            LeafIndex of its records.
        parts: stored columns of each request, in the order of the batches and of their records; columns are in the
            order of the canonical record.
    """
    counts = [batch.record_count for batch in batches]
    evidence: tuple[Column, ...] = (
        _log_ids(batches, counts),
        PlainColumn(b"".join(uuid_bytes(batch.batch_id) * batch.record_count for batch in batches)),
        PlainColumn(_leaves(batches, counts).tobytes()),
    )
    columns: list[Sequence[Column]] = [*zip(*parts, strict=True), *((column,) for column in evidence)]
    return encode_joinable(record_columns(stream, batches[0].canonical_version), columns, sum(counts))


def pick_records(stream: Stream, batches: Sequence[Batch], block: Block, place: int) -> Block:
    """Return the records of one batch of a block.

    Args:
        stream: stream of the batches' logs.
        batches: the batches whose records the block has, in order.
        block: their records, as ``encode_records_block`` and ``join_records`` made them.
        place: number of the batch, from 0.

    Raises:
        ValueError: the block has other columns or rows than the batches have.
    """
    first = sum(batch.record_count for batch in batches[:place])
    header = record_columns(stream, batches[place].canonical_version)
    return slice_block(header, block, first, first + batches[place].record_count)


def _log_ids(batches: Sequence[Batch], counts: Sequence[int]) -> WordColumn:
    places: dict[str, int] = {}
    words = np.array([places.setdefault(batch.log_id, len(places)) for batch in batches], "<u4")
    return WordColumn(tuple(log_id.encode() for log_id in places), np.repeat(words, counts).tobytes())


def _leaves(batches: Sequence[Batch], counts: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the leaf of each record."""
    ends = itertools.accumulate(counts)  # numbers of the rows of the block with which batches end
    shifts = np.array([batch.tree_size - end for batch, end in zip(batches, ends, strict=True)], "<i8")
    leaves: npt.NDArray[np.int64] = np.arange(sum(counts), dtype="<i8") + np.repeat(shifts, counts)
    return leaves


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
        stream: stream of the batches' logs.
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
    engine: Engine,
    batches: Sequence[Batch],
    added: Sequence[Sequence[TileFragment]],
    *,
    renewed: int = 0,
    tenant_of: TenantOf = no_tenant,
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
    header, columns = with_tenants(TILE_COLUMNS, columns, [tenant_of(batch.origin) for batch, _ in pairs])
    block = encode_block(header, [(column,) for column in columns], count)
    _insert(engine, "log_tiles", header, block, batches, renewed)


def insert_batches(
    engine: Engine, batches: Sequence[Batch], *, renewed: int = 0, tenant_of: TenantOf = no_tenant
) -> None:
    """Store the batches' own rows, which commit the batches. Raises as ``insert_records``."""
    count = len(batches)
    columns: tuple[Column, ...] = (
        WordColumn.of(batch.log_id.encode() for batch in batches),
        WordColumn.of(batch.origin.encode() for batch in batches),
        PlainColumn(b"".join(uuid_bytes(batch.batch_id) for batch in batches)),
        _unsigned(batch.sequence for batch in batches),
        _unsigned(batch.first_leaf for batch in batches),
        _unsigned(batch.tree_size for batch in batches),
        _unsigned(batch.record_count for batch in batches),
        _signed(batch.min_timestamp for batch in batches),
        _signed(batch.max_timestamp for batch in batches),
        _signed(batch.ingested_at for batch in batches),
        PlainColumn(b"".join(batch.root_hash for batch in batches)),
        PlainColumn(b"".join(encode_string(batch.frontier) for batch in batches)),
        PlainColumn(b"".join(encode_string(batch.checkpoint.encode()) for batch in batches)),
        PlainColumn(struct.pack(f"<{count}H", *(batch.canonical_version for batch in batches))),
    )
    header, columns = with_tenants(BATCH_COLUMNS, columns, [tenant_of(batch.origin) for batch in batches])
    block = encode_block(header, [(column,) for column in columns], count)
    _insert(engine, "log_batches", header, block, batches, renewed)


def _unsigned(numbers: Iterable[int]) -> PlainColumn:
    return PlainColumn(np.fromiter(numbers, "<u8").tobytes())


def _signed(numbers: Iterable[int]) -> PlainColumn:
    return PlainColumn(np.fromiter(numbers, "<i8").tobytes())


def stored_batches(engine: Engine, table: str, batches: Sequence[Batch]) -> set[UUID]:
    """Return the IDs of those of some batches of which a table has rows; an insert of a batch is atomic.

    Raises:
        StorageError: storage cannot be read.
    """
    found: set[UUID] = set()
    for begin in range(0, len(batches), _LOOKED_UP_AT_ONCE):
        found |= _stored_of(engine, table, batches[begin : begin + _LOOKED_UP_AT_ONCE])
    return found


def _stored_of(engine: Engine, table: str, batches: Sequence[Batch]) -> set[UUID]:
    by_leaf = table in RECORD_TABLES.values()
    place = "LeafIndex" if by_leaf else "Sequence"
    # Records of other days are in other partitions, which ClickHouse need not read.
    days = "AND toDate(IngestedAt, 'UTC') IN {days:Array(Date)}" if by_leaf else ""
    answer = engine.query(
        f"SELECT DISTINCT BatchId FROM {table} WHERE LogId IN {{logs:Array(String)}} "
        f"AND BatchId IN {{batches:Array(UUID)}} AND {place} IN {{places:Array(UInt64)}} {days}",
        {
            "logs": sorted({batch.log_id for batch in batches}),
            "batches": [str(batch.batch_id) for batch in batches],
            "places": sorted({batch.first_leaf if by_leaf else batch.sequence for batch in batches}),
            "days": [
                f"{_EPOCH + timedelta(days=day)}" for day in sorted({batch.ingested_at // _DAY for batch in batches})
            ],
        },
    )
    asked = {batch.batch_id for batch in batches}
    found: set[UUID] | None
    try:
        found = {batch_id for (batch_id,) in read_rows(answer, (uuid,))}
    except StorageError:
        found = None
    if found is None or not found <= asked:  # an error may come as text with status 200
        raise OutcomeUnknownError(f"unexpected answer from storage when looking for batches: {answer[:200]!r}")
    return found


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
