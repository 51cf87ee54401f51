"""The line about a record of who looked: how the call ended, and what it asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lognotary.v1 import correlation_pb2
from server.notary.audit_words import ACCESS_SCOPE
from server.notary.counted import counted

__all__ = ["access_line"]

_QUERY = "query"
_LEFT_OUT = frozenset(
    {"buckets", "check", "groups", "limit", "page_size"}
)  # they say nothing about what was looked for


def access_line(record: correlation_pb2.Record) -> str:
    """Return the line about a record of who looked; empty for other records, and if there is nothing to say.

    The request comes last, so that its texts cannot be mistaken for how the call ended.
    """
    if record.scope_name != ACCESS_SCOPE:
        return ""
    attributes = record.log_attributes
    asked = ", ".join(_asked(attributes.get("lognotary.access.request", ""), record.audit.target_id))
    begin = "token with" if record.audit.action == "send" else "asked for"
    return "; ".join(filter(None, (_ended(record), f"{begin} {asked}" if asked else "")))


def _ended(record: correlation_pb2.Record) -> str:
    """Return how a call ended: its reason, the number of records, or that it has only begun."""
    attributes = record.log_attributes
    outcome, reason = attributes.get("lognotary.access.outcome", ""), attributes.get("lognotary.access.reason", "")
    if outcome != "success":
        return f"{outcome}: {reason}" if reason else outcome
    number = attributes.get("lognotary.access.records", "0")
    is_search = record.audit.action.endswith("search")
    return counted(int(number), "record") if number.isdecimal() and (is_search or int(number)) else ""


def _asked(text: str, target: str) -> Iterator[str]:
    """Yield the parts of a request, the query first; the target is left out, because the sentence has it."""
    try:
        request = json.loads(text or "{}")
    except ValueError:  # it was cut
        request = text
    if not isinstance(request, dict):
        yield str(request)
        return
    if query := request.pop(_QUERY, ""):
        yield str(query)
    yield from (
        f"{name} {_value(value)}" for name, value in request.items() if name not in _LEFT_OUT and value != target
    )


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
