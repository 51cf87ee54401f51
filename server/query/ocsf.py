"""Audit records as events of OCSF 1.9.0 (https://schema.ocsf.io/1.9.0).

Every attribute exists in OCSF 1.8.0 too, with the same meaning; the classes 3007 and 3008 do not. ``unmapped`` has the
whole record, from which ``check.py`` computes the record's SHA-256 again. ``attestation_list`` is not used: OCSF
defines it over the event's own bytes, but the log has the SHA-256 of the canonical record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

from server.notary.canonical import Value
from server.notary.sent_order import SentOrder
from server.query.export import ExportedRecord
from server.query.ocsf_activities import choose_activity, is_user
from server.query.ocsf_classes import (
    API_ACTIVITY,
    APPLICATION_LIFECYCLE,
    AUTHENTICATION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    OTHER,
    ROLE_MANAGEMENT,
    USER_MANAGEMENT,
    Activity,
)

__all__ = ["OCSF_VERSION", "ocsf_event"]

OCSF_VERSION = "1.9.0"
"""The version that events state: the first one with User Management (3007) and Role Management (3008)."""

_UNKNOWN = "Unknown"
_MILLISECOND = 10**6  # nanoseconds

# Severity numbers of OpenTelemetry below a number -> identifier and caption.
_SEVERITIES = (
    (1, (0, _UNKNOWN)),
    (13, (1, "Informational")),
    (17, (3, "Medium")),
    (21, (4, "High")),
    (25, (6, "Fatal")),
)
_STATUSES = {"success": (1, "Success"), "failure": (2, "Failure")}
_USER_TYPES = {"": (0, _UNKNOWN), "user": (1, "User"), "admin": (2, "Admin"), "system": (3, "System")}
_USER_TYPES |= {"service": (4, "Service")}
_SWITCHED_ACCOUNT = 7  # activity of Authentication

# An address with a port, or the first address of a list in JSON, which Kubernetes sends.
_WITH_PORT = re.compile(r"(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9A-Fa-f:.]+)\]):(\d{1,5})", re.ASCII)
_LISTED = re.compile(r'\["([^"]+)"')
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?!.{{254}})(?=.*[A-Za-z]){_LABEL}(?:\.{_LABEL})*\.?")


def ocsf_event(record: ExportedRecord, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an audit record as an event.

    Args:
        record: a record of the stream ``audit``.
        row: the record as NDJSON has it, with all columns.
    """
    values = _Values(record)
    activity = choose_activity(
        values.text("Action"),
        values.text("Category"),
        values.text("TargetType"),
        has_target=bool(values.text("TargetId")),
    )
    return {
        **_classification(activity, values),
        "time": values.time,
        "message": values.text("Description") or values.text("Body") or values.text("Action") or _UNKNOWN,
        "metadata": _metadata(activity, values, row),
        "actor": _actor(values),
        **_source(activity, values),
        **_objects(activity, values),
        **_raw_data(record),
        "unmapped": {"lognotary": row},
    }


class _Values:
    """The columns of a record, as texts and milliseconds; columns that its version does not have are empty."""

    def __init__(self, record: ExportedRecord) -> None:
        self.record = record

    def text(self, column: str) -> str:
        return _text(self.record.values.get(column, b""))

    def attribute(self, column: str, order: str, key: bytes) -> str:
        """Return the value of an attribute that was sent last; ``order`` as for ``SentOrder.values``."""
        details, value = self.record.values.get("OtlpDetails"), self.record.values.get(column)
        pairs = [pair for pair in value if isinstance(pair, tuple)] if isinstance(value, list) else []
        sent = SentOrder(details if isinstance(details, bytes) else b"").values(pairs, order).get(key)
        return _text(sent[-1]) if sent else ""

    def number(self, column: str) -> int:
        value = self.record.values.get(column)
        return value if isinstance(value, int) else 0

    @property
    def time(self) -> int:
        """The event's time in milliseconds since the epoch; the time of receipt if it was sent without one."""
        return (self.number("Timestamp") or self.number("IngestedAt")) // _MILLISECOND


def _text(value: Value) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _classification(activity: Activity, values: _Values) -> dict[str, Any]:
    of = activity.event_class
    number = values.number("SeverityNumber")
    severity = next((found for below, found in _SEVERITIES if number < below), (0, _UNKNOWN))
    status = _STATUSES.get(values.text("Outcome"), (0, _UNKNOWN))
    return {
        "class_uid": of.uid,
        "class_name": of.name,
        "category_uid": of.category_uid,
        "category_name": of.category_name,
        "activity_id": activity.activity_id,
        "activity_name": values.text("Action") if activity.activity_id == OTHER else activity.caption,
        "type_uid": activity.type_uid,
        "type_name": f"{of.name}: {activity.caption}",
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
    }


