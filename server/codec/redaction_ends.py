"""Beginnings and ends of keys and values in texts: ``redaction_text`` describes them."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "BLANK",
    "BLANKS",
    "END_OF_COOKIES",
    "END_OF_LINE",
    "MOST_BACKSLASHES",
    "MOST_BLANKS",
    "QUOTES",
    "Key",
    "end_at",
    "end_behind_brackets",
    "end_behind_quote",
    "end_of_brackets",
    "end_of_quoted",
    "end_of_run",
    "end_of_word",
    "key_before",
    "quoted",
]

_KEY_BEFORE = re.compile(rb"[\w.\-%\[\]\x80-\xff]")
_QUOTED_KEY_BEFORE = re.compile(rb"[\w.\-%\[\]/ \x80-\xff]")
_LONGEST_KEY = 64
MOST_BLANKS = 64
MOST_BACKSLASHES = 7
BLANKS = b" \t"
BLANK = re.compile(rb"[ \t]{0,%d}" % MOST_BLANKS)
QUOTES = b"\"'`"
_BRACKETS = re.compile(rb"[{}\[\]\"]")
_END_OF_WORD = re.compile(rb"""[\s"'`,;&|)\]}>]|\\(?:[bfnrt"']|u0026)""")
_AFTER_CLOSING = re.compile(rb"""\Z|[\s,;:.)\]}>|&"'`\\]""")
_AFTER_COMMA = re.compile(rb"""\Z|[\s"'`\\]|[\w.\-%\[\]]{1,64}[=:]""")
_CLOSING = {
    **dict.fromkeys((b",", b";", b"&", b"|"), _AFTER_COMMA),
    **dict.fromkeys((b'"', b"'", b"`", b")", b"]", b"}", b">"), _AFTER_CLOSING),
}
END_OF_LINE = re.compile(rb"[\r\n]|\\[nr]")
END_OF_COOKIES = re.compile(rb"""[\r\n]|\\[nr]|\\?["'`](?=\Z|[\s,)\]}>\\])""")
_MORE_OF_WORD = re.compile(rb"[\w\x80-\xff]")
_MORE_OF_SHELL_WORD = re.compile(rb"[\w\x80-\xff\"'`]")
_PUNCTUATION = re.compile(rb"[.:!?]{1,3}(?:\Z|[\s\"'`\\)\]}>])")


class Key(NamedTuple):
    """A key before a separator.

    Attributes:
        name: the key.
        quote: its closing quote.
        spaced: whether there is a space before the separator.
        start: index of the key's first byte.
    """

    name: bytes
    quote: bytes
    spaced: bool
    start: int


def key_before(text: bytes, at: int, low: int) -> Key:
    """Return the key before a separator."""
    end = at
    while end > low and at - end < MOST_BLANKS and text[end - 1] in BLANKS:
        end -= 1
    spaced, quote = end < at, b""
    if end > low and text[end - 1] in QUOTES:
        quoted = end
        end -= 1
        while end > low and quoted - end <= MOST_BACKSLASHES and text[end - 1] == 0x5C:
            end -= 1
        quote = text[end:quoted]
    start = _start_of_key(text, end, low, _QUOTED_KEY_BEFORE if quote else _KEY_BEFORE)
    if not quote and text[start:end].lower() in (b"key", b"keys"):  # "secret access key: …"
        for _ in range(2):
            if start > low and text[start - 1] == 0x20:
                start = _start_of_key(text, start - 1, low, _KEY_BEFORE)
    return Key(text[start:end], quote, spaced, start)


def _start_of_key(text: bytes, end: int, low: int, before: re.Pattern[bytes]) -> int:
    start = end
    while start > low and end - start < _LONGEST_KEY and before.match(text, start - 1):
        start -= 1
    return start


def quoted(text: bytes, opening: re.Match[bytes]) -> tuple[int, int, int]:
    """Return where a quoted text starts and ends, and the index behind its closing quote, 0 if there is none."""
    start, quote = opening.end(), opening[2]
    if not opening[1] and text.startswith(quote * 2, start):  # three quotes, as in Python
        end = text.find(quote * 3, start + 2)
        if end >= 0 or not _AFTER_CLOSING.match(text, start + 2):
            return start + 2, end if end >= 0 else len(text), end + 3 if end >= 0 else 0
    end = end_of_quoted(text, start, len(opening[1]), quote)
    return start, end, text.find(quote, end) + 1


def end_behind_quote(text: bytes, at: int, quote: bytes, key_quote: bytes) -> int:
    """Return the end of the word that goes on behind a quoted text, which ends at an index; it may end there.

    Words of shells and texts of SQL go on with another quote: ``'it''s'``.
    """
    more = _MORE_OF_WORD if key_quote else _MORE_OF_SHELL_WORD
    while more.match(text, at) and (last := end_of_word(text, at)) > at:
        if key_quote or not text.startswith(quote, at):
            return last
        at = text.find(quote, at + 1) + 1 or len(text)
    return at


def end_behind_brackets(text: bytes, at: int, key_quote: bytes) -> int:
    """Return the end of the word that goes on behind brackets or a mark, which end at an index; it may end there."""
    if (key_quote and not _MORE_OF_WORD.match(text, at)) or _PUNCTUATION.match(text, at):
        return at
    return end_of_word(text, at)


def end_of_quoted(text: bytes, at: int, escapes: int, quote: bytes) -> int:
    """Return the end of a quoted text: before a quote with at most as many backslashes as the opening one has."""
    while (found := text.find(quote, at)) >= 0:
        backslash = found
        while backslash > at and text[backslash - 1] == 0x5C:
            backslash -= 1
        if (found - backslash) % 2 == 0 if escapes == 0 else found - backslash <= escapes:
            return found if escapes == 0 else backslash
        at = found + 1
    return len(text)


def end_of_brackets(text: bytes, at: int) -> int:
    """Return the end of an object or array; brackets in strings do not count."""
    depth = 0
    while found := _BRACKETS.search(text, at):
        at = found.end()
        if found[0] == b'"':
            backslash = found.start()
            while found.start() - backslash < MOST_BACKSLASHES and text[backslash - 1] == 0x5C:
                backslash -= 1
            end = end_of_quoted(text, at, found.start() - backslash, b'"')
            at = min(text.find(b'"', end) + 1 or len(text), len(text))
        else:
            depth += 1 if found[0] in b"{[" else -1
            if depth == 0:
                return at
    return len(text)


def end_at(text: bytes, at: int, end: re.Pattern[bytes]) -> int:
    """Return where a pattern is found first, the size of the text if it is not."""
    found = end.search(text, at)
    return found.start() if found else len(text)


def end_of_word(text: bytes, at: int) -> int:
    """Return the end of a word: at a space, or at a byte that seems to end it."""
    while found := _END_OF_WORD.search(text, at):
        before = _CLOSING.get(found[0])
        if not before or before.match(text, found.end()):
            return found.start()
        at = found.end()
    return len(text)


def end_of_run(run: re.Pattern[bytes], text: bytes, at: int) -> int:
    """Return the end of a match at an index, the index itself if there is none."""
    match = run.match(text, at)
    return match.end() if match else at
