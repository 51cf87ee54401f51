"""Texts that callers give for audit records: why they change something, and who they are."""

from __future__ import annotations

from server.api.errors import InvalidArgumentError

__all__ = ["MOST_TEXT", "given_text", "optional_text"]

MOST_TEXT = 1000
"""Characters of a text, at most."""


def given_text(name: str, text: str) -> str:
    """Return a text that a call must have, without space around it.

    Raises:
        InvalidArgumentError: it is missing, too long, or has several lines.
    """
    if not text.strip():
        raise InvalidArgumentError(f"{name}: it is missing: say why, for whoever reads the audit log")
    return optional_text(name, text)


def optional_text(name: str, text: str) -> str:
    """Return a text that a call may have, without space around it. Raises as ``given_text``."""
    if len(text) > MOST_TEXT or not text.isprintable():
        raise InvalidArgumentError(f"{name}: give one line of at most {MOST_TEXT} printable characters")
    return text.strip()
