"""Secrets in texts: values of secret keys, passwords in URLs, and the forms of ``redaction_forms``.

A text is scanned once, from its beginning. What has been found is not looked at again. A value follows its key in one
of these ways, with ``=`` or ``:`` between them:

- in quotes, as in JSON (``"password": "x"``), also if the quotes are escaped: up to the closing quote;
- as an object or array: up to the closing bracket;
- as a word (``password=x``): up to a space, or to a comma, semicolon, ampersand, quote or bracket that seems to end it.
  Credentials of an Authorization header have a scheme before them. A cookie goes on to the end of the line.

What is not closed goes on to the end of the text: texts are cut off more often than written so.
"""

from __future__ import annotations

import re

from server.codec.redaction_forms import (
    Found,
    find_aws_secret,
    find_card,
    find_jwt,
    find_prefixed,
    find_private_key,
    find_scheme,
)
from server.codec.redaction_keys import SecretKeys
from server.codec.redaction_rules import PATTERNS, SCHEMES, KeyWord, Mode, Redaction

__all__ = ["TextScanner"]

_STOP = re.compile(rb"[=:0-9_\-.JIzBb]")
_KEY_BEFORE = re.compile(rb"[\w.\-%\[\]]")
_QUOTED_KEY_BEFORE = re.compile(rb"[\w.\-%\[\]/ ]")
_LONGEST_KEY = 64
_MOST_BLANKS = 8
_MOST_BACKSLASHES = 7
_BLANKS = b" \t"
_QUOTES = b"\"'`"
_QUOTE = re.compile(rb"(\\{0,7})([\"'`])")
_BLANK = re.compile(rb"[ \t]{0,8}")
_BRACKETS = re.compile(rb"[{}\[\]\"]")
_END_OF_WORD = re.compile(rb"""[\s"'`,;&|)\]}>]|\\[bfnrt"']""")
_AFTER_CLOSING = re.compile(rb"""\Z|[\s,;:.)\]}>|&"'`\\]""")
_AFTER_COMMA = re.compile(rb"""\Z|[\s"'`\\]|[\w.\-%\[\]]{1,64}[=:]""")
_CLOSING = {
    **dict.fromkeys((b",", b";", b"&", b"|"), _AFTER_COMMA),
    **dict.fromkeys((b'"', b"'", b"`", b")", b"]", b"}", b">"), _AFTER_CLOSING),
}
_END_OF_LINE = re.compile(rb"[\r\n]|\\[nr]")
_END_OF_COOKIES = re.compile(rb"""[\r\n]|\\[nr]|\\?["'`](?=\Z|[\s,)\]}>\\])""")
_PLAIN_WORD = re.compile(rb"[A-Za-z]{1,15}[.!?]?")
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_NOTHING = re.compile(rb"true|false|null|none|nil|\[\]|\{\}|[*?]*|%%[0-9]+|hmac-sha256:[0-9a-f]{64}", re.IGNORECASE)
_PARTS = re.compile(rb"\[?[ \t]{0,8}\{")
_ABSOLUTE_PATH = re.compile(rb"[/~]|[A-Za-z]:[\\/]")
_AUTHORITY = re.compile(rb"""[^\s"'<>`|^{}\\/?#]*""")
_BEHIND_AUTHORITY = re.compile(rb"""[^\s"'<>`|^{}\\@]{0,256}@""")
_COOKIE = re.compile(rb"""[^\s"'`,;:=]{1,64}=""")
_CLOSES_TEXT = re.compile(rb"""\\{0,7}["'`](?:\Z|,\s?\\{0,7}["'`]|[}\])]{1,8}(?:\Z|[\s,]))""")


