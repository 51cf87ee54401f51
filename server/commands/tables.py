"""Answers as tables for ``--csv``, with stable column names.

Columns have the names of query fields where such a field exists. Times are in UTC by RFC 3339, with nanoseconds, so
that they sort as texts. Maps are JSON; a key that was sent more than once has the list of its values as they were sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2, counts_pb2, evidence_pb2
from server.api.timeline import happened_at
from server.commands.evidence_lines import entry_evidence
from server.commands.found import Found, record_of
from server.commands.sentences import level
from server.notary.origin import Stream

__all__ = [
    "Table",
    "entries_of_events",
    "entries_table",
    "facets_table",
    "histogram_table",
    "names_table",
    "traces_table",
]

_STREAMS = {"audit_event": Stream.AUDIT, "log": Stream.OPERATIONAL, "span": Stream.SPANS}
_RECORD_COLUMNS = (
    *("timestamp", "stream", "service", "severity", "event", "body"),
    *("actor", "action", "target", "source", "outcome", "category", "session"),
    *("trace", "span", "parent", "name", "kind", "status", "duration"),
    *("evidence", "log", "leaf", "attributes", "resource_attributes"),
    *("actor_name", "effective_actor", "host", "description"),
    *("actor_type", "target_type", "source_type", "rule", "record"),
)
_TRACE_COLUMNS = (
    *("trace", "first", "last", "duration", "audit_events", "logs", "spans", "errors", "services", "actors"),
    *("evidence", "log", "leaf"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        columns: names of the columns.
        rows: values of each row.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[str | int]]

    def lines(self) -> Iterator[Sequence[str | int]]:
        """Yield the names of the columns, then the rows."""
        yield self.columns
        yield from self.rows


def entries_table(entries: Iterable[correlation_pb2.TimelineEntry]) -> Table:
    """Return records and spans, one per row; columns that a stream does not have are empty."""
    return Table(_RECORD_COLUMNS, _rows(_RECORD_COLUMNS, map(_entry, entries)))


def entries_of_events(events: Iterable[correlation_pb2.Record]) -> Iterator[correlation_pb2.TimelineEntry]:
    """Yield audit events as entries."""
    for event in events:
        yield correlation_pb2.TimelineEntry(timestamp=happened_at(event), audit_event=event)


def traces_table(traces: Iterable[correlation_pb2.TraceSummary]) -> Table:
    """Return traces, one per row, each with the evidence and the leaf of its latest matching record."""
    return Table(_TRACE_COLUMNS, _rows(_TRACE_COLUMNS, map(_trace, traces)))


def histogram_table(found: counts_pb2.HistogramResponse, by: str) -> Table:
    """Return the counts of a histogram: one row for each step, or with a field for each step and group."""
    if not by:
        return Table(
            ("start", "end", "count"),
            ((_time(bucket.start), _time(bucket.end), bucket.count) for bucket in found.buckets),
        )
    return Table(
        ("start", "end", "group", "is_other", "count"),
        (
            (_time(bucket.start), _time(bucket.end), group.value, _truth(group.is_other), count)
            for bucket in found.buckets
            for group, count in zip(found.groups, bucket.group_counts, strict=True)
        ),
    )


def facets_table(found: counts_pb2.FacetsResponse) -> Table:
    """Return the values of fields, empty for records without one; ``is_other`` marks the row of all other values."""
    return Table(("field", "value", "is_other", "count"), _facets(found))


def names_table(found: counts_pb2.FieldNamesResponse) -> Table:
    """Return the names of fields, without counts, and of attributes."""
    return Table(
        ("name", "count"),
        [*((name, "") for name in found.fields), *((one.name, one.count) for one in found.attributes)],
    )


def _rows(columns: Sequence[str], found: Iterable[Mapping[str, str | int]]) -> Iterator[Sequence[str | int]]:
    for one in found:
        yield [one.get(column, "") for column in columns]


def _entry(entry: correlation_pb2.TimelineEntry) -> Mapping[str, str | int]:
    record = record_of(entry)
    common: dict[str, str | int] = {
        "timestamp": _time(entry.timestamp),
        "stream": _STREAMS[entry.WhichOneof("entry") or ""].value,
        "service": record.service_name,
        "trace": record.trace_id,
        "span": record.span_id,
        "resource_attributes": _json(record.resource_attributes, "resource", record),
        **_place(entry),
    }
    if isinstance(record, correlation_pb2.Span):
        return common | {
            "parent": record.parent_span_id,
            "name": record.name,
            "kind": record.kind,
            "status": record.status_code,
            "duration": record.duration_nanos,
            "attributes": _json(record.attributes, "span", record),
        }
    audit = record.audit
    return common | {
        "severity": level(record),
        "event": record.event_name,
        "body": record.body,
        "actor": audit.actor_id,
        "action": audit.action,
        "target": audit.target_id,
        "source": audit.source_id,
        "outcome": audit.outcome,
        "category": audit.category,
        "session": audit.session_id,
        "attributes": _json(record.log_attributes, "log", record),
        "actor_name": audit.actor_name,
        "effective_actor": audit.effective_actor_id,
        "host": audit.source_host,
        "description": audit.description,
        "actor_type": audit.actor_type,
        "target_type": audit.target_type,
        "source_type": audit.source_type,
        "rule": audit.rule,
        "record": audit.record_id,
    }


def _trace(trace: correlation_pb2.TraceSummary) -> Mapping[str, str | int]:
    return {
        "trace": trace.trace_id,
        "first": _time(trace.first),
        "last": _time(trace.last),
        "duration": trace.duration_nanos,
        "audit_events": trace.audit_event_count,
        "logs": trace.log_count,
        "spans": trace.span_count,
        "errors": trace.error_count,
        "services": ", ".join(trace.services),
        "actors": ", ".join(trace.actors),
        **_place(trace.match),
    }


def _place(entry: correlation_pb2.TimelineEntry) -> Mapping[str, str | int]:
    evidence = entry_evidence(entry)
    if evidence is None:
        return {}
    known = evidence.state in evidence_pb2.EvidenceState.values()
    place: dict[str, str | int] = {"evidence": evidence_pb2.EvidenceState.Name(evidence.state).lower() if known else ""}
    if evidence.log_id:
        place |= {"log": evidence.origin or evidence.log_id, "leaf": evidence.leaf_index}
    return place


def _facets(found: counts_pb2.FacetsResponse) -> Iterator[Sequence[str | int]]:
    for facet in found.facets:
        yield from ((facet.field, value.value, _truth(False), value.count) for value in facet.values)
        if facet.other_values:
            yield facet.field, "", _truth(True), facet.other_count
        if facet.missing_count:
            yield facet.field, "", _truth(False), facet.missing_count


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _time(timestamp: Timestamp) -> str:
    seconds = Timestamp(seconds=timestamp.seconds).ToJsonString()
    return f"{seconds[:-1]}.{timestamp.nanos:09}Z"


def _json(values: Mapping[str, str], place: str, record: Found) -> str:
    if not values:
        return ""
    sent = {one.key: list(one.values) for one in record.repeated_attributes if one.place == place}
    return json.dumps(dict(sorted({**values, **sent}.items())), ensure_ascii=False, separators=(",", ":"))
