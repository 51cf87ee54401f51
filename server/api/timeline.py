"""The order of the entries of a timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2 as pb

__all__ = ["happened_at", "in_order", "nanos_of"]


def happened_at(record: pb.Record | pb.Span) -> Timestamp:
    """Return the time of a record or span; the time of its receipt if it was sent without a time."""
    # A record without a time, but with an observed time, is stored with the observed time as its timestamp.
    return record.timestamp if record.timestamp.seconds or record.timestamp.nanos else record.ingested_at


def in_order(entries: Iterable[pb.TimelineEntry]) -> list[pb.TimelineEntry]:
    """Return the entries of a trace in order of time, with spans after their parents even if clocks disagree.

    Entries of the same time come in the order in which they were sent: the records or spans of a request have ascending
    times of receipt, across the streams. Older versions gave all of them one time of receipt; then the order within
    each log is kept. A span comes before the records within it.
    """
    entries = list(entries)
    begins = _begins_of_spans(entries)
    return sorted(entries, key=lambda entry: _order(entry, begins))


def _order(entry: pb.TimelineEntry, begins: Mapping[str, tuple[int, int]]) -> tuple[int, int, int, int, str, int]:
    kind = entry.WhichOneof("entry")
    content: pb.Record | pb.Span = getattr(entry, kind)
    begin, depth = nanos_of(entry.timestamp), 0
    if isinstance(content, pb.Span) and content.parent_span_id in begins:
        of_parent, depth_of_parent = begins[content.parent_span_id]
        begin, depth = max(begin, of_parent), depth_of_parent + 1
    place = content.evidence
    return begin, int(kind != "span"), depth, nanos_of(content.ingested_at), place.log_id, place.leaf_index


def _begins_of_spans(entries: Sequence[pb.TimelineEntry]) -> dict[str, tuple[int, int]]:
    """Return the sort key of each span: start time (the parent's if the parent starts later), and depth in the tree."""
    spans: dict[str, tuple[str, int]] = {}
    for entry in entries:
        if entry.WhichOneof("entry") == "span" and entry.span.span_id:
            place = entry.span.parent_span_id, nanos_of(entry.timestamp)
            spans[entry.span.span_id] = min(place, spans.get(entry.span.span_id, place), key=itemgetter(1))
    found: dict[str, tuple[int, int]] = {}
    for span in sorted(spans):  # a cycle is broken at the same place for any order of the entries
        way: dict[str, None] = {}
        at = span
        while at in spans and at not in found and at not in way:
            way[at] = None
            at = spans[at][0]
        begin, depth = found.get(at, (0, -1))
        for passed in reversed(way):
            begin, depth = max(begin, spans[passed][1]), depth + 1
            found[passed] = begin, depth
    return found


def nanos_of(timestamp: Timestamp) -> int:
    """Return a time in nanoseconds since the epoch."""
    return timestamp.seconds * 10**9 + timestamp.nanos
