"""Classification of records as audit or operational, and extraction of the audit columns.

When in doubt a record is operational; a record is never in both streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.codec.records import RecordColumns
from server.codec.rules import Match, Rule

__all__ = ["CATEGORIES", "CATEGORY_OF_ACTION", "CATEGORY_OF_TARGET", "OUTCOMES", "AuditFields", "classify"]

OUTCOMES = {
    b"success": b"success",
    b"successful": b"success",
    b"succeeded": b"success",
    b"ok": b"success",
    b"allow": b"success",
    b"allowed": b"success",
    b"true": b"success",
    b"unknown": b"unknown",
    b"": b"unknown",
}
"""Outcome as sent, in lower case -> Outcome column. HTTP status codes count too; any other value is a failure."""

CATEGORIES = (b"admin", b"data", b"auth", b"system")

CATEGORY_OF_ACTION = (
    ((b"log", b"auth", b"sign", b"mfa", b"session", b"token", b"refresh", b"unlock", b"lock"), b"auth"),
    (
        (b"grant", b"revoke", b"assign", b"role", b"permission", b"invite", b"user", b"group", b"password", b"member"),
        b"admin",
    ),
    (
        (b"config", b"deploy", b"start", b"stop", b"restart", b"install", b"enable", b"disable", b"scale", b"rotate"),
        b"system",
    ),
)
"""Prefixes of actions, in lower case -> category. The first match counts."""

CATEGORY_OF_TARGET = {
    b"user": b"admin",
    b"users": b"admin",
    b"role": b"admin",
    b"roles": b"admin",
    b"group": b"admin",
    b"permission": b"admin",
    b"policy": b"admin",
    b"account": b"admin",
    b"rolebindings": b"admin",
    b"clusterrolebindings": b"admin",
    b"configuration": b"system",
    b"config": b"system",
    b"host": b"system",
    b"node": b"system",
    b"nodes": b"system",
    b"deployments": b"system",
}
"""Target type in lower case -> category."""


@dataclass(frozen=True, slots=True)
class AuditFields:
    """The audit columns of one record, in UTF-8."""

    record_id: bytes
    actor_id: bytes
    actor_type: bytes
    action: bytes
    target_id: bytes
    target_type: bytes
    source_id: bytes
    source_type: bytes
    outcome: bytes
    category: bytes
    rule: bytes


def classify(records: RecordColumns, rules: Sequence[Rule]) -> list[AuditFields | None]:
    """Return the audit fields of each record, None for an operational record."""
    return [_classify_record(records, row, rules) for row in range(len(records))]


def _classify_record(records: RecordColumns, row: int, rules: Sequence[Rule]) -> AuditFields | None:
    attributes = _as_dict(records.log_attributes[row])
    for rule in rules:
        if any(_holds(match, records, row, attributes) for match in rule.match):
            return _extract(rule, records, row, attributes)
    return None


def _as_dict(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    return dict(reversed(pairs))  # of duplicate keys the first counts, as in ClickHouse


def _holds(match: Match, records: RecordColumns, row: int, attributes: dict[bytes, bytes]) -> bool:
    if records.severity_number[row] < match.severity_min:
        return False
    for key, pattern in match.attributes.items():
        value = attributes.get(key.encode())
        if value is None or not (pattern == "*" or _fits(pattern, value)):
            return False
    return (
        _fits(match.scope, records.scope_name[row])
        and _fits(match.service, records.service_name[row])
        and (
            not match.event_name
            or _fits(match.event_name, records.event_name[row] or attributes.get(b"event.name", b""))
        )
    )


def _fits(pattern: str, value: bytes) -> bool:
    if not pattern:
        return True
    if pattern == "*":
        return value != b""
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1].encode())
    return value == pattern.encode()


def _extract(rule: Rule, records: RecordColumns, row: int, attributes: dict[bytes, bytes]) -> AuditFields:
    def first(sources: Sequence[str]) -> bytes:
        for source in sources:
            value = _source(source, records, row, attributes)
            if value:
                return value
        return b""

    action = first(rule.fields.action)
    target_type = first(rule.fields.target_type)
    return AuditFields(
        record_id=first(rule.fields.record_id),
        actor_id=first(rule.fields.actor_id),
        actor_type=first(rule.fields.actor_type),
        action=action,
        target_id=first(rule.fields.target_id),
        target_type=target_type,
        source_id=first(rule.fields.source_id),
        source_type=first(rule.fields.source_type),
        outcome=_outcome(first(rule.fields.outcome)),
        category=_category(first(rule.fields.category), action, target_type),
        rule=rule.name.encode(),
    )


def _source(source: str, records: RecordColumns, row: int, attributes: dict[bytes, bytes]) -> bytes:
    place, _, key = source.partition(":")
    if source.startswith("="):
        return source[1:].encode()
    if place == "log":
        return attributes.get(key.encode(), b"")
    if place == "resource":
        return _as_dict(records.resource_attributes[row]).get(key.encode(), b"")
    if place == "scope":
        return _as_dict(records.scope_attributes[row]).get(key.encode(), b"")
    column: list[bytes] = getattr(records, place)
    return column[row]


def _outcome(sent: bytes) -> bytes:
    word = sent.lower()
    if len(word) == 3 and word.isdigit():
        return b"success" if word < b"400" else b"failure"
    return OUTCOMES.get(word, b"failure")


def _category(sent: bytes, action: bytes, target_type: bytes) -> bytes:
    if sent.lower() in CATEGORIES:
        return sent.lower()
    word = action.lower()
    for beginnings, category in CATEGORY_OF_ACTION:
        if word.startswith(beginnings):
            return category
    return CATEGORY_OF_TARGET.get(target_type.lower(), b"data")
