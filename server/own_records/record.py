"""An audit record of the server's own, with the attributes that the draft OpenTelemetry audit signal demands."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, SEVERITY_NUMBER_INFO, LogRecord

from server.access.callers import CallerKind
from server.access.current import current_caller
from server.own_records.sender import attribute_pairs

__all__ = ["actor_of_call", "own_record", "who_asked"]


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
    """Return the attributes of who asked for something: the caller whom the server knows, and whom he claims to be.

    Of a caller without credentials, there is only the actor that he claims to be, and an address. A call without both
    is the server's own.

    Args:
        claimed: actor that the caller claims to be; empty if he claims nothing.
        caller: address of the caller; empty for the server itself.
    """
    known = current_caller()
    if known is not None and known.kind is not CallerKind.LOCAL:
        return {
            "audit.actor.id": known.name,
            "audit.actor.type": "service" if known.kind in (CallerKind.TOKEN, CallerKind.CERTIFICATE) else "user",
            "audit.source.id": known.address or caller,
            "lognotary.actor.kind": known.kind.value,
            "lognotary.actor.claimed": claimed,
        }
    return {
        "audit.actor.id": claimed or caller or "lognotary",
        "audit.actor.type": "user" if claimed or caller else "service",
        "audit.source.id": caller,
    }


def who_asked(claimed: str) -> str:
    """Return who asked for something, in words: the caller whom the server knows, and whom he claims to act for.

    Args:
        claimed: actor that the caller claims to be; empty if he claims nothing.
    """
    known = current_caller()
    if known is None or known.kind is CallerKind.LOCAL:
        return claimed
    who = f"{known.name} ({known.kind.value})"
    return f"{who}, who claims to act for {claimed}" if claimed else who
