"""Audit records of erasures: how many values, why, and who asked; never what was erased."""

from __future__ import annotations

import time
import uuid

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord

from server.own_records.sender import OwnRecords, attribute_pairs

__all__ = ["EVENT_NAME", "erasure_record", "record_erasure"]

EVENT_NAME = "lognotary.disclosure.erase"
"""EventName of the audit records."""

_SCOPE = "lognotary.disclosures"


def record_erasure(records: OwnRecords, values: int, kind: str, reason: str, requested_by: str, caller: str) -> None:
    """Record an erasure in the audit log, and return once the record is acknowledged. Args as ``erasure_record``.

    Raises:
        NotRecordedError: it may not be recorded.
    """
    records.send(_SCOPE, [erasure_record(values, kind, reason, requested_by, caller, time.time_ns())])


def erasure_record(
    values: int, kind: str, reason: str, requested_by: str, caller: str, time_unix_nano: int
) -> LogRecord:
    """Return an erasure as a record; it is classified by the rule "otel-audit".

    Args:
        values: number of values that are erased.
        kind: actor or value: what they were chosen by.
        reason: why.
        requested_by: who asked for it, as the caller says.
        caller: address of the caller.
        time_unix_nano: the time.
    """
    attributes: dict[str, str | int] = {
        # Of the draft OpenTelemetry audit signal.
        "audit.record.id": str(uuid.uuid4()),
        "audit.actor.id": requested_by or caller or "lognotary",
        "audit.actor.type": "user" if requested_by or caller else "service",
        "audit.action": "disclosure.erase",
        "audit.outcome": "success",
        "audit.category": "data",
        "audit.target.id": f"values chosen by {kind}",
        "audit.target.type": "disclosure",
        "audit.source.id": caller,
        "lognotary.reason": reason,
        "lognotary.erased": values,
    }
    return LogRecord(
        time_unix_nano=time_unix_nano,
        observed_time_unix_nano=time_unix_nano,
        severity_number=SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        event_name=EVENT_NAME,
        body=AnyValue(string_value=f"{values} disclosed values, chosen by {kind}, are erased: {reason}"),
        attributes=attribute_pairs(attributes),
    )
