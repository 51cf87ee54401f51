"""Trace IDs of requests."""

from __future__ import annotations

from server.api.errors import InvalidArgumentError
from server.query import trace_ids

__all__ = ["parse_trace_id"]


def parse_trace_id(text: str) -> str:
    """Parse a trace ID in any form that ``server.query.trace_ids`` knows; returns its 32 digits, in lower case.

    Raises:
        InvalidArgumentError: the text is not a trace ID; the message says what a trace ID is.
    """
    try:
        return trace_ids.parse_trace_id(text)
    except ValueError as error:
        raise InvalidArgumentError(str(error)) from error
