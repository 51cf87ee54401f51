"""Visible escapes: whatever a value is made of, its text stays on its line and changes nothing else on a terminal."""

from __future__ import annotations

__all__ = ["MESSAGE_LIMIT", "VALUE_LIMIT", "escape", "visible"]

VALUE_LIMIT = 400
"""Characters of one value, such as a field of a record."""

MESSAGE_LIMIT = 4000
"""Characters of one message, in which several values may stand."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, limit: int = VALUE_LIMIT) -> str:
    r"""Return a text as one line of printable characters, with a limit to its length.

    Control characters, line breaks, bidirectional overrides, invisible characters and lone surrogates become escapes as
    in Python, such as ``\x1b``, ``\n`` and ``\u202e``, so that a reader sees that they are there. Backslashes stay as
    they are.

    Args:
        text: the text.
        limit: number of characters of the text after which it is cut off, with a note of how many more there are.
    """
    if len(text) > limit:
        return f"{escape(text[:limit])}… ({len(text) - limit:,} more characters)"
    return escape(text)


def escape(text: str) -> str:
    """Return a text of any length as one line of printable characters; see ``visible``."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if code < 0x100:
        return _SHORT.get(letter, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
