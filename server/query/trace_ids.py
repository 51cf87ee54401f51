"""Trace IDs in the forms in which other tools show them."""

from __future__ import annotations

import re

__all__ = ["parse_trace_id"]

_UUID = "([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})"
_FORMS = tuple(
    re.compile(form)
    for form in (
        "(?:0x)?([0-9a-f]{32})",
        rf"{_UUID}",
        rf"\{{{_UUID}\}}",
        rf"urn:uuid:{_UUID}",  # RFC 9562
        "[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?",  # traceparent (W3C Trace Context)
        "(?:root=)?1-([0-9a-f]{8}-[0-9a-f]{24})(?:;.*)?",  # X-Amzn-Trace-Id
        "([0-9a-f]{32})-[0-9a-f]{16}(?:-[01d](?:-[0-9a-f]{16})?)?",  # B3, in one header
        "(?:projects/[^/]+/traces/)?([0-9a-f]{32})(?:/[0-9]+)?(?:;o=[0-9]+)?",  # X-Cloud-Trace-Context, Google Cloud
    )
)


def parse_trace_id(text: str) -> str:
    """Parse a trace ID: 32 hexadecimal digits, also with ``0x``, as a UUID, in a traceparent, of X-Ray and others.

    Returns:
        The 32 digits, in lower case.

    Raises:
        ValueError: the text is not a trace ID; the message says what a trace ID is.
    """
    word = text.strip().lower()
    for form in _FORMS:
        if match := form.fullmatch(word):
            trace_id = match[1].replace("-", "")
            if trace_id != "0" * 32:
                return trace_id
    raise ValueError(
        f"{text[:80]!r} is not a trace ID, which has 32 hexadecimal digits, not all zero, such as "
        "4bf92f3577b34da6a3ce929d0e0e4736 (or the same in upper case, with 0x, as a UUID, {UUID} or urn:uuid:UUID, in "
        "a traceparent, or as X-Ray, B3 or Google Cloud write it)"
    )
