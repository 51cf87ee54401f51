"""Decoding of the reference codec: an OTLP logs request to columns, with the official protobuf classes.

Columns have the same meaning as in the Collector's clickhouseexporter (``exporter_logs.go``). These rules
cover what the exporter leaves open or loses:

- ``ServiceName`` is the resource's own ``service.name`` (the first, if there are several), or empty.
- Times beyond DateTime64(9) are stored as its last nanosecond, 2**63 - 1.
- A trace or span id that is not 16 or 8 bytes long, or all zero, is invalid and stored as empty.
- ``SeverityNumber`` is the low byte of the number sent.
- A record without a time of its own has the time at which it was observed, otherwise the time of its receipt.
- Attributes are sorted, so the order of different keys is not kept (it has no meaning). All values of a repeated key
  are kept, and their order; the value that was sent last counts for audit rules and in answers. Values with the same
  text but different types are in the order of their types.
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
``log_order``         the order in which the values of repeated keys were sent, each key with the positions of
                      its values in their stored order, from 0; unless it is the stored order
``scope``             the types of the scope's attributes, unless all are strings
``scope_order``       as ``log_order``, for the scope's attributes
``scope_dropped``     the scope's dropped_attributes_count, unless 0
``resource``          the types of the resource's attributes, unless all are strings
``resource_order``    as ``log_order``, for the resource's attributes
``resource_dropped``  the resource's dropped_attributes_count, unless 0
``entity_refs``       the resource's entity references, if any, each an object of ``schema_url``,
                      ``type``, ``id_keys`` and ``description_keys``
``producer``          the result of checking the producer's signature, if it was checked, and whatever else
                      the server found out about the record (``server.codec.annotations``)
``event``             the place of an event in its list, and the number of events, if it is one
                      (``server.codec.audit.split``)
``rules``             the digest of the audit rules, in audit records only (``server.codec.audit.digest``)
``commitments``       the commitments that the server has made in the record, its scope and its resource, if any, in
                      hexadecimal (``server.codec.commitments``)
====================  ==================================================================================

Types are written as ``server.codec.values`` describes. The types of attributes are written as the type of a
key-value list with the attributes in their stored order: sorted by key, value and type.
"""

from __future__ import annotations

from collections import Counter

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.commitments import Commitments
from server.codec.decode_parts import (
    ALL_STRINGS,
    MAX_TIME,
    attributes_of,
    details_json,
    hex_id,
    order_details,
    parse,
    repeated_of,
    resource_of,
    source_of,
)
from server.codec.limits import ROW_LIMITS, RowLimits, too_many_records
from server.codec.records import RecordColumns
from server.codec.redaction import UNREDACTED, Redactor, redactions_text
from server.codec.signals import Signal
from server.codec.values import STRING, as_string

__all__ = ["decode"]


def decode(request: bytes, limits: RowLimits = ROW_LIMITS, redactor: Redactor = UNREDACTED) -> RecordColumns:
    """Return the records of a serialized ``ExportLogsServiceRequest``, in the order in which they were sent.

    Source: opentelemetry-proto ``collector/logs/v1/logs_service.proto`` and ``logs/v1/logs.proto``;
    the mapping to columns is described in this module.

    Args:
        request: the serialized request.
        limits: limits on the rows of the request.
        redactor: replaces secrets before anything else is done with the records.

    Raises:
        MalformedRequestError: the bytes are not an ``ExportLogsServiceRequest`` (broken wire format, a string
            that is not UTF-8, or values nested more than protobuf's limit of 100 messages); or part of the
            request would not be kept (``server.codec.unread``); or its records, each with its resource and
            scope, are more than one batch can hold; or a list of attributes is too long.
    """
    message = parse(ExportLogsServiceRequest, request, Signal.LOGS)
    columns = RecordColumns()
    records = repeated = 0
    for resource_logs in message.resource_logs:
        resource = resource_of(resource_logs, redactor)
        for scope_logs in resource_logs.scope_logs:
            source = source_of(resource, scope_logs, redactor)
            records += len(scope_logs.log_records)
            repeated += len(scope_logs.log_records) * source.size
            if records > limits.records or repeated > limits.repeated:
                raise too_many_records(limits, Signal.LOGS)
            for record in scope_logs.log_records:
                redacted, made = Counter(source.redacted), len(redactor.disclosures)
                redactor.redact_value(record.body, redacted)
                in_body, made = redactor.commitments(made), len(redactor.disclosures)
                redactor.redact_attributes(record.attributes, redacted)
                time = record.time_unix_nano or record.observed_time_unix_nano
                trace_id = hex_id(record.trace_id, 16)
                span_id = hex_id(record.span_id, 8)
                body, body_type = as_string(record.body)
                log_attributes, log_types = attributes_of(record.attributes)
                log_repeated = repeated_of(record.attributes)
                details = _record_details(record, trace_id, span_id, body_type, log_types)
                details += order_details(b"log_order", log_repeated)

                columns.append_source(source)
                columns.timestamp.append(min(time, MAX_TIME))
                columns.trace_id.append(trace_id)
                columns.span_id.append(span_id)
                columns.trace_flags.append(record.flags & 0xFF)
                columns.severity_text.append(record.severity_text.encode())
                columns.severity_number.append(record.severity_number & 0xFF)
                columns.body.append(body)
                columns.body_text.append(_text_of(record.body) or body)
                columns.log_attributes.append(log_attributes)
                columns.log_repeated.append(log_repeated)
                columns.event_name.append(record.event_name.encode())
                columns.observed_timestamp.append(min(record.observed_time_unix_nano, MAX_TIME))
                columns.flags.append(record.flags)
                columns.dropped_attributes_count.append(record.dropped_attributes_count)
                columns.otlp_details.append(details_json((*details, *source.details)))
                others = [detail for detail in details if not detail.startswith(b'"body":')]
                columns.event_details.append(details_json((*others, *source.details)))
                columns.redactions.append(redactions_text(redacted))
                columns.commitments.append(Commitments(source.commitments, in_body, redactor.commitments(made)))
    return columns


def _text_of(body: AnyValue) -> bytes:
    """Return the text of a body that was sent as bytes, nothing if it is none."""
    try:
        return body.bytes_value.decode().encode()
    except UnicodeDecodeError:
        return b""


def _record_details(record: LogRecord, trace_id: bytes, span_id: bytes, body_type: bytes, types: bytes) -> list[bytes]:
    details = []
    if record.time_unix_nano == 0:
        details.append(b'"time":"unset"')
    if record.time_unix_nano > MAX_TIME:
        details.append(b'"time":"%d"' % record.time_unix_nano)
    if record.observed_time_unix_nano > MAX_TIME:
        details.append(b'"observed":"%d"' % record.observed_time_unix_nano)
    if not 0 <= record.severity_number <= 0xFF:
        details.append(b'"severity":"%d"' % record.severity_number)
    if record.trace_id and not trace_id:
        details.append(b'"trace_id":"%b"' % record.trace_id.hex().encode())
    if record.span_id and not span_id:
        details.append(b'"span_id":"%b"' % record.span_id.hex().encode())
    if body_type != STRING:
        details.append(b'"body":' + body_type)
    if types != ALL_STRINGS:
        details.append(b'"log":' + types)
    return details
