"""Encoded records, as a codec passes them to the batcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from server.codec.disclosures import Disclosure
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.notary.canonical_columns import canonical_columns
from server.notary.origin import NO_OWNER, LogOwner, Stream
from storage.native import Column, MapColumn

if TYPE_CHECKING:
    from server.codec.annotations import Annotations

__all__ = ["ALL_STREAMS", "Codec", "Rows", "attribute_keys", "received_at", "with_disclosures"]

ALL_STREAMS = frozenset(Stream)
"""All streams."""

_DAY = 86_400 * 10**9
# Place of the attributes among the columns.
_ATTRIBUTES = {
    stream: next(
        place
        for place, column in enumerate(canonical_columns(stream))
        if column.name == ("SpanAttributes" if stream is Stream.SPANS else "LogAttributes")
    )
    for stream in Stream
}
_DISCLOSURE = 600  # bytes of the objects of a disclosure, as measured


def received_at(ingested_at: int, number: int) -> int:
    """Return the IngestedAt of a record: a nanosecond later for each record before it in its request.

    So the order of a request is kept across both streams. But all its records are received on one day (UTC).

    Args:
        ingested_at: time of receipt of the request, in nanoseconds since the epoch.
        number: number of the record in the request, from 0.
    """
    return min(ingested_at + number, ingested_at // _DAY * _DAY + _DAY - 1)


@dataclass(frozen=True, slots=True)
class Rows:
    """Records or spans of one stream, ready to be stored and notarized.

    Attributes:
        stream: stream of the records.
        count: number of records, at least one.
        columns: stored columns, in the order of the canonical record.
        leaf_hashes: the records' leaf hashes, 32 bytes each; empty if the stream is not hashed.
        min_timestamp: the earliest Timestamp, in nanoseconds since the epoch.
        max_timestamp: the latest Timestamp, in nanoseconds since the epoch.
        first_ingested_at: the earliest IngestedAt, in nanoseconds since the epoch.
        ingested_at: the latest IngestedAt, in nanoseconds since the epoch; all records were received on one day (UTC).
        redactions: number of secrets that each rule of redaction has replaced in all records, sorted by rule.
        owner: the owner of the log to which they belong.
        disclosures: what commitments stand for in the rows of the request, those of its other streams included.
        size: bytes of columns and leaf hashes, for limits.
    """

    stream: Stream
    count: int
    columns: tuple[Column, ...]
    leaf_hashes: bytes
    min_timestamp: int
    max_timestamp: int
    first_ingested_at: int
    ingested_at: int
    redactions: tuple[tuple[str, int], ...] = ()
    owner: LogOwner = NO_OWNER
    disclosures: tuple[Disclosure, ...] = ()
    size: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Computed once: the batcher reads the size again and again.
        size = sum(column.size for column in self.columns) + len(self.leaf_hashes)
        size += sum(_DISCLOSURE + len(each.value) + sum(map(len, each.actors)) for each in self.disclosures)
        object.__setattr__(self, "size", size)

    @property
    def day(self) -> int:
        """The UTC day of IngestedAt in days since the epoch, which is the partition."""
        return self.ingested_at // _DAY


def attribute_keys(rows: Rows) -> tuple[bytes, ...]:
    """Return the different keys of the attributes of records or spans."""
    column = rows.columns[_ATTRIBUTES[rows.stream]]
    return column.keys.dictionary if isinstance(column, MapColumn) else ()


def with_disclosures(rows: list[Rows], disclosures: Sequence[Disclosure]) -> list[Rows]:
    """Return the rows of a request, the first with the disclosures of them all."""
    return [replace(rows[0], disclosures=tuple(disclosures)), *rows[1:]] if rows and disclosures else rows


class Codec(Protocol):
    """Interface of codecs, which turn requests into rows; all codecs turn the same request into the same bytes."""

    name: str

    def encode(
        self,
        request: bytes,
        ingested_at: int,
        annotations: Annotations = (),
        provenance: Provenance = NO_PROVENANCE,
    ) -> list[Rows]:
        """Decode, classify and encode a request.

        Args:
            request: a serialized ``ExportLogsServiceRequest``.
            ingested_at: time of receipt of the request, in nanoseconds since the epoch.
            annotations: annotations of its records; the records of the events in a record have its annotations, too.
            provenance: the tenant and the sender of its records.

        Returns:
            At most one Rows per stream; none for a request without records.

        Raises:
            MalformedRequestError: the bytes are not an ``ExportLogsServiceRequest``.
            OversizedError: too many of its values would be replaced by commitments.
        """

    def encode_spans(self, request: bytes, ingested_at: int, provenance: Provenance = NO_PROVENANCE) -> list[Rows]:
        """Decode and encode a traces request.

        Args:
            request: a serialized ``ExportTraceServiceRequest``.
            ingested_at: time of receipt of the request, in nanoseconds since the epoch.
            provenance: the tenant and the sender of its spans.

        Returns:
            The Rows of the stream ``spans``; none for a request without spans.

        Raises:
            MalformedRequestError: the bytes are not an ``ExportTraceServiceRequest``.
            OversizedError: as ``encode``.
        """
