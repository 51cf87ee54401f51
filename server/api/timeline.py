"""The order of the entries of a timeline."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2 as pb

__all__ = ["happened_at", "timeline_order"]


def happened_at(record: pb.Record) -> Timestamp:
    """Return the time of a record; the time of its receipt if it was sent without a time."""
    # A record without a time, but with an observed time, is stored with the observed time as its timestamp.
    return record.timestamp if record.timestamp.seconds or record.timestamp.nanos else record.ingested_at


def timeline_order(entry: pb.TimelineEntry) -> tuple[int, int, int, str, int]:
    """Return the sort key of an entry: its time, then the order in which records were sent.

    The records or spans of a request have ascending times of receipt, across the streams. Those of older versions have
    one time of receipt; then the order within each log is kept. A span comes before the records within it.
    """
    kind = entry.WhichOneof("entry")
    content: pb.Record | pb.Span = getattr(entry, kind)
    place = content.evidence
    return _nanos(entry.timestamp), int(kind != "span"), _nanos(content.ingested_at), place.log_id, place.leaf_index


def _nanos(timestamp: Timestamp) -> int:
    return timestamp.seconds * 10**9 + timestamp.nanos
