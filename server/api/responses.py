"""Answers of the HTTP API in JSON (protobuf's JSON mapping)."""

from __future__ import annotations

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from starlette.responses import Response

from server.access_log.calls import note_answer

__all__ = ["json_response", "to_json"]


def to_json(message: Message, *, indent: int | None = 2) -> str:
    """Return a message as JSON; zeros and empty lists are shown."""
    return MessageToJson(message, indent=indent, always_print_fields_with_no_presence=True)


def json_response(message: Message) -> Response:
    """Return a message as the answer of a call."""
    note_answer(message)
    return Response(to_json(message), media_type="application/json")
