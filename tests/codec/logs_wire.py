"""Logs requests by hand, and rules with conditions and sources of every kind."""

from __future__ import annotations

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.parse import parse_rules

from .wire import delimited

__all__ = ["BODY", "LIBRARY_LOGS", "RULES", "old_record", "record", "text_value"]

# Every kind of condition and source that a rule can have.
RULES = (
    *parse_rules(
        [
            {
                "name": "everything",
                "match": [
                    {"attributes": {"a": "x*", "b": ""}},
                    {"attributes": {"a": "*"}, "severity_min": 200},
                    {"scope": "a*", "service": "*"},
                    {"service": "a", "event_name": "*"},
                ],
                "fields": {
                    "record_id": ["resource:a", "scope:b", "log:a"],
                    "actor_id": ["body"],
                    "actor_type": ["scope_name", "service_name"],
                    "action": ["event_name", "log:b"],
                    "target_type": ["=log:x"],
                    "outcome": ["log:a", "=200"],
                    "category": ["log:c", "resource:b"],
                },
            }
        ]
    ),
    *built_in_rules(),
)


def text_value(text: bytes) -> bytes:
    return delimited(1, text)


BODY = delimited(5, text_value(b"x"))


def record(content: bytes) -> bytes:
    return delimited(1, delimited(2, delimited(2, content)))


# ScopeLogs under the name and number that they had in OTLP 0.15 to 0.18: instrumentation_library_logs.
LIBRARY_LOGS = delimited(
    1000, delimited(1, delimited(1, b"lib") + delimited(2, b"1.0")) + delimited(2, BODY) + delimited(3, b"url")
)


def old_record(content: bytes) -> bytes:
    return delimited(1, delimited(1000, delimited(2, content)))
