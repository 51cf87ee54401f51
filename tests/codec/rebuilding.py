"""A row back to the record, written from the description of the columns alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import EntityRef, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.codec.records import Attributes, RecordColumns

from .restoring import Members, kinds_of_members, normalise, normalised, restore_as

__all__ = ["comparable", "flattened", "key_values", "rebuilt"]


def rebuilt(columns: RecordColumns, row: int) -> ResourceLogs:
    """Return the record of a row, alone in its resource and scope."""
    parsed = json.loads(columns.otlp_details[row] or b"{}", object_pairs_hook=Members)
    details = dict(parsed)
    assert len(details) == len(parsed)

    time = details.get("time", columns.timestamp[row])
    trace_id = details.get("trace_id", columns.trace_id[row].decode())
    span_id = details.get("span_id", columns.span_id[row].decode())
    record = LogRecord(
        time_unix_nano=0 if time == "unset" else int(time),
        observed_time_unix_nano=int(details.get("observed", columns.observed_timestamp[row])),
        severity_number=SeverityNumber.ValueType(int(details.get("severity", columns.severity_number[row]))),
        severity_text=columns.severity_text[row].decode(),
        body=restore_as(columns.body[row], details.get("body", "string")),
        attributes=key_values(columns.log_attributes[row], details.get("log"), details.get("log_order")),
        dropped_attributes_count=columns.dropped_attributes_count[row],
        flags=columns.flags[row],
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(span_id),
        event_name=columns.event_name[row].decode(),
    )
    scope = InstrumentationScope(
        name=columns.scope_name[row].decode(),
        version=columns.scope_version[row].decode(),
        attributes=key_values(columns.scope_attributes[row], details.get("scope"), details.get("scope_order")),
        dropped_attributes_count=details.get("scope_dropped", 0),
    )
    resource = Resource(
        attributes=key_values(columns.resource_attributes[row], details.get("resource"), details.get("resource_order")),
        dropped_attributes_count=details.get("resource_dropped", 0),
        entity_refs=[EntityRef(**dict(entity)) for entity in details.get("entity_refs", [])],
    )
    return one_record(
        resource,
        columns.resource_schema_url[row].decode(),
        scope,
        columns.scope_schema_url[row].decode(),
        record,
    )


def key_values(attributes: Attributes, kinds: Members | None, order: Members | None) -> list[KeyValue]:
    """Return attributes, the values of each key in the order in which they were sent."""
    kinds_in_order = kinds_of_members([key.decode() for key, _ in attributes], kinds or Members())
    stored = defaultdict(list)
    for (key, text), kind in zip(attributes, kinds_in_order, strict=True):
        stored[key.decode()].append(restore_as(text, kind))
    places: dict[str, Sequence[int]] = {name: range(len(values)) for name, values in stored.items()}
    for name, sent in order or ():
        assert isinstance(sent, list)
        assert sorted(sent) == list(places[name])
        places[name] = sent
    return [KeyValue(key=name, value=values[place]) for name, values in stored.items() for place in places[name]]


def one_record(
    resource: Resource,
    resource_schema_url: str,
    scope: InstrumentationScope,
    scope_schema_url: str,
    record: LogRecord,
) -> ResourceLogs:
    scope_logs = ScopeLogs(scope=scope, schema_url=scope_schema_url, log_records=[record])
    return ResourceLogs(resource=resource, schema_url=resource_schema_url, scope_logs=[scope_logs])


def flattened(request: ExportLogsServiceRequest) -> list[ResourceLogs]:
    """Return each record of a request, alone in its resource and scope."""
    return [
        one_record(resource_logs.resource, resource_logs.schema_url, scope_logs.scope, scope_logs.schema_url, record)
        for resource_logs in request.resource_logs
        for scope_logs in resource_logs.scope_logs
        for record in scope_logs.log_records
    ]


def comparable(logs: ResourceLogs) -> bytes:
    """Return a record's bytes without what is documented as not kept."""
    logs = ResourceLogs.FromString(logs.SerializeToString())
    scope_logs = logs.scope_logs[0]
    record = scope_logs.log_records[0]
    record.body.CopyFrom(normalised(record.body))
    record.body.SetInParent()  # an empty body left out is the same as one sent
    for owner in (logs.resource, scope_logs.scope, record):
        normalise(owner.attributes)
    return logs.SerializeToString(deterministic=True)