class TextScanner:
    """Finds the secrets in texts."""

    def __init__(self, redaction: Redaction, keys: SecretKeys, mark: re.Pattern[bytes]) -> None:
        """Create a scanner.

        Args:
            redaction: the configuration.
            keys: the keys whose values are secrets.
            mark: the marks that stand for secrets.
        """
        self._on = frozenset(rule for rule in PATTERNS if redaction.mode_of(rule) is not Mode.OFF)
        self._keys = keys
        self._mark = mark

    def find(self, text: bytes) -> list[Found]:
        """Return the secrets in a text, in order."""
        found: list[Found] = []
        at = low = 0
        while stop := _STOP.search(text, at):
            secret, at = self._look(text, stop.start(), low)
            if not secret:
                continue
            found.append(secret)
            at = low = secret.end
            if secret.rule == "aws_key" and "aws_secret" in self._on and (second := find_aws_secret(text, at)):
                found.append(second)
                at = low = second.end
        return found

    def is_secret(self, word: KeyWord, value: bytes) -> bool:
        """Return whether the whole value of a secret key is a secret."""
        if _NOTHING.fullmatch(value) or self._mark.fullmatch(value):
            return False
        if word.paths and _ABSOLUTE_PATH.match(value):
            return False
        return not (word.counts and _NUMBER.fullmatch(value))

    def _look(self, text: bytes, at: int, low: int) -> tuple[Found | None, int]:
        """Return the secret that is found at a stop, and where to go on if there is none."""
        stop = text[at : at + 1]
        secret: Found | None
        if stop in b"=:":
            if mark := self._mark_around(text, at, low):
                return None, mark.end()
            if text.startswith(b"://", at):
                return self._if_on(text, self._password_of_url(text, at + 3), low), at + 1
            return self._value(text, at, low), at + 1
        if stop.isdigit():
            secret, at = find_card(text, at)
            return self._if_on(text, secret, low), at
        if stop in b"Bb":
            secret = find_scheme(text, at) or find_private_key(text, at, low)
        elif stop == b"J":
            secret = find_jwt(text, at, low)
        else:
            secret = find_prefixed(text, at, low)
        return self._if_on(text, secret, low), at + 1

    def _mark_around(self, text: bytes, colon: int, low: int) -> re.Match[bytes] | None:
        for name in (b"[redacted", b"[hmac"):
            start = colon - len(name)
            if start >= low and text.startswith(name, start) and (mark := self._mark.match(text, start)):
                return mark
        return None

    def _if_on(self, text: bytes, secret: Found | None, low: int) -> Found | None:
        if not secret or secret.rule not in self._on or self._is_kept(text, secret.start, low):
            return None
        return secret

    def _is_kept(self, text: bytes, start: int, low: int) -> bool:
        """Return whether a text is the value of a JSON member that is never redacted."""
        at = start
        if at > low and text[at - 1] in _QUOTES:
            at -= 1
            while at > low and start - at <= _MOST_BACKSLASHES and text[at - 1] == 0x5C:
                at -= 1
        end = at
        while at > low and end - at < _MOST_BLANKS and text[at - 1] in _BLANKS:
            at -= 1
        if at <= low or not text.startswith(b":", at - 1):
            return False
        key, quote, _ = _key_before(text, at - 1, low)
        return bool(quote) and self._keys.keeps(key)

    def _password_of_url(self, text: bytes, start: int) -> Found | None:
        end = _end(_AUTHORITY, text, start)
        colon, last = text.find(b":", start, end), text.rfind(b"@", start, end)
        if colon < 0 or text.startswith(b"[", start):
            return None
        if last < colon and not text[colon + 1 : end].isdigit() and end > colon + 1:
            behind = _BEHIND_AUTHORITY.match(text, end)  # a password with a slash, which should have been encoded
            last = behind.end() - 1 if behind else last
        if last <= colon + 1 or self._mark.fullmatch(text, colon + 1, last):
            return None
        return Found(colon + 1, last, "url_password")

    def _value(self, text: bytes, at: int, low: int) -> Found | None:
        """Find the value behind a separator, if the key before it is secret."""
        if text[at : at + 1] == b":" and (text.startswith(b":", at + 1) or text.startswith(b":", at - 1, at)):
            return None
        key, quote, spaced = _key_before(text, at, low)
        word = self._keys.find(key) if key and not self._keys.keeps(key) else None
        if word is None:
            return None
        colon = text.startswith(b":", at)
        start = at + 1
        if text.startswith(b">" if not colon else b"=", start):  # => and :=
            start, spaced = start + 1, True
        if colon or spaced or quote:
            start = _end(_BLANK, text, start)
        mark = self._mark.match(text, start)
        if mark and _AFTER_CLOSING.match(text, mark.end()):
            return None
        if opening := _QUOTE.match(text, start):
            if not quote and _CLOSES_TEXT.match(text, start):
                return None
            start = opening.end()
            end = _end_of_quoted(text, start, len(opening[1]), opening[2])
            return Found(start, end, word.rule) if self.is_secret(word, text[start:end]) else None
        if text[start : start + 1] in (b"{", b"["):
            end = _end_of_brackets(text, start)
            secret = not (word.parts and _PARTS.match(text, start)) and self.is_secret(word, text[start:end])
            return Found(start, end, word.rule, quote) if secret else None
        return self._word(text, start, word, quote, sentence=colon and not quote)

    def _word(self, text: bytes, start: int, word: KeyWord, quote: bytes, *, sentence: bool) -> Found | None:
        if word.rule == "key.cookie":
            if sentence and not _COOKIE.match(text, start):
                return None
            end = _end_at(text, start, _END_OF_COOKIES)
        else:
            end = _end_of_word(text, start)
            scheme = text[start:end].lower()
            if scheme in SCHEMES and text.startswith(b" ", end):
                blank = _end(_BLANK, text, end)
                end = _end_at(text, end, _END_OF_LINE) if SCHEMES[scheme] else _end_of_word(text, blank)
        value = text[start:end]
        if (sentence and not word.prose and _PLAIN_WORD.fullmatch(value)) or not self.is_secret(word, value):
            return None
        return Found(start, end, word.rule, quote)


