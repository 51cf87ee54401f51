"""Queries for records and spans of a trace, and for audit events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.notary.origin import Stream
from storage.engine import Engine
from storage.evidence import StoredRecord, select_records
from storage.rowbinary import int64, read_rows, text, text_pairs, uint64

__all__ = ["AuditFilter", "Span", "records_of_trace", "search_audit_events", "spans_of_trace"]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Filter of audit events; all conditions must hold. Times are nanoseconds since the epoch.

    Attributes:
        equal: column -> value, for ActorId, TargetId, TargetType, SourceId, Outcome, Category,
            ServiceName and TraceId.
        action: exact, or a prefix followed by ``*``.
        text: text in the body, ignoring case.
        since: earliest Timestamp.
        until: upper limit of Timestamp, exclusive.
        before: only events that follow this one in descending order of (Timestamp,
            LogId, LeafIndex).
    """

    equal: Mapping[str, str]
    action: str = ""
    text: str = ""
    since: int | None = None
    until: int | None = None
    before: tuple[int, str, int] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A span of ``otel_traces``; times are nanoseconds."""

    timestamp: int
    duration: int
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    service_name: str
    status_code: str
    status_message: str
    attributes: tuple[tuple[str, str], ...]


_FILTER_COLUMNS = frozenset(
    {"ActorId", "TargetId", "TargetType", "SourceId", "Outcome", "Category", "ServiceName", "TraceId"}
)


def records_of_trace(engine: Engine, stream: Stream, trace_id: str, limit: int) -> list[StoredRecord]:
    """Return a trace's records in one stream, earliest first."""
    return list(
        select_records(
            engine,
            stream,
            "TraceId = {trace:String} ORDER BY Timestamp, LogId, LeafIndex LIMIT {limit:UInt64}",
            {"trace": trace_id, "limit": limit},
        )
    )


def spans_of_trace(engine: Engine, trace_id: str, limit: int) -> list[Span]:
    """Return a trace's spans, earliest first."""
    # The companion table has a trace's range of time, in whole seconds: spans are sorted by time.
    rows = engine.query(
        "WITH (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS first, "
        "(SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS last "
        "SELECT Timestamp, Duration, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, StatusCode, StatusMessage, "
        "SpanAttributes "
        "FROM otel_traces WHERE TraceId = {trace:String} AND Timestamp >= first AND Timestamp <= last "
        "ORDER BY Timestamp, SpanId LIMIT {limit:UInt64}",
        {"trace": trace_id, "limit": limit},
    )
    readers = (int64, uint64, text, text, text, text, text, text, text, text_pairs)
    return [Span(*row) for row in read_rows(rows, readers)]


def search_audit_events(engine: Engine, wanted: AuditFilter, limit: int) -> list[StoredRecord]:
    """Return audit events, latest first."""
    conditions = ["1"]
    parameters: dict[str, object] = {"limit": limit}
    for column, value in wanted.equal.items():
        if column not in _FILTER_COLUMNS:
            raise ValueError(f"audit events cannot be filtered by {column}")
        conditions.append(f"{column} = {{{column}:String}}")
        parameters[column] = value
    if wanted.action.endswith("*"):
        conditions.append("startsWith(Action, {action:String})")
        parameters["action"] = wanted.action[:-1]
    elif wanted.action:
        conditions.append("Action = {action:String}")
        parameters["action"] = wanted.action
    if wanted.text:
        conditions.append("positionCaseInsensitiveUTF8(Body, {text:String}) > 0")
        parameters["text"] = wanted.text
    if wanted.since is not None:
        conditions.append(f"Timestamp >= fromUnixTimestamp64Nano({wanted.since})")
    if wanted.until is not None:
        conditions.append(f"Timestamp < fromUnixTimestamp64Nano({wanted.until})")
    if wanted.before is not None:
        timestamp, log_id, leaf_index = wanted.before
        conditions.append(
            f"(Timestamp, LogId, LeafIndex) < (fromUnixTimestamp64Nano({timestamp}), {{log:String}}, {{leaf:UInt64}})"
        )
        conditions.append(f"Timestamp <= fromUnixTimestamp64Nano({timestamp})")  # this one uses the sorting key
        parameters |= {"log": log_id, "leaf": leaf_index}
    return list(
        select_records(
            engine,
            Stream.AUDIT,
            f"{' AND '.join(conditions)} ORDER BY Timestamp DESC, LogId DESC, LeafIndex DESC LIMIT {{limit:UInt64}}",
            parameters,
        )
    )
