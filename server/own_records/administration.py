"""Audit records of changes of policy: legal holds, and how long records are kept."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord

from server.own_records.sender import OwnRecords, attribute_pairs

__all__ = ["EVENT_NAME", "PolicyChange", "change_record", "record_change"]

EVENT_NAME = "lognotary.policy.change"
"""EventName of the audit records."""

_SCOPE = "lognotary.administration"


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A change of policy.

    Attributes:
        action: what was done: hold.add, hold.release or retention.change.
        target: name of what was changed.
        target_type: what that is: hold or stream.
        actor: who asked for it; empty for the server itself.
        caller: address of the caller; empty for the server itself.
        what: a sentence.
        reason: why.
        details: further attributes, by name.
    """

    action: str
    target: str
    target_type: str
    actor: str
    caller: str
    what: str
    reason: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)


def record_change(records: OwnRecords, change: PolicyChange) -> None:
    """Record a change in the audit log, and return once the record is acknowledged.

    Raises:
        NotRecordedError: it may not be recorded.
    """
    records.send(_SCOPE, [change_record(change, time.time_ns())])


def change_record(change: PolicyChange, time_unix_nano: int) -> LogRecord:
    """Return a change as a record; it is classified by the rule "otel-audit"."""
    attributes: dict[str, str | int] = {
        # Of the draft OpenTelemetry audit signal.
        "audit.record.id": str(uuid.uuid4()),
        # Who calls is not authenticated: the address is what the server saw itself.
        "audit.actor.id": change.actor or change.caller or "lognotary",
        "audit.actor.type": "user" if change.actor or change.caller else "service",
        "audit.action": change.action,
        "audit.outcome": "success",
        "audit.category": "admin",
        "audit.target.id": change.target,
        "audit.target.type": change.target_type,
        "audit.source.id": change.caller,
        "lognotary.reason": change.reason,
        **change.details,
    }
    return LogRecord(
        time_unix_nano=time_unix_nano,
        observed_time_unix_nano=time_unix_nano,
        severity_number=SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        event_name=EVENT_NAME,
        body=AnyValue(string_value=f"{change.what}: {change.reason}" if change.reason else change.what),
        attributes=attribute_pairs(attributes),
    )
