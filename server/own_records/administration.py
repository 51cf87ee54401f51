"""Audit records of changes of policy: legal holds, and how long records are kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.own_records.record import actor_of_call, own_record
from server.own_records.sender import OwnRecords
from storage.hold_records import POLICY_CHANGE

__all__ = ["PolicyChange", "change_record", "record_change"]

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
        is_done: False before the change is made: it may still fail.
    """

    action: str
    target: str
    target_type: str
    actor: str
    caller: str
    what: str
    reason: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)
    is_done: bool = True


def record_change(records: OwnRecords, change: PolicyChange) -> None:
    """Record a change in the audit log, and return once the record is acknowledged.

    Raises:
        NotRecordedError: it may not be recorded.
    """
    records.send(_SCOPE, [change_record(change, time.time_ns())])


def change_record(change: PolicyChange, time_unix_nano: int) -> LogRecord:
    """Return a change as a record."""
    attributes: dict[str, str | int] = {
        **actor_of_call(change.actor, change.caller),
        "audit.action": change.action,
        "audit.outcome": "success" if change.is_done else "unknown",
        "audit.category": "admin",
        "audit.target.id": change.target,
        "audit.target.type": change.target_type,
        "lognotary.reason": change.reason,
        **change.details,
    }
    body = f"{change.what}: {change.reason}" if change.reason else change.what
    return own_record(POLICY_CHANGE, body, attributes, time_unix_nano)
