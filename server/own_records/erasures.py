"""Audit records of erasures: how many values, why, and who asked; never what was erased."""

from __future__ import annotations

import time
from dataclasses import dataclass

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.notary.counted import counted
from server.own_records.record import actor_of_call, own_record
from server.own_records.sender import OwnRecords

__all__ = ["EVENT_NAME", "Erasure", "erasure_record", "record_erasure"]

EVENT_NAME = "lognotary.disclosure.erase"
"""EventName of the audit records."""

_SCOPE = "lognotary.disclosures"


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure of disclosed values.

    Attributes:
        values: number of values.
        kind: actor or value: by which of them the values were chosen.
        reason: why.
        claimed: actor that the caller claims to be.
        caller: address of the caller.
        is_done: False before the values are deleted: their deletion may still fail.
    """

    values: int
    kind: str
    reason: str
    claimed: str
    caller: str
    is_done: bool = False


def record_erasure(records: OwnRecords, erasure: Erasure) -> None:
    """Record an erasure in the audit log, and return once the record is acknowledged.

    Raises:
        NotRecordedError: it may not be recorded.
    """
    records.send(_SCOPE, [erasure_record(erasure, time.time_ns())])


def erasure_record(erasure: Erasure, time_unix_nano: int) -> LogRecord:
    """Return an erasure as a record: its outcome is unknown until the values are deleted."""
    attributes: dict[str, str | int] = {
        **actor_of_call(erasure.claimed, erasure.caller),
        "audit.action": "disclosure.erase",
        "audit.outcome": "success" if erasure.is_done else "unknown",
        "audit.category": "admin",
        "audit.target.id": f"values chosen by {erasure.kind}",
        "audit.target.type": "disclosure",
        "lognotary.reason": erasure.reason,
        "lognotary.erased": erasure.values,
    }
    becomes = f"{'is' if erasure.values == 1 else 'are'} {'erased' if erasure.is_done else 'about to be erased'}"
    body = f"{counted(erasure.values, 'disclosed value')}, chosen by {erasure.kind}, {becomes}: {erasure.reason}"
    return own_record(EVENT_NAME, body, attributes, time_unix_nano)
