"""OTLP records, attributes and values made for tests of the reference codec."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.codec.decode import decode
from server.codec.decode_spans import decode_spans
from server.codec.records import RecordColumns, SpanColumns

__all__ = [
    "MAX_TIME",
    "NOTHING",
    "array",
    "attributes",
    "boolean",
    "decoded",
    "decoded_spans",
    "double",
    "integer",
    "kvlist",
    "raw",
    "string",
]

MAX_TIME = 2**63 - 1  # that a column can hold
NOTHING = AnyValue()


def decoded(*records: LogRecord, resource: Resource | None = None) -> RecordColumns:
    """Return the columns of records of one resource and scope."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add(resource=resource).scope_logs.add(log_records=records)
    return decode(request.SerializeToString())


def decoded_spans(*spans: Span) -> SpanColumns:
    """Return the columns of spans of one resource and scope."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(spans=spans)
    return decode_spans(request.SerializeToString())


def attributes(pairs: Iterable[tuple[str, AnyValue]]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value) for key, value in pairs]


def string(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def integer(value: int) -> AnyValue:
    return AnyValue(int_value=value)


def array(*elements: AnyValue) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=elements))


def kvlist(*members: tuple[str, AnyValue]) -> AnyValue:
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in members]))


def double(value: float) -> AnyValue:
    return AnyValue(double_value=value)


def boolean(value: bool) -> AnyValue:
    return AnyValue(bool_value=value)


def raw(value: bytes) -> AnyValue:
    return AnyValue(bytes_value=value)
