"""Search for audit records of the draft OpenTelemetry signal, wherever they have its keys."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from server.codec.audit.built_in import otel_rules
from server.codec.choose import build_codec
from server.errors.ingest import MalformedRequestError
from server.notary.origin import Stream

__all__ = ["MARKS", "native_finder"]

MARKS = (b"audit", b"\\u")
"""Bytes of which such a record has some: the keys may be written with escapes."""


def native_finder(codec: str) -> Callable[[LogRecord], bool]:
    """Return a function that tells whether a record is such an audit record, or a list of events with one.

    A record that cannot be decoded is none: its request will be refused.

    Args:
        codec: the codec that classifies, one of ``CODECS``.
    """
    classifying = build_codec(codec, otel_rules())

    def is_native(record: LogRecord) -> bool:
        logs = ResourceLogs(scope_logs=[ScopeLogs(log_records=[record])])
        request = ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString()
        try:
            return any(rows.stream is Stream.AUDIT for rows in classifying.encode(request, 0))
        except MalformedRequestError:
            return False

    return is_native
