"""Encoded records: what a codec hands to the batcher."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from server.notary.origin import Stream
from storage.native import Column

__all__ = ["Codec", "Rows"]

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
        size: bytes that they hold, for limits.
    """

    stream: Stream
    count: int
    columns: tuple[Column, ...]
    leaf_hashes: bytes
    min_timestamp: int
    max_timestamp: int
    ingested_at: int
    size: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Once: the batcher asks again and again.
        size = sum(column.size for column in self.columns) + len(self.leaf_hashes)
        object.__setattr__(self, "size", size)

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
