"""Findings as audit records, sent to the server's own OTLP port like any sender's records.

So they take the path of every audit record: they are signed, and refused under overload. And a server with workers,
which has no pipeline of its own, needs no special case.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from uuid import uuid4

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.errors.base import LognotaryError
from server.self_verification.finding_ledger import Notice
from server.settings.values import Address

__all__ = ["EVENT_NAME", "AuditTrail", "NotRecordedError", "audit_request"]

EVENT_NAME = "lognotary.verification.finding"
"""EventName of the audit records."""

_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_TIMEOUT = 30.0  # seconds
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach who listens everywhere


class NotRecordedError(LognotaryError):
    """Audit records were not acknowledged; the message says why."""


class AuditTrail:
    """Client that sends audit records over OTLP/gRPC."""

    def __init__(self, address: Address) -> None:
        """Create a client for the server at an address."""
        self._target = str(Address(_ANYWHERE.get(address.host, address.host), address.port))

    def record(self, notices: Sequence[Notice]) -> None:
        """Send an audit record for each notice, and return once all are acknowledged.

        Raises:
            NotRecordedError: not all were acknowledged; some may be stored nevertheless.
        """
        request = audit_request(notices, time.time_ns())
        # A new connection each time: findings are rare. It is the own port, so no proxy is in between.
        options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
        with closing(grpc.insecure_channel(self._target, options)) as channel:
            export = channel.unary_unary(
                _EXPORT, ExportLogsServiceRequest.SerializeToString, ExportLogsServiceResponse.FromString
            )
            try:
                export(request, timeout=_TIMEOUT)
            except grpc.RpcError as error:
                raise NotRecordedError(f"{error.code().name}: {error.details()}") from error


def audit_request(notices: Sequence[Notice], time_unix_nano: int) -> ExportLogsServiceRequest:
    """Return an OTLP request with an audit record for each notice; all are classified by the rule "otel-audit"."""
    scope = ScopeLogs(
        scope=InstrumentationScope(name="lognotary.self_verification"),
        log_records=[_record(notice, time_unix_nano) for notice in notices],
    )
    resource = Resource(attributes=[_pair("service.name", "lognotary")])
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resource, scope_logs=[scope])])


def _record(notice: Notice, time_unix_nano: int) -> LogRecord:
    first, last = notice.leaves or ("", "")
    attributes: dict[str, str | int] = {
        # Of the draft OpenTelemetry audit signal.
        "audit.record.id": str(uuid4()),
        "audit.actor.id": "lognotary",
        "audit.actor.type": "service",
        "audit.action": "verify",
        "audit.outcome": "failure",
        "audit.category": "system",
        "audit.target.id": notice.origin or notice.log_id,
        "audit.target.type": "log" if notice.origin or notice.log_id else "",
        "lognotary.finding.id": notice.key,
        "lognotary.finding.kind": notice.kind,
        "lognotary.log.id": notice.log_id,
        "lognotary.log.origin": notice.origin,
        "lognotary.batch.id": notice.batch_id,
        "lognotary.sequence": notice.sequence or "",
        "lognotary.leaf.first": first,
        "lognotary.leaf.last": last,
        "lognotary.record.count": notice.record_count or "",
    }
    return LogRecord(
        time_unix_nano=time_unix_nano,
        observed_time_unix_nano=time_unix_nano,
        severity_number=SEVERITY_NUMBER_ERROR,
        severity_text="ERROR",
        event_name=EVENT_NAME,
        body=AnyValue(string_value=f"{notice.kind}: {notice.message}"),
        attributes=[_pair(key, value) for key, value in attributes.items() if value != ""],
    )


def _pair(key: str, value: str | int) -> KeyValue:
    known = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
    return KeyValue(key=key, value=known)
