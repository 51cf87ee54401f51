"""Rows of columns that were made elsewhere, as the compiled codec makes them."""

from __future__ import annotations

from collections.abc import Sequence

from server.codec.rows import Rows
from server.notary.canonical import CanonicalColumn, Kind, canonical_columns
from server.notary.origin import Stream
from storage.native import Column, MapColumn, PlainColumn, WordColumn

__all__ = ["MapData", "WordData", "assemble_rows"]

WordData = tuple[tuple[bytes, ...], bytes]
"""A WordColumn: its dictionary and its indexes."""

MapData = tuple[bytes, tuple[bytes, ...], bytes, bytes]
"""A MapColumn: its lengths, its keys' dictionary and indexes, its values."""


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
    ingested_at: int,
) -> Rows:
    """Put columns in their places.

    Args:
        plain: data of the plain columns, in the order of the canonical record.
        words: of the word columns likewise.
        maps: of the map columns likewise.
        audit: whether they are audit records.
        count: as in ``Rows``.
        leaf_hashes: likewise.
        min_timestamp: likewise.
        max_timestamp: likewise.
        ingested_at: likewise.
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

    return Rows(
        stream=stream,
        count=count,
        columns=tuple(map(next_column, canonical_columns(stream))),
        leaf_hashes=leaf_hashes,
        min_timestamp=min_timestamp,
        max_timestamp=max_timestamp,
        ingested_at=ingested_at,
    )
