"""Texts that somebody writes into a field to have it taken for SQL, for a line of a log, or for codes of a terminal."""

from __future__ import annotations

__all__ = ["PAYLOADS", "RAW_PAYLOADS"]

PAYLOADS = (
    "'",
    "\\",
    "') OR 1=1 --",
    "\\') OR 1=1 /*",
    '" OR ""="',
    "' union all select Body from otel_logs --",
    "{name:String}",
    "`Body`",
    "a\0b",
    "a\r\n2026-01-01 00:00:00.000+00:00 ERROR server: forged",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202eevil\u2066",
    "\u2028{{7*7}}${7*7}%s%n",
    "x" * 30_000,
    "(" * 5_000,
    "*:* OR service:bravo",
    "bravo",
    "\ud7ff\U0010ffff\ufeff",
)
"""Texts of UTF-8."""

RAW_PAYLOADS = (b"\xff\xfe", b"\xc0\x27", b"\xed\xa0\x80", b"a\x80'")
"""Bytes that are no UTF-8."""
