"""An event of access as an audit record of the server's own."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access.callers import CallerKind
from server.access_log.event import AccessEvent, Outcome
from server.escaping.visible import visible
from server.notary.counted import counted
from server.own_records.record import own_record

__all__ = ["EVENT_NAME", "LONGEST_REQUEST", "access_record"]

EVENT_NAME = "lognotary.access"
"""EventName of the records."""

LONGEST_REQUEST = 10_000
"""Number of characters of a request that its record has: a query of 4096 characters, each of which may be escaped."""

_LIMIT = 200  # characters of a name
_LONGEST_SETTING = 2000  # characters
_OUTCOMES = {Outcome.BEGUN: "unknown", Outcome.SUCCESS: "success", Outcome.DENIED: "failure", Outcome.FAILED: "failure"}
_PROGRAMS = frozenset({CallerKind.TOKEN.value, CallerKind.CERTIFICATE.value, "server"})


def access_record(
    event: AccessEvent,
    record_id: str,
    time_unix_nano: int,
    *,
    redact: Callable[[str], str] = str,
) -> LogRecord:
    """Return an event as a record, in which all texts are one bounded line without secrets.

    Args:
        event: the event.
        record_id: ID of the record.
        time_unix_nano: time of the event.
        redact: function that returns a text without secrets.
    """

    def line(text: str, limit: int = _LIMIT) -> str:
        return visible(redact(text), limit) if text else ""

    actor = event.actor
    name, target = line(actor.name), line(event.target)
    address = line(actor.address)
    attributes: dict[str, str | int] = {
        "audit.record.id": record_id,
        "audit.actor.id": name or address or "unknown",
        "audit.actor.type": "service" if actor.kind in _PROGRAMS else "user",
        "audit.action": event.action,
        "audit.outcome": _OUTCOMES[event.outcome],
        "audit.category": event.category,
        "audit.target.id": target,
        "audit.target.type": event.target_type if target else "",
        "audit.source.id": address,
        "lognotary.access.outcome": event.outcome.value,
        "lognotary.access.reason": line(event.reason),
        "lognotary.access.kind": actor.kind,
        "lognotary.access.roles": ",".join(actor.roles),
        "lognotary.access.tenant": actor.unknown_tenant,
        "lognotary.access.protocol": event.protocol,
        "lognotary.access.request": line(event.asked, LONGEST_REQUEST),
        "lognotary.access.call": event.call,
        **{f"lognotary.setting.{name}": line(value, _LONGEST_SETTING) for name, value in event.settings},
    }
    if event.outcome is Outcome.SUCCESS or event.records:
        attributes["lognotary.access.records"] = event.records
    if event.changed_by:
        attributes["lognotary.changed_by"] = line(event.changed_by)
    if event.seconds is not None:
        attributes["lognotary.access.duration_ms"] = round(event.seconds * 1000)
    attributes |= {
        key: count
        for key, count in (
            ("lognotary.access.repeated", event.repeated),
            ("lognotary.access.others", event.others),
            ("lognotary.access.lost", event.lost),
        )
        if count
    }
    record = own_record(EVENT_NAME, _sentence(event, name or address, target), attributes, time_unix_nano)
    record.trace_id, record.span_id = bytes.fromhex(event.trace_id), bytes.fromhex(event.span_id)
    return record


def _sentence(event: AccessEvent, who: str, target: str) -> str:
    of = f" of {event.target_type} {target}" if target else ""
    who = who or "somebody unknown"
    if event.lost:
        return f"{counted(event.lost, 'record of who looked was lost', 'records of who looked were lost')}: {who}"
    records = f", {counted(event.records, 'record')}" if event.records else ""
    return f"{event.action}{of} by {who}: {event.outcome.value}{records}"
