"""A request as JSON, for the record of a call: what was asked for, without what must not be kept.

A query is there from its beginning to its end, whatever it contains: nobody can hide what he looked for behind blanks,
or behind the beginning of a secret, which would make redaction take the rest for one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from server.access_log.redacting import without_open_secrets

__all__ = ["asked_text"]

_QUERY = "query"
_LONGEST = 500  # characters of one text
_LONGEST_QUERY = 4096  # characters, as of the query language
_MOST = 10  # items of one list
_SECRET = frozenset({("EraseRequest", "actor"), ("EraseRequest", "value")})  # what is to be forgotten
_LEFT_OUT = frozenset({"page_token"})  # it says nothing to people


def asked_text(message: Message) -> str:
    """Return a request as compact JSON; long texts and lists are cut, but not a query, which is the first of them."""
    shown = _object(message)
    if isinstance(query := shown.get(_QUERY), str):
        shown = {_QUERY: query, **shown}
    return json.dumps(shown, separators=(",", ":"))


def _object(message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.name in _LEFT_OUT:
            continue
        if (message.DESCRIPTOR.name, field.name) in _SECRET:
            shown[field.name] = "(not recorded)"
        elif field.name == _QUERY and isinstance(value, str):
            shown[field.name] = without_open_secrets(value[:_LONGEST_QUERY])
        elif isinstance(value, Mapping):
            shown[field.name] = {str(key)[:_LONGEST]: _value(field, value[key]) for key in list(value)[:_MOST]}
        elif field.is_repeated:
            items = [_value(field, item) for item in value[:_MOST]]
            shown[field.name] = [*items, f"({len(value) - _MOST} more)"] if len(value) > _MOST else items
        else:
            shown[field.name] = _value(field, value)
    return shown


def _value(field: Any, value: Any) -> Any:
    if isinstance(value, Message):
        if isinstance(value, Timestamp):
            return value.ToJsonString()
        return _object(value)
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value) - _LONGEST} more characters)"
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    return value
