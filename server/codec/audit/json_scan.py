"""Scanning of JSON in texts: where its parts end, and what its strings say. Of the structure, only brackets count."""

from __future__ import annotations

import re

__all__ = ["decoded", "end_of_string", "end_of_value", "skip_space", "unescape"]

_SPACE = b" \t\r\n"
_BARE = re.compile(rb"(?:true|false|null|-?[0-9][-+.0-9eE]*)(?=[\s,\]}]|\Z)")
_BRACKET = re.compile(rb'["\[\]{}]')
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|(.))", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()


def skip_space(text: bytes, at: int) -> int:
    """Return the index of the first byte at an index or behind it that is no white space."""
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def end_of_string(text: bytes, at: int) -> int:
    """Return where the string that begins at a quote ends, behind its closing quote; -1 if it does not end."""
    at += 1
    quote = text.find(b'"', at)
    while quote >= 0:
        backslash = text.find(b"\\", at, quote)
        if backslash < 0:
            return quote + 1
        at = backslash + 2
        if at > quote:
            quote = text.find(b'"', at)
    return -1


def end_of_value(text: bytes, at: int) -> int:
    """Return where a JSON value ends, -1 if it does not end or there is none."""
    first = text[at : at + 1]
    if first == b'"':
        return end_of_string(text, at)
    if first not in (b"{", b"["):
        bare = _BARE.match(text, at)
        return bare.end() if bare else -1
    depth = 0
    while match := _BRACKET.search(text, at):
        at = match.end()
        if match[0] == b'"':
            at = end_of_string(text, at - 1)
            if at < 0:
                return -1
        else:
            depth += 1 if match[0] in (b"{", b"[") else -1
            if depth == 0:
                return at
    return -1


def decoded(value: bytes) -> bytes | None:
    """Return the text of a JSON value: of a string its content, None for null, all else as it is written."""
    if value == b"null":
        return None
    return unescape(value[1:-1]) if value.startswith(b'"') else value


def unescape(text: bytes) -> bytes:
    """Return what the content of a string says."""
    return _ESCAPE.sub(_unescaped, text) if b"\\" in text else text


def _unescaped(match: re.Match[bytes]) -> bytes:
    high, low, other = match.groups()
    if other is not None:
        return _ESCAPED.get(other, other)
    code = int(high, 16)
    if low is None:
        return _REPLACEMENT if 0xD800 <= code < 0xE000 else chr(code).encode()
    if 0xD800 <= code < 0xDC00:
        return chr(0x10000 + ((code - 0xD800) << 10) + int(low, 16) - 0xDC00).encode()
    # The second escape is the second half of a pair, but the first one is not the first half.
    return (_REPLACEMENT if 0xDC00 <= code < 0xE000 else chr(code).encode()) + _REPLACEMENT