def _metadata(activity: Activity, values: _Values, row: Mapping[str, Any]) -> dict[str, Any]:
    record = values.record
    profiles = ["host"] if activity.event_class is APPLICATION_LIFECYCLE else []  # it has the actor
    if activity.event_class is API_ACTIVITY and values.text("TraceId"):
        profiles.append("trace")
    product = {
        "name": values.text("ServiceName") or _UNKNOWN,
        "version": values.attribute("ResourceAttributes", "resource_order", b"service.version"),
    }
    return _filled(
        {
            "version": OCSF_VERSION,
            "uid": f"{record.origin}#{record.leaf_index}",
            "original_event_uid": values.text("AuditRecordId"),
            "correlation_uid": values.text("TraceId"),
            "product": _filled(product),
            "event_code": values.text("EventName"),
            "log_name": record.origin,
            "log_provider": "Lognotary",
            "log_level": values.text("SeverityText"),
            "log_version": values.attribute("LogAttributes", "log_order", b"audit.schema.version"),
            "logged_time": values.number("IngestedAt") // _MILLISECOND,
            "original_time": "" if _has_no_time(values) else row["Timestamp"],
            "tenant_uid": values.text("Tenant"),
            "profiles": profiles,
        }
    )


def _actor(values: _Values) -> dict[str, Any]:
    sent = values.text("ActorType")
    type_id, caption = _USER_TYPES.get(sent.lower(), (OTHER, sent))
    user = _entity(values.text("ActorId"), values.text("ActorName"))
    session = _filled({"uid": values.text("SessionId")})
    return _filled({"user": {**user, "type_id": type_id, "type": caption}, "session": session})


def _source(activity: Activity, values: _Values) -> dict[str, Any]:
    """Return the endpoint that the action came from; one class has none, and another one always has one."""
    if activity.event_class is APPLICATION_LIFECYCLE:
        return {}
    endpoint = _endpoint(values.text("SourceId"), is_host="host" in values.text("SourceType").lower())
    if (host := values.text("SourceHost")) and _HOST_NAME.fullmatch(host):
        endpoint["hostname"] = host
    if not endpoint and activity.event_class is API_ACTIVITY:
        endpoint = {"name": _UNKNOWN}
    return _filled({"src_endpoint": endpoint})


def _endpoint(source: str, *, is_host: bool) -> dict[str, Any]:
    listed = _LISTED.match(source)
    text, port = listed[1] if listed else source, -1
    if match := _WITH_PORT.fullmatch(text):
        text, port = match[1] or match[2], int(match[3])
    try:
        # The name of an interface is of no use to others, and may be long.
        address = {"ip": str(ip_address(text)).partition("%")[0]}
    except ValueError:
        if not source:
            return {}
        is_name = (is_host or "." in source) and _HOST_NAME.fullmatch(source)
        return {"hostname": source} if is_name else {"uid": source}
    return {**address, "port": port} if 0 <= port < 1 << 16 else address


def _objects(activity: Activity, values: _Values) -> dict[str, Any]:
    """Return the objects that the class requires, and others that it has."""
    of, target, target_type = activity.event_class, values.text("TargetId"), values.text("TargetType")
    service = values.text("ServiceName") or _UNKNOWN
    if of is AUTHENTICATION:
        switched = activity.activity_id == _SWITCHED_ACCOUNT
        switch = {"account_switch_type_id": 0, "account_switch_type": _UNKNOWN} if switched else {}
        return {"user": _authenticated(values, switched=switched), "service": {"name": service}, **switch}
    if of is USER_MANAGEMENT:
        return {"user": _entity(target) if target else _entity(values.text("ActorId"), values.text("ActorName"))}
    if of is GROUP_MANAGEMENT:
        return {"group": _entity(target)}
    if of is ROLE_MANAGEMENT:
        return {"iam_role": _entity(target)}
    if of is ENTITY_MANAGEMENT:
        type_id = OTHER if target_type else 0
        return {"entity": {"uid": target, "type_id": type_id, "type": target_type or _UNKNOWN}}
    if of is APPLICATION_LIFECYCLE:
        return {"app": {"name": target or service}}
    resource = _filled({"uid": target, "type": target_type, "role_id": 1, "role": "Target"}) if target else {}
    api = {"operation": values.text("Action") or values.text("EventName") or _UNKNOWN, "service": {"name": service}}
    trace = _filled({"uid": values.text("TraceId")})
    return {"api": api, **_filled({"resources": [resource] if resource else [], "trace": trace})}


def _authenticated(values: _Values, *, switched: bool) -> dict[str, Any]:
    """Return the user who logs on or off: the one that the action names, otherwise the actor."""
    named = values.text("EffectiveActorId") if switched else ""
    if not named and is_user(values.text("TargetType")):
        named = values.text("TargetId")
    return _entity(named) if named else _entity(values.text("ActorId"), values.text("ActorName"))


def _entity(uid: str, name: str = "") -> dict[str, Any]:
    """Return an object that has a name or an identifier at least."""
    return _filled({"uid": uid, "name": name}) or {"name": _UNKNOWN}


def _raw_data(record: ExportedRecord) -> dict[str, Any]:
    body = record.values.get("Body")
    if not isinstance(body, bytes) or not body:
        return {}
    content = _text(body)
    raw: dict[str, Any] = {"raw_data": content, "raw_data_size": len(body)}
    if content.encode() == body:
        raw["raw_data_hash"] = {"algorithm_id": 3, "algorithm": "SHA-256", "value": sha256(body).hexdigest()}
    return raw


def _filled(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that are not empty; numbers always count."""
    return {name: value for name, value in attributes.items() if value or isinstance(value, int)}


def _has_no_time(values: _Values) -> bool:
    """Return whether the event was sent without a time; its Timestamp is then the time of receipt."""
    return not values.number("ObservedTimestamp") and '"time":"unset"' in values.text("OtlpDetails")
