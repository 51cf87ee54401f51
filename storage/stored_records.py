"""Reads of stored records, in canonical form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from server.notary.canonical import CANONICAL_VERSION, Kind, canonical_columns, leaf_of
from server.notary.errors import MalformedError
from server.notary.hashing import map_sorter
from server.notary.leaf_rows import row_kinds
from server.notary.origin import Stream
from server.notary.record_forms import added_columns, in_version
from storage.answer_limits import AnsweringEngine
from storage.engine import Engine, Pieces
from storage.errors import UnreadableTableError
from storage.read_settings import FULL_SCAN
from storage.rowbinary import (
    boolean,
    int64,
    int64_array,
    read_rows,
    string,
    string_array,
    text,
    text_pairs,
    text_pairs_array,
    uint8,
    uint32,
    uint64,
    uuid,
)
from storage.schema import RECORD_TABLES, mark_expressions, quoted_column, stored_expressions

__all__ = [
    "StoredRecord",
    "check_scan_types",
    "claims_nothing",
    "count_after",
    "longest_row_query",
    "read_records",
    "read_records_of_batch",
    "right_beside",
    "scan_query",
    "scan_records",
    "select_records",
    "select_strays",
]

_READERS = {
    Kind.TIME: int64,
    Kind.UINT8: uint8,
    Kind.UINT32: uint32,
    Kind.UINT64: uint64,
    Kind.STRING: string,
    Kind.WORD: string,
    Kind.MAP: text_pairs,
    Kind.TIMES: int64_array,
    Kind.STRINGS: string_array,
    Kind.WORDS: string_array,
    Kind.MAPS: text_pairs_array,
}


# Rows, and bytes, of a block at most, about: blocks are taken as a whole, so no profile should make them larger. A user
# who may not send these settings gets blocks as the profile has them.
_BLOCKS: Mapping[str, str | int] = MappingProxyType({"max_block_size": 8192, "preferred_block_size_bytes": 1_000_000})


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A stored record.

    Attributes:
        stream: stream of its table.
        log_id: the log that it names, empty for none.
        batch_id: the batch that it names.
        leaf_index: the leaf that it claims.
        timestamp: its Timestamp, in nanoseconds since the epoch.
        order_ok: True if the values of a key that is repeated in a map are in order.
        canonical: the canonical record, in the version of new records: its batch says which version was signed.
    """

    stream: Stream
    log_id: str
    batch_id: UUID
    leaf_index: int
    timestamp: int
    order_ok: bool
    canonical: bytes

    @property
    def claims_nothing(self) -> bool:
        """True if the record names no log and no batch."""
        return claims_nothing(self.log_id, self.batch_id)

    def as_signed(self, version: int) -> tuple[bytes, bool]:
        """Return the canonical record of a version; and whether all that readers see beside it is as it must be."""
        try:
            record, fits = in_version(self.stream, self.canonical, version)
        except MalformedError:  # a version that nobody has, or a column of a table that was altered
            return self.canonical, False
        return record, fits and self.order_ok

    def leaf(self, version: int) -> bytes:
        """Return the leaf hash of the canonical record of a version."""
        return leaf_of(self.as_signed(version)[0])


def claims_nothing(log_id: str, batch_id: UUID) -> bool:
    """Return whether rows name no log and no batch: their stream is not signed, or a Collector wrote them."""
    return not log_id and not batch_id.int


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


def scan_records(engine: Engine, stream: Stream, log_id: str, first_leaf: int, end_leaf: int, version: int) -> Pieces:
    """Stream the records of ``read_records`` in any order, at lower cost: the bulk read of verification.

    Args:
        engine: the storage.
        stream: stream of the log.
        log_id: the log.
        first_leaf: the first leaf.
        end_leaf: the leaf after the last one.
        version: version of the canonical records.

    Returns:
        Blocks for ``server.notary.hashing.hash_blocks``, cut into pieces anywhere.
    """
    return AnsweringEngine(engine, lambda: _BLOCKS).query_in_pieces(
        f"{scan_query(stream, version)} WHERE LogId = {{log:String}} AND LeafIndex >= {{first:UInt64}} "
        "AND LeafIndex < {end:UInt64}",
        {"log": log_id, "first": first_leaf, "end": end_leaf},
    )


def longest_row_query(stream: Stream, log_id: str, first_leaf: int, end_leaf: int) -> str:
    """Return the statement that finds the longest row that claims one of the leaves [first_leaf, end_leaf) of a log."""
    return (
        f"SELECT LeafIndex, BatchId, byteSize(*) AS Bytes FROM {RECORD_TABLES[stream]} WHERE LogId = '{log_id}' "
        f"AND LeafIndex >= {first_leaf} AND LeafIndex < {end_leaf} ORDER BY Bytes DESC LIMIT 1"
    )


