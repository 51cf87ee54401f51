"""Assembly of ``Rows`` from the columns that the compiled codec encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from server.codec.redaction_rules import RULES
from server.codec.rows import Rows
from server.notary.canonical import CanonicalColumn, Kind, canonical_columns
from server.notary.origin import LogOwner, Stream
from storage.native import ArrayColumn, Column, MapColumn, PlainColumn, WordColumn
from storage.rowbinary import string

__all__ = ["MapData", "TableData", "WordData", "actors_of", "assemble_rows"]

WordData = tuple[tuple[bytes, ...], bytes]
"""A WordColumn: dictionary, indexes."""

MapData = tuple[bytes, tuple[bytes, ...], bytes, bytes]
"""A MapColumn: lengths, dictionary of the keys, indexes of the keys, values."""

TableData = tuple[
    int, int, int, Sequence[bytes], Sequence[WordData], Sequence[MapData], Sequence[bytes], bytes, Sequence[int]
]
"""Rows of one stream: number of rows, the earliest and the latest Timestamp in nanoseconds since the epoch; plain, word
and map columns, each in the order of the canonical record, with the elements of arrays under their kind; the lengths of
events and of links, if it has any; the leaf hashes, 32 bytes each; the number of secrets that each rule of redaction
has replaced."""


def _is_plain(column: CanonicalColumn) -> bool:
    return (column.kind.element or column.kind) not in (Kind.WORD, Kind.MAP)


# Where IngestedAt is among the plain columns.
_RECEIVED = {
    stream: [column.name for column in canonical_columns(stream) if _is_plain(column)].index("IngestedAt")
    for stream in Stream
}
# Where the lengths are of the arrays whose name begins so.
_LENGTHS = {"Events": 0, "Links": 1}


def actors_of(audit: TableData) -> Iterator[tuple[bytes, ...]]:
    """Return for each audit record the texts that name its actors, of which some may be empty."""
    plain = audit[3]
    names = [column.name for column in canonical_columns(Stream.AUDIT) if _is_plain(column)]
    texts = [_texts(plain[names.index(name)]) for name in ("ActorId", "ActorName", "EffectiveActorId")]
    return zip(*texts, strict=True)


def _texts(column: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(column):
        text, at = string(column, at)
        yield text


def assemble_rows(stream: Stream, table: TableData, owner: LogOwner) -> Rows:
    """Return encoded columns as ``Rows`` of an owner, in the order of the canonical record."""
    count, min_timestamp, max_timestamp, plain, words, maps, lengths, leaf_hashes, redacted = table
    plain_columns = (PlainColumn(data) for data in plain)
    word_columns = (WordColumn(dictionary, indexes) for dictionary, indexes in words)
    map_columns = (MapColumn(sizes, WordColumn(keys, indexes), values) for sizes, keys, indexes, values in maps)

    def next_of(kind: Kind) -> PlainColumn | WordColumn | MapColumn:
        if kind is Kind.WORD:
            return next(word_columns)
        if kind is Kind.MAP:
            return next(map_columns)
        return next(plain_columns)

    def next_column(column: CanonicalColumn) -> Column:
        element = column.kind.element
        if element is None:
            return next_of(column.kind)
        return ArrayColumn(lengths[_LENGTHS[column.name.partition(".")[0]]], next_of(element))

    received = plain[_RECEIVED[stream]]
    return Rows(
        stream=stream,
        count=count,
        columns=tuple(map(next_column, canonical_columns(stream))),
        leaf_hashes=leaf_hashes,
        min_timestamp=min_timestamp,
        max_timestamp=max_timestamp,
        first_ingested_at=int.from_bytes(received[:8], "little"),  # they ascend
        ingested_at=int.from_bytes(received[-8:], "little"),
        redactions=tuple((rule, number) for rule, number in zip(RULES, redacted, strict=True) if number),
        owner=owner,
    )
