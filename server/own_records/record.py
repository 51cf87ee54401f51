"""An audit record of the server's own, with the attributes that the draft OpenTelemetry audit signal demands."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, SEVERITY_NUMBER_INFO, LogRecord

from server.own_records.sender import attribute_pairs

__all__ = ["actor_of_call", "own_record"]


def own_record(
    event_name: str, body: str, attributes: Mapping[str, str | int], time_unix_nano: int, *, is_error: bool = False
) -> LogRecord:
    """Return an audit record with an ID of its own; it is classified by the rule "otel-audit".

    Args:
        event_name: its EventName.
        body: a sentence.
        attributes: its attributes but for the ID. Those whose value is an empty text are left out.
        time_unix_nano: time of the event.
        is_error: whether its severity is ERROR, not INFO.
    """
    return LogRecord(
        time_unix_nano=time_unix_nano,
        observed_time_unix_nano=time_unix_nano,
        severity_number=SEVERITY_NUMBER_ERROR if is_error else SEVERITY_NUMBER_INFO,
        severity_text="ERROR" if is_error else "INFO",
        event_name=event_name,
        body=AnyValue(string_value=body),
        attributes=attribute_pairs({"audit.record.id": str(uuid.uuid4()), **attributes}),
    )


def actor_of_call(claimed: str, caller: str) -> dict[str, str]:
    """Return the attributes of who asked for something: the actor that a caller claims to be, and its address.

    Callers are not authenticated. A call without both is the server's own.
    """
    return {
        "audit.actor.id": claimed or caller or "lognotary",
        "audit.actor.type": "user" if claimed or caller else "service",
        "audit.source.id": caller,
    }