def check_scan_types(engine: Engine, stream: Stream) -> None:
    """Check that the columns of ``scan_query`` have the types that ``hash_blocks`` reads.

    Raises:
        UnreadableTableError: the table was altered.
        StorageError: storage cannot be read.
    """
    columns = (_READERS[column.kind] for column in canonical_columns(stream))
    mark = [int64 for _ in mark_expressions(CANONICAL_VERSION)]
    list(read_rows(engine.query(f"{scan_query(stream)} LIMIT 0"), (uuid, uint64, boolean, *mark, *columns)))


def scan_query(stream: Stream, version: int = CANONICAL_VERSION) -> str:
    """Return the SELECT of the rows for ``hash_blocks``, from a whole table, as records of a version."""
    # ``hash_blocks`` sorts maps, and checks their order, at a fraction of the cost of doing so in ClickHouse.
    beside = " AND ".join(_added_are_empty(stream, version)) or "true"
    return f"SELECT BatchId, LeafIndex, {beside}, {stored_expressions(stream, version)} FROM {RECORD_TABLES[stream]}"


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


def count_after(engine: Engine, stream: Stream, sizes: Mapping[str, int]) -> dict[str, int]:
    """Count the rows that claim leaves of logs beyond their last committed batches, with one scan for all logs.

    Args:
        engine: the storage.
        stream: stream of the logs.
        sizes: number of committed entries of each log, by LogId.

    Returns:
        The number of rows, at least one, by LogId; logs without such rows are not in it.
    """
    if not sizes:
        return {}
    rows = engine.query(
        f"SELECT toString(LogId) AS Log, count() FROM {RECORD_TABLES[stream]} WHERE LogId IN {{logs:Array(String)}} "
        "AND LeafIndex >= {least:UInt64} "
        "AND LeafIndex >= transform(Log, {logs:Array(String)}, {sizes:Array(UInt64)}, toUInt64(0)) GROUP BY Log",
        {"logs": list(sizes), "sizes": list(sizes.values()), "least": min(sizes.values())},
    )
    return dict(read_rows(rows, (text, uint64)))


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
    # Maps are read as they are stored, and sorted here. For a few records, ClickHouse takes longer to analyse the
    # expressions that sort maps than to read the rows.
    rows = engine.query(
        f"{f'WITH {alias} ' if alias else ''}SELECT LogId, BatchId, LeafIndex, Timestamp, "
        f"formatRowNoNewline('RowBinary', {stored_expressions(stream)}) FROM {RECORD_TABLES[stream]} WHERE {condition}",
        parameters,
        settings=settings,
    )
    sort = map_sorter(row_kinds(stream, CANONICAL_VERSION))
    for log_id, batch_id, leaf, timestamp, stored in read_rows(rows, (text, uuid, uint64, int64, string)):
        try:
            canonical, order_ok = sort(stored)
        except MalformedError as error:
            raise UnreadableTableError(
                f"records of the table {RECORD_TABLES[stream]} cannot be read: its columns are not as migrations made "
                "them, and 'lognotary verify' names the difference"
            ) from error
        yield StoredRecord(stream, log_id, batch_id, leaf, timestamp, order_ok, canonical)


def right_beside(stream: Stream, version: int = CANONICAL_VERSION) -> str:
    """Return the expression that is true if all that readers see beside the canonical record is as it must be.

    That is the order of the values of repeated keys, and that columns which the version does not have are empty.
    """
    columns = canonical_columns(stream, version)
    maps = [_order_ok(column.name) for column in columns if column.kind is Kind.MAP]
    arrays = [
        f"arrayAll(m -> {_order_ok('m')}, {quoted_column(column.name)})"
        for column in columns
        if column.kind is Kind.MAPS
    ]
    return " AND ".join([*maps, *arrays, *_added_are_empty(stream, version)])


def _added_are_empty(stream: Stream, version: int) -> list[str]:
    return [f"{column} = ''" for column in added_columns(stream, version)]


def _order_ok(column: str) -> str:
    """Return the expression that is true if the values of a key that is repeated in a map are in order.

    Readers see the first one, and the canonical record, which is sorted, does not tell which it is. ClickHouse may
    store the pairs of different keys in any order (buckets), but keeps pairs of equal keys in their order.
    """
    pairs = f"mapSort((k, v) -> (k, v), {column})"  # as in the canonical record: computed once for both
    values = (
        f"arraySort((v, k, i) -> (k, i), mapValues({column}), mapKeys({column}), arrayEnumerate(mapKeys({column})))"
    )
    return f"({pairs} = {column} OR {values} = mapValues({pairs}))"