def _key_before(text: bytes, at: int, low: int) -> tuple[bytes, bytes, bool]:
    """Return the key before a separator, its closing quote, and whether there is a space before the separator."""
    end = at
    while end > low and at - end < _MOST_BLANKS and text[end - 1] in _BLANKS:
        end -= 1
    spaced, quote = end < at, b""
    if end > low and text[end - 1] in _QUOTES:
        quoted = end
        end -= 1
        while end > low and quoted - end <= _MOST_BACKSLASHES and text[end - 1] == 0x5C:
            end -= 1
        quote = text[end:quoted]
    start = _start_of_key(text, end, low, _QUOTED_KEY_BEFORE if quote else _KEY_BEFORE)
    if not quote and text[start:end].lower() in (b"key", b"keys"):  # "secret access key: …"
        for _ in range(2):
            if start > low and text[start - 1] == 0x20:
                start = _start_of_key(text, start - 1, low, _KEY_BEFORE)
    return text[start:end], quote, spaced


def _start_of_key(text: bytes, end: int, low: int, before: re.Pattern[bytes]) -> int:
    start = end
    while start > low and end - start < _LONGEST_KEY and before.match(text, start - 1):
        start -= 1
    return start


def _end_of_quoted(text: bytes, at: int, escapes: int, quote: bytes) -> int:
    """Return the end of a quoted text: before a quote with at most as many backslashes as the opening one has."""
    while (found := text.find(quote, at)) >= 0:
        backslash = found
        while backslash > at and text[backslash - 1] == 0x5C:
            backslash -= 1
        if (found - backslash) % 2 == 0 if escapes == 0 else found - backslash <= escapes:
            return found if escapes == 0 else backslash
        at = found + 1
    return len(text)


def _end_of_brackets(text: bytes, at: int) -> int:
    """Return the end of an object or array; brackets in strings do not count."""
    depth = 0
    while found := _BRACKETS.search(text, at):
        at = found.end()
        if found[0] == b'"':
            backslash = found.start()
            while found.start() - backslash < _MOST_BACKSLASHES and text[backslash - 1] == 0x5C:
                backslash -= 1
            end = _end_of_quoted(text, at, found.start() - backslash, b'"')
            at = min(text.find(b'"', end) + 1 or len(text), len(text))
        else:
            depth += 1 if found[0] in b"{[" else -1
            if depth == 0:
                return at
    return len(text)


def _end_at(text: bytes, at: int, end: re.Pattern[bytes]) -> int:
    found = end.search(text, at)
    return found.start() if found else len(text)


def _end_of_word(text: bytes, at: int) -> int:
    while found := _END_OF_WORD.search(text, at):
        before = _CLOSING.get(found[0])
        if not before or before.match(text, found.end()):
            return found.start()
        at = found.end()
    return len(text)


def _end(run: re.Pattern[bytes], text: bytes, at: int) -> int:
    match = run.match(text, at)
    return match.end() if match else at
