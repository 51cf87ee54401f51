"""Assembly of ``Rows`` from the columns that the compiled codec encoded."""

from __future__ import annotations

from collections.abc import Sequence

from server.codec.rows import Rows
from server.notary.canonical import CanonicalColumn, Kind, canonical_columns
from server.notary.origin import Stream
from storage.native import Column, MapColumn, PlainColumn, WordColumn

__all__ = ["MapData", "WordData", "assemble_rows"]

WordData = tuple[tuple[bytes, ...], bytes]
"""A WordColumn: dictionary, indexes."""

MapData = tuple[bytes, tuple[bytes, ...], bytes, bytes]
"""A MapColumn: lengths, dictionary of the keys, indexes of the keys, values."""

# Where IngestedAt is among the plain columns.
_RECEIVED = [
    column.name for column in canonical_columns(Stream.OPERATIONAL) if column.kind not in (Kind.WORD, Kind.MAP)
].index("IngestedAt")


def assemble_rows(
    plain: Sequence[bytes],
    words: Sequence[WordData],
    maps: Sequence[MapData],
    *,
    audit: bool,
    count: int,
    leaf_hashes: bytes,
    min_timestamp: int,
    max_timestamp: int,
) -> Rows:
    """Return encoded columns as ``Rows``, in the order of the canonical record.

    Args:
        plain: data of the plain columns, in the order of the canonical record.
        words: data of the word columns, in the same order.
        maps: data of the map columns, in the same order.
        audit: True for audit records, False for operational records.
        count: number of records.
        leaf_hashes: the records' leaf hashes, 32 bytes each.
        min_timestamp: the earliest Timestamp, in nanoseconds since the epoch.
        max_timestamp: the latest Timestamp, in nanoseconds since the epoch.
    """
    stream = Stream.AUDIT if audit else Stream.OPERATIONAL
    plain_columns = (PlainColumn(data) for data in plain)
    word_columns = (WordColumn(dictionary, indexes) for dictionary, indexes in words)
    map_columns = (MapColumn(lengths, WordColumn(keys, indexes), values) for lengths, keys, indexes, values in maps)

    def next_column(column: CanonicalColumn) -> Column:
        if column.kind is Kind.WORD:
            return next(word_columns)
        if column.kind is Kind.MAP:
            return next(map_columns)
        return next(plain_columns)

    columns = tuple(map(next_column, canonical_columns(stream)))
    received = plain[_RECEIVED]
    return Rows(
        stream=stream,
        count=count,
        columns=columns,
        leaf_hashes=leaf_hashes,
        min_timestamp=min_timestamp,
        max_timestamp=max_timestamp,
        first_ingested_at=int.from_bytes(received[:8], "little"),  # they ascend
        ingested_at=int.from_bytes(received[-8:], "little"),
    )
