"""Findings as audit records of the server's own."""

from __future__ import annotations

import time
from collections.abc import Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.own_records.record import own_record
from server.own_records.sender import OwnRecords, own_request
from server.self_verification.finding_ledger import Notice

__all__ = ["EVENT_NAME", "AuditTrail", "audit_request"]

EVENT_NAME = "lognotary.verification.finding"
"""EventName of the audit records."""

_SCOPE = "lognotary.self_verification"


class AuditTrail:
    """Sends findings as audit records."""

    def __init__(self, records: OwnRecords) -> None:
        """Send with a client."""
        self._records = records

    def record(self, notices: Sequence[Notice]) -> None:
        """Send an audit record for each notice, and return once all are acknowledged.

        Raises:
            NotRecordedError: not all were acknowledged; some may be stored nevertheless.
        """
        now = time.time_ns()
        self._records.send(_SCOPE, [_record(notice, now) for notice in notices])


def audit_request(notices: Sequence[Notice], time_unix_nano: int) -> ExportLogsServiceRequest:
    """Return an OTLP request with an audit record for each notice; all are classified by the rule "otel-audit"."""
    return own_request(_SCOPE, [_record(notice, time_unix_nano) for notice in notices])


def _record(notice: Notice, time_unix_nano: int) -> LogRecord:
    first, last = notice.leaves or ("", "")
    attributes: dict[str, str | int] = {
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
    return own_record(EVENT_NAME, f"{notice.kind}: {notice.message}", attributes, time_unix_nano, is_error=True)
