"""Decoding of the reference codec: an OTLP logs request to columns, with the official protobuf classes.

Columns have the same meaning as in the Collector's clickhouseexporter (``exporter_logs.go``). These rules
cover what the exporter leaves open or loses:

- ``ServiceName`` is the resource's own ``service.name`` (the first, if there are several), or empty.
- Times beyond DateTime64(9) are stored as its last nanosecond, 2**63 - 1.
- A trace or span id that is not 16 or 8 bytes long, or all zero, is invalid and stored as empty.
- ``SeverityNumber`` is the low byte of the number sent.
- Attributes are sorted, so their order is not kept (it has no meaning); duplicates are.
- Not kept, because they have no meaning in logs: references into the string table of the profiling
  signal (``key_strindex``, ``string_value_strindex``: the key or value is empty), fields that this
  version of OTLP does not know, as long as others beside them are kept (``server.codec.unread``),
  resources and scopes without records, and whether an empty message (resource, scope, body, value) was
  sent or left out.

``otlp_details`` holds everything that the other columns lose, so that the stored row is the whole record.
It is empty for most records. Otherwise it is a compact JSON object with the members that apply, in this
order:

====================  ==================================================================================
``time``              ``"unset"`` if the record has no time of its own, whatever ``Timestamp`` shows;
                      the nanoseconds in decimal, as a string, if beyond 2**63 - 1
``observed``          the observed time in decimal, as a string, if beyond 2**63 - 1
``severity``          the severity number in decimal, as a string, if not within 0 to 255
``trace_id``          an invalid trace id in lower-case hex, unless it is empty
``span_id``           an invalid span id in lower-case hex, unless it is empty
``body``              the body's type, unless it is a string
``log``               the types of the record's attributes, unless all are strings
``scope``             the types of the scope's attributes, unless all are strings
``scope_dropped``     the scope's dropped_attributes_count, unless 0
``resource``          the types of the resource's attributes, unless all are strings
``resource_dropped``  the resource's dropped_attributes_count, unless 0
``entity_refs``       the resource's entity references, if any, each an object of ``schema_url``,
                      ``type``, ``id_keys`` and ``description_keys``
====================  ==================================================================================

Types are written as ``server.codec.values`` describes. The types of attributes are written as the type of a
key-value list with the attributes in their stored order: sorted by key, value and type.
"""

from __future__ import annotations

from collections.abc import Collection

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.codec.limits import ROW_LIMITS, MalformedReason, RowLimits, check_members, malformed, too_many_records
from server.codec.records import Attributes, RecordColumns
from server.codec.unread import find_unread, unread_error, with_present_numbers
from server.codec.values import STRING, as_string, json_text, member_types

__all__ = ["decode"]

_MAX_TIME = 2**63 - 1  # DateTime64(9) is a signed 64-bit number of nanoseconds
_ALL_STRINGS = b"{}"


def decode(request: bytes, limits: RowLimits = ROW_LIMITS) -> RecordColumns:
    """Return the records of a serialized ``ExportLogsServiceRequest``, in the order in which they were sent.

    Source: opentelemetry-proto ``collector/logs/v1/logs_service.proto`` and ``logs/v1/logs.proto``;
    the mapping to columns is described in this module.

    Args:
        request: the serialized request.
        limits: limits on the rows of the request.

    Raises:
        MalformedRequestError: the bytes are not an ``ExportLogsServiceRequest`` (broken wire format, a string
            that is not UTF-8, or values nested more than protobuf's limit of 100 messages); or part of the
            request would not be kept (``server.codec.unread``); or its records, each with its resource and
            scope, are more than one batch can hold; or a list of attributes is too long.
    """
    message = _parse(request)
    columns = RecordColumns()
    records = repeated = 0
    for resource_logs in message.resource_logs:
        service_name = _service_name(resource_logs.resource)
        resource_schema_url = resource_logs.schema_url.encode()
        resource_attributes, resource_types = _attributes(resource_logs.resource.attributes)
        resource_details = _resource_details(resource_logs.resource, resource_types)
        for scope_logs in resource_logs.scope_logs:
            scope_schema_url = scope_logs.schema_url.encode()
            scope_name = scope_logs.scope.name.encode()
            scope_version = scope_logs.scope.version.encode()
            scope_attributes, scope_types = _attributes(scope_logs.scope.attributes)
            shared_details = _scope_details(scope_logs.scope, scope_types) + resource_details
            records += len(scope_logs.log_records)
            repeated += len(scope_logs.log_records) * (
                sum(map(len, (service_name, resource_schema_url, scope_schema_url, scope_name, scope_version)))
                + sum(len(key) + len(text) for key, text in resource_attributes + scope_attributes)
                + sum(len(detail) + 1 for detail in shared_details)
            )
            if records > limits.records or repeated > limits.repeated:
                raise too_many_records(limits)
            for record in scope_logs.log_records:
                time = record.time_unix_nano or record.observed_time_unix_nano
                trace_id = _hex_id(record.trace_id, 16)
                span_id = _hex_id(record.span_id, 8)
                body, body_type = as_string(record.body)
                log_attributes, log_types = _attributes(record.attributes)
                details = _record_details(record, trace_id, span_id, body_type, log_types) + shared_details

                columns.timestamp.append(min(time, _MAX_TIME))
                columns.trace_id.append(trace_id)
                columns.span_id.append(span_id)
                columns.trace_flags.append(record.flags & 0xFF)
                columns.severity_text.append(record.severity_text.encode())
                columns.severity_number.append(record.severity_number & 0xFF)
                columns.service_name.append(service_name)
                columns.body.append(body)
                columns.resource_schema_url.append(resource_schema_url)
                columns.resource_attributes.append(resource_attributes)
                columns.scope_schema_url.append(scope_schema_url)
                columns.scope_name.append(scope_name)
                columns.scope_version.append(scope_version)
                columns.scope_attributes.append(scope_attributes)
                columns.log_attributes.append(log_attributes)
                columns.event_name.append(record.event_name.encode())
                columns.observed_timestamp.append(min(record.observed_time_unix_nano, _MAX_TIME))
                columns.flags.append(record.flags)
                columns.dropped_attributes_count.append(record.dropped_attributes_count)
                columns.otlp_details.append(b"{" + b",".join(details) + b"}" if details else b"")
    return columns


