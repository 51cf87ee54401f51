"""Texts as literals of SQL, for statements that cannot have parameters."""

from __future__ import annotations

__all__ = ["sql_text"]

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\b": "\\b", "\f": "\\f"}


def sql_text(value: str) -> str:
    """Return a text as a literal of SQL."""
    return f"'{''.join(_ESCAPES.get(letter, letter) for letter in value)}'"
