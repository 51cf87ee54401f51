"""Encoded records: what a codec hands to the batcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.notary.origin import Stream
from storage.native import Column, join_columns

__all__ = ["Codec", "Rows", "join_rows"]

_DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Rows:
    """Records of one stream, ready to be stored and notarized.

    Attributes:
        stream: the stream they belong to.
        count: how many records, at least one.
        columns: the stored columns of the canonical record, in its order.
        leaf_hashes: the records' leaf hashes, 32 bytes each.
        min_timestamp: the earliest Timestamp, in nanoseconds since the epoch.
        max_timestamp: the latest.
        ingested_at: the latest IngestedAt; all lie on one day (UTC).
    """

    stream: Stream
    count: int
    columns: tuple[Column, ...]
    leaf_hashes: bytes
    min_timestamp: int
    max_timestamp: int
    ingested_at: int

    @property
    def size(self) -> int:
        """Size in bytes, for limits."""
        return sum(column.size for column in self.columns) + len(self.leaf_hashes)

    @property
    def day(self) -> int:
        """The UTC day of IngestedAt, counted from the epoch: the partition."""
        return self.ingested_at // _DAY


class Codec(Protocol):
    """Turns requests into rows. All codecs make the same bytes of the same request."""

    name: str

    def encode(self, request: bytes, ingested_at: int) -> list[Rows]:
        """Decode, classify and encode a request.

        Args:
            request: a serialized ``ExportLogsServiceRequest``.
            ingested_at: when it was received, in nanoseconds since the epoch.

        Returns:
            At most one Rows per stream; none for a request without records.

        Raises:
            MalformedRequestError: the bytes are no such request.
        """


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Join rows of one stream and day, in the given order."""
    if len(parts) == 1:
        return parts[0]
    return Rows(
        stream=parts[0].stream,
        count=sum(part.count for part in parts),
        columns=tuple(join_columns(columns) for columns in zip(*(part.columns for part in parts), strict=True)),
        leaf_hashes=b"".join(part.leaf_hashes for part in parts),
        min_timestamp=min(part.min_timestamp for part in parts),
        max_timestamp=max(part.max_timestamp for part in parts),
        ingested_at=max(part.ingested_at for part in parts),
    )