def _parse(request: bytes) -> ExportLogsServiceRequest:
    try:
        message = ExportLogsServiceRequest.FromString(request)
        if any_unknown := _discard_unknown(message):
            message = ExportLogsServiceRequest.FromString(with_present_numbers(request))
    except DecodeError as error:
        text = str(error)
        reason = MalformedReason.BROKEN
        if "UTF-8" in text:
            reason = MalformedReason.NOT_UTF8
        elif "epth" in text:
            reason = MalformedReason.TOO_DEEP
        raise malformed(request, reason) from error
    if any_unknown and (unread := find_unread(request)):
        raise unread_error(unread)
    return message


def _discard_unknown(message: ExportLogsServiceRequest) -> bool:
    """Discard all fields that protobuf's classes do not know; return True if there were any."""
    # Comparing sizes is fast, and creates no object for each of the millions of unknown fields that a request can have.
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return message.ByteSize() != size


def _service_name(resource: Resource) -> bytes:
    for attribute in resource.attributes:
        if attribute.key == "service.name":
            return as_string(attribute.value)[0]
    return b""


def _attributes(attributes: Collection[KeyValue]) -> tuple[Attributes, bytes]:
    """Return the sorted attributes, and their types as the type of a key-value list."""
    check_members(attributes)
    entries = sorted((attribute.key.encode(), *as_string(attribute.value)) for attribute in attributes)
    types = member_types([(key, kind) for key, _, kind in entries])
    return tuple([(key, text) for key, text, _ in entries]), types


def _hex_id(raw: bytes, size: int) -> bytes:
    return raw.hex().encode() if len(raw) == size and any(raw) else b""


def _record_details(record: LogRecord, trace_id: bytes, span_id: bytes, body_type: bytes, types: bytes) -> list[bytes]:
    details = []
    if record.time_unix_nano == 0:
        details.append(b'"time":"unset"')
    if record.time_unix_nano > _MAX_TIME:
        details.append(b'"time":"%d"' % record.time_unix_nano)
    if record.observed_time_unix_nano > _MAX_TIME:
        details.append(b'"observed":"%d"' % record.observed_time_unix_nano)
    if not 0 <= record.severity_number <= 0xFF:
        details.append(b'"severity":"%d"' % record.severity_number)
    if record.trace_id and not trace_id:
        details.append(b'"trace_id":"%b"' % record.trace_id.hex().encode())
    if record.span_id and not span_id:
        details.append(b'"span_id":"%b"' % record.span_id.hex().encode())
    if body_type != STRING:
        details.append(b'"body":' + body_type)
    if types != _ALL_STRINGS:
        details.append(b'"log":' + types)
    return details


def _scope_details(scope: InstrumentationScope, types: bytes) -> list[bytes]:
    details = []
    if types != _ALL_STRINGS:
        details.append(b'"scope":' + types)
    if scope.dropped_attributes_count:
        details.append(b'"scope_dropped":%d' % scope.dropped_attributes_count)
    return details


def _resource_details(resource: Resource, types: bytes) -> list[bytes]:
    details = []
    if types != _ALL_STRINGS:
        details.append(b'"resource":' + types)
    if resource.dropped_attributes_count:
        details.append(b'"resource_dropped":%d' % resource.dropped_attributes_count)
    for entity in resource.entity_refs:
        check_members(entity.id_keys)
        check_members(entity.description_keys)
    if check_members(resource.entity_refs):
        details.append(
            b'"entity_refs":'
            + json_text(
                [
                    {
                        "schema_url": entity.schema_url,
                        "type": entity.type,
                        "id_keys": list(entity.id_keys),
                        "description_keys": list(entity.description_keys),
                    }
                    for entity in resource.entity_refs
                ]
            )
        )
    return details
