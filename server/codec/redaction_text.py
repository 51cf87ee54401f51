"""Secrets in texts: values of secret keys, passwords in URLs, and the forms of ``redaction_forms``.

A text is scanned once, from its beginning. What has been found is not looked at again. A value follows its key in one
of these ways, with ``=`` or ``:`` between them:

- in quotes, as in JSON (``"password": "x"``), also if the quotes are escaped: up to the closing quote;
- as an object or array: up to the closing bracket, or to the end of the word if there is more of it behind the bracket;
- as a word (``password=x``): up to a space, or to a comma, semicolon, ampersand, quote or bracket that seems to end it.
  Credentials of an Authorization header have a scheme before them. A cookie goes on to the end of the line.

What is not closed goes on to the end of the text: texts are cut off more often than written so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from server.codec.redaction_ahead import Ahead
from server.codec.redaction_commands import (
    find_option,
    name_before,
    precedes_password,
    sets_password,
    user_of_curl,
)
from server.codec.redaction_ends import (
    BLANK,
    BLANKS,
    MOST_BACKSLASHES,
    MOST_BLANKS,
    QUOTES,
    Key,
    end_of_run,
    key_before,
    quoted,
)
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
from server.codec.redaction_reading import ValueReader
from server.codec.redaction_rules import KEY_WORDS, PATTERNS, KeyWord, Mode, Redaction
from server.codec.redaction_urls import Login, end_of_slashes, find_login

__all__ = ["TextScanner"]

_STOP = re.compile(rb"""[=:0-9_\-.JIzBb]|(?<=[\s\\ENnrt])['"]|(?<=\\u003)[dD]|(?<=\s[bB])[yY]""")
_STOP_OF_TOKEN = re.compile(rb"[_\-.JIz]")
_ESCAPED_EQUALS = re.compile(rb"\\{1,7}u003[dD]\Z")
_LONGEST_ESCAPED_EQUALS = MOST_BACKSLASHES + len(b"u003d")
_QUOTE = re.compile(rb"(\\{0,7})([\"'`])")
_NEXT_LINE = re.compile(rb"[ \t\r\n]{0,%d}(?=\\{0,7}[\"'`]|[\[{])" % MOST_BLANKS)
_SPACES = re.compile(rb"\s{1,16}")
_NO_PASSWORD = re.compile(rb"(?:password|random|values)(?!\w)", re.IGNORECASE)  # IDENTIFIED BY VALUES '…'
_BEFORE_PARAMETER = re.compile(rb".*[?&;]\Z|u0026\Z", re.DOTALL)
_ESCAPE = re.compile(rb"u0026|[bfnrt]")
_BEHIND_OTHER_SCRIPTS = re.compile(rb"(?<=[\x80-\xff])[\x00-\x7f]*\Z")
_LETTER = re.compile(rb"[A-Za-z\x80-\xff]")
_NO_TEXT = re.compile(rb"\s|\Z")
_NO_ARGUMENT = re.compile(rb"""[-<\[({$|>&;:.,%)\]}]|\\{0,7}["'][-<${]""")
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
        self._passwords = redaction.mode_of(KEY_WORDS[0].rule) is not Mode.OFF
        self._keys = keys
        self._mark = mark
        self._values = ValueReader(mark)

    def is_secret(self, word: KeyWord, text: bytes) -> bool:
        """Return whether the whole value of a secret key is a secret."""
        return self._values.is_secret(word, text)

    def find(self, text: bytes) -> list[Found]:
        """Return the secrets in a text, in order."""
        found: list[Found] = []
        ahead = Ahead()
        at = low = 0
        while stop := _STOP.search(text, at):
            if mark := self._end_of_mark_around(text, stop.start(), low):
                at = low = mark
                continue
            secret, at = self._look(text, stop.start(), low, ahead, found)
            if not secret:
                low = max(low, found[-1].end) if found else low
                at = max(at, low)
                continue
            found.append(secret)
            at = low = secret.end
            if secret.rule == "aws_key" and "aws_secret" in self._on and (second := find_aws_secret(text, at)):
                found.append(second)
                at = low = second.end
        return found

    def _look(self, text: bytes, at: int, low: int, ahead: Ahead, found: list[Found]) -> tuple[Found | None, int]:
        """Return the secret that is found at a stop, and where to go on if there is none; what is before it, add."""
        stop = text[at : at + 1]
        secret: Found | None
        if stop in b"=:":
            slashes = end_of_slashes(text, at)
            if slashes:
                return self._in_url(text, slashes, low, at + 1, ahead, found)
            return self._value(text, at, at + 1, low, ahead)
        if stop in b"dD":
            before = text[max(low, at + 1 - _LONGEST_ESCAPED_EQUALS) : at + 1]
            equals = _ESCAPED_EQUALS.search(before)
            return self._value(text, at + 1 - len(equals[0]), at + 1, low, ahead) if equals else (None, at + 1)
        if stop == b"-" and text.startswith(b"-", at - 1, at):
            return self._option(text, at, low, ahead), at + 1
        if stop in b"'\"":
            return self._in_statement(text, at, low), at + 1
        if stop in b"yY":
            return self._behind_by(text, at + 1, low, ahead), at + 1
        if stop.isdigit():
            secret, at = find_card(text, at)
            return self._if_on(text, secret, low), at
        if stop in b"Bb":
            secret = find_scheme(text, at, self._on, ahead)
            if secret is None and "private_key" in self._on:
                secret = find_private_key(text, at, low, ahead)
        elif stop == b"J":
            secret = find_jwt(text, at, low, ahead) if "jwt" in self._on else None
        else:
            secret = find_prefixed(text, at, low, self._on, ahead)
        return self._if_on(text, secret, low), at + 1

    def _end_of_mark_around(self, text: bytes, colon: int, low: int) -> int:
        if not text.startswith(b":", colon):
            return 0
        for name in (b"[redacted", b"[hmac"):
            start = colon - len(name)
            if start >= low and text.startswith(name, start) and (mark := self._mark.match(text, start)):
                return mark.end()
        return 0

    def _if_on(self, text: bytes, secret: Found | None, low: int) -> Found | None:
        if not secret or secret.rule not in self._on or self._is_kept(text, secret.start, low):
            return None
        return secret

    def _is_kept(self, text: bytes, start: int, low: int) -> bool:
        """Return whether a text is the value of a JSON member that is never redacted."""
        at = start
        if at > low and text[at - 1] in QUOTES:
            at -= 1
            while at > low and start - at <= MOST_BACKSLASHES and text[at - 1] == 0x5C:
                at -= 1
        end = at
        while at > low and end - at < MOST_BLANKS and text[at - 1] in BLANKS:
            at -= 1
        if at <= low or not text.startswith(b":", at - 1):
            return False
        key, quote, _, _ = key_before(text, at - 1, low)
        return bool(quote) and self._keys.keeps(key)

    def _in_url(
        self, text: bytes, start: int, low: int, behind: int, ahead: Ahead, found: list[Found]
    ) -> tuple[Found | None, int]:
        """Return the password in a URL whose authority starts at an index, and where to go on if there is none.

        The tokens in the name of its user are added.
        """
        login = find_login(text, start, lambda colon: self._end_of_mark_around(text, colon, start), ahead)
        if not login:
            return None, behind
        found += self._tokens_of_user(text, login, low, ahead)
        if self._mark.fullmatch(text, login.password, login.end):
            return None, login.end
        return self._if_on(text, Found(login.password, login.end, "url_password"), low), behind

    def _tokens_of_user(self, text: bytes, login: Login, low: int, ahead: Ahead) -> Iterator[Found]:
        at = login.user
        while stop := _STOP_OF_TOKEN.search(text, at, login.password - 1):
            at = stop.end()
            if text[stop.start()] == 0x4A:
                token = find_jwt(text, stop.start(), low, ahead) if "jwt" in self._on else None
            else:
                token = find_prefixed(text, stop.start(), low, self._on, ahead)
            if token and self._if_on(text, token, low):
                yield token
                at = low = token.end

    def _value(self, text: bytes, at: int, start: int, low: int, ahead: Ahead) -> tuple[Found | None, int]:
        """Return the value behind a separator, if the key before it is secret, and where to go on if it is not.

        The separator is at one index, and ends at another.
        """
        if text[at : at + 1] == b":" and (text.startswith(b":", at + 1) or text.startswith(b":", at - 1, at)):
            return None, start
        key = key_before(text, at, low)
        if key.quote and key.name and text.startswith(b":", at) and self._keys.keeps(key.name):
            return None, self._end_of_kept(text, start)
        return self._value_of(key, text, at, start, low, ahead), start

    def _end_of_kept(self, text: bytes, start: int) -> int:
        """Return the end of the kept text in quotes behind a colon, the index behind the colon if there is none."""
        opening = _QUOTE.match(text, end_of_run(_NEXT_LINE, text, start))
        _, end, behind = quoted(text, opening) if opening else (0, 0, 0)
        return end if behind else start

    def _value_of(self, key: Key, text: bytes, at: int, start: int, low: int, ahead: Ahead) -> Found | None:
        name, quote, spaced, start_of_key = key
        colon = text.startswith(b":", at)
        word, start_of_word = self._word_of(name, start_of_key)
        if word is None and not quote and text.startswith(b"\\", start_of_key - 1, start_of_key):
            escape = end_of_run(_ESCAPE, name, 0)
            word, start_of_word = self._word_of(name[escape:], start_of_key + escape)
        if word is None and quote and name.lower() == b"value":
            opening_quote = start_of_key - len(quote)
            if opening_quote >= low and text.startswith(quote, opening_quote):
                word, _ = self._word_of(name_before(text, opening_quote, low), 0)
        if word is None:
            may_be_user = colon and not quote and not spaced and self._passwords
            if may_be_user and not _LETTER.search(name) and _NO_TEXT.match(text, start):  # 12: …
                return None
            user = user_of_curl(text, at, ahead) if may_be_user else -1
            return self._values.of_user(text, start, user) if user >= 0 else None
        if word.alone and not quote and colon:
            return None
        if word.parameter and (quote or not _BEFORE_PARAMETER.match(text[max(0, start_of_word - 5) : start_of_word])):
            return None
        if text.startswith(b">" if not colon else b"=", start):  # => and :=
            start, spaced = start + 1, True
        if colon or spaced or quote:
            next_line = quote and _NEXT_LINE.match(text, start)
            start = next_line.end() if next_line else end_of_run(BLANK, text, start)
        if opening := _QUOTE.match(text, start):
            if not quote and _CLOSES_TEXT.match(text, start):
                return None
            return self._values.in_quotes(text, opening, word, quote)
        if text[start : start + 1] in (b"{", b"["):
            return self._values.in_brackets(text, start, word, quote)
        return self._values.word(text, start, word, quote, ahead, sentence=colon and not quote)

    def _word_of(self, key: bytes, start: int) -> tuple[KeyWord | None, int]:
        """Return what makes a key secret that starts at an index, and where what it names starts.

        Letters of other scripts may stand right before a key, as well as be its own.
        """
        if not key or self._keys.keeps(key):
            return None, start
        word = self._keys.find(key)
        behind = _BEHIND_OTHER_SCRIPTS.search(key) if word is None else None
        if behind is None or not behind[0]:
            return word, start
        return None if self._keys.keeps(behind[0]) else self._keys.find(behind[0]), start + behind.start()

    def _in_statement(self, text: bytes, at: int, low: int) -> Found | None:
        """Find the password in quotes in a statement of SQL."""
        start = at
        while start > low and at - start < MOST_BACKSLASHES and text[start - 1] == 0x5C:
            start -= 1
        opening = _QUOTE.match(text, start)
        if not opening or not self._passwords or not precedes_password(text, start, low, opening[2]):
            return None
        if _NO_TEXT.match(text, opening.end()) or _CLOSES_TEXT.match(text, start):
            return None
        return self._values.in_quotes(text, opening, KEY_WORDS[0], b"")

    def _behind_by(self, text: bytes, at: int, low: int, ahead: Ahead) -> Found | None:
        """Find the password without quotes in a statement of SQL."""
        gap = _SPACES.match(text, at) if self._passwords and sets_password(text, at, low) else None
        if not gap or _QUOTE.match(text, gap.end()) or _NO_PASSWORD.match(text, gap.end()):
            return None
        if self._mark.match(text, gap.end()):
            return self._values.in_brackets(text, gap.end(), KEY_WORDS[0], b"")
        if _NO_ARGUMENT.match(text, gap.end()):
            return None
        return self._values.word(text, gap.end(), KEY_WORDS[0], b"", ahead, sentence=False)

    def _option(self, text: bytes, at: int, low: int, ahead: Ahead) -> Found | None:
        name, start = find_option(text, at, low) or (b"", 0)
        word = self._keys.find_option(name) if name else None
        if word and self._mark.match(text, start):
            return self._values.in_brackets(text, start, word, b"")
        if word is None or _NO_ARGUMENT.match(text, start):
            return None
        if opening := _QUOTE.match(text, start):
            return self._values.in_quotes(text, opening, word, b"")
        return self._values.word(text, start, word, b"", ahead, sentence=True, option=True)
