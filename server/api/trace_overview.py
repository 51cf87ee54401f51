"""The entries of a trace as a whole: when, by whom, with how many errors, what is missing, and its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.timeline import nanos_of
from server.query.plausible_times import plausible_times

__all__ = ["overview_of"]

_ERROR = 17  # severity number of ERROR (OpenTelemetry logs data model, "SeverityNumber")


def overview_of(entries: Sequence[pb.TimelineEntry]) -> pb.TraceOverview:
    """Return the overview of the entries of an answer; times that are not plausible count only if no others are there.

    The current time is the clock's.
    """
    overview = pb.TraceOverview()
    if not entries:
        return overview
    times = [(begin, begin + entry.span.duration_nanos) for entry in entries for begin in [nanos_of(entry.timestamp)]]
    plausible = plausible_times()
    dated = [(begin, end) for begin, end in times if plausible.has(begin, end)]
    first = min(begin for begin, _ in dated or times)
    last = max(end for _, end in dated or times)
    contents = [_content(entry) for entry in entries]
    spans = [content for content in contents if isinstance(content, pb.Span)]
    actors = {entry.audit_event.audit.actor_id for entry in entries if entry.HasField("audit_event")}
    known = {span.span_id for span in spans}
    return pb.TraceOverview(
        first=_timestamp(first),
        last=_timestamp(last),
        duration_nanos=last - first,
        services=sorted({content.service_name for content in contents} - {""}),
        actors=sorted(actors - {""}),
        implausible_time_count=len(times) - len(dated),
        error_count=sum(map(_is_error, entries)),
        missing_span_ids=sorted({span.parent_span_id for span in spans} - known - {""}),
        # Spans that a Collector's own exporter wrote have no state.
        evidence=Counter(
            evidence_pb2.EvidenceState.Name(content.evidence.state or evidence_pb2.UNSIGNED) for content in contents
        ),
    )


def _content(entry: pb.TimelineEntry) -> pb.Record | pb.Span:
    content: pb.Record | pb.Span = getattr(entry, entry.WhichOneof("entry"))
    return content


def _is_error(entry: pb.TimelineEntry) -> bool:
    match entry.WhichOneof("entry"):
        case "audit_event":
            return entry.audit_event.audit.outcome == "failure" or entry.audit_event.severity_number >= _ERROR
        case "log":
            return entry.log.severity_number >= _ERROR
        case _:
            return entry.span.status_code == "Error"


def _timestamp(nanos: int) -> Timestamp:
    return Timestamp(seconds=nanos // 10**9, nanos=nanos % 10**9)
