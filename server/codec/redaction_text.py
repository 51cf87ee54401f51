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
import sys

from server.codec.redaction_ahead import Ahead
from server.codec.redaction_commands import (
    end_of_password,
    find_option,
    is_user_of_curl,
    name_before,
    precedes_password,
)
from server.codec.redaction_ends import (
    BLANKS,
    END_OF_COOKIES,
    END_OF_LINE,
    MOST_BACKSLASHES,
    MOST_BLANKS,
    QUOTES,
    end_at,
    end_behind_brackets,
    end_behind_quote,
    end_of_brackets,
    end_of_run,
    end_of_word,
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
from server.codec.redaction_rules import KEY_WORDS, PATTERNS, SCHEMES, KeyWord, Mode, Redaction

__all__ = ["TextScanner"]

_STOP = re.compile(rb"[=:0-9_\-.JIzBb]|(?<= )'")
_LONGEST_SCHEME = max(map(len, SCHEMES)) + 1
_QUOTE = re.compile(rb"(\\{0,7})([\"'`])")
_BLANK = re.compile(rb"[ \t]{0,8}")
_PLAIN_WORD = re.compile(rb"[A-Za-z]{1,15}[.!?]?")
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_NOTHING = re.compile(rb"true|false|null|none|nil|\[\]|\{\}|[*?=]*|%%[0-9]+|hmac-sha256:[0-9a-f]{64}", re.IGNORECASE)
_PARTS = re.compile(rb"\[?[ \t]{0,8}\{")
_ABSOLUTE_PATH = re.compile(rb"[/~]|[A-Za-z]:[\\/]")
_AUTHORITY = re.compile(rb"""[^\s"'<>`|^{}\\/?#]*""")
_BEHIND_AUTHORITY = re.compile(rb"""[^\s"'<>`|^{}\\@]{0,256}@""")
_COOKIE = re.compile(rb"""[^\s"'`,;:=]{1,64}=""")
_SIGNATURE = re.compile(rb"[\w+/=%-]{40,1024}")
_VERDICT = re.compile(rb"ok|yes|no|on|off|pass(?:ed)?|fail(?:ed)?|skip(?:ped)?|[0-9]+(?:[./][0-9]+)?%?", re.IGNORECASE)
_LETTER = re.compile(rb"[A-Za-z]")
_BEFORE_PARAMETER = re.compile(rb".*[?&;]\Z|u0026\Z", re.DOTALL)
_ESCAPE = re.compile(rb"u0026|[bfnrt]")
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

    def find(self, text: bytes) -> list[Found]:
        """Return the secrets in a text, in order."""
        found: list[Found] = []
        ahead = Ahead()
        at = low = 0
        while stop := _STOP.search(text, at):
            if mark := self._mark_around(text, stop.start(), low):
                at = low = mark.end()
                continue
            secret, at = self._look(text, stop.start(), low, ahead)
            if not secret:
                continue
            found.append(secret)
            at = low = secret.end
            if secret.rule == "aws_key" and "aws_secret" in self._on and (second := find_aws_secret(text, at)):
                found.append(second)
                at = low = second.end
        return found

    def is_secret(self, word: KeyWord, text: bytes, start: int = 0, end: int = sys.maxsize) -> bool:
        """Return whether the whole value of a secret key, which is in a text, is a secret."""
        value = (text, start, end)  # not cut out: a scan may look at many long ones
        if _NOTHING.fullmatch(*value) or self._mark.fullmatch(*value):
            return False
        if word.paths and _ABSOLUTE_PATH.match(*value):
            return False
        if word.alone and _VERDICT.fullmatch(*value):
            return False
        if word.parameter and not _SIGNATURE.fullmatch(*value):
            return False
        return not (word.counts and _NUMBER.fullmatch(*value))

    def _look(self, text: bytes, at: int, low: int, ahead: Ahead) -> tuple[Found | None, int]:
        """Return the secret that is found at a stop, and where to go on if there is none."""
        stop = text[at : at + 1]
        secret: Found | None
        if stop in b"=:":
            if text.startswith(b"://", at):
                secret, behind = self._password_of_url(text, at + 3)
                return self._if_on(text, secret, low), behind
            return self._value(text, at, low, ahead), at + 1
        if stop == b"-" and text.startswith(b"-", at - 1, at):
            return self._option(text, at, low, ahead), at + 1
        if stop == b"'":
            return self._in_statement(text, at, low), at + 1
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

    def _mark_around(self, text: bytes, colon: int, low: int) -> re.Match[bytes] | None:
        if not text.startswith(b":", colon):
            return None
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

    def _password_of_url(self, text: bytes, start: int) -> tuple[Found | None, int]:
        """Return the password in a URL whose authority starts at an index, and where to go on if there is none."""
        end = end_of_run(_AUTHORITY, text, start)
        colon, last = text.find(b":", start, end), text.rfind(b"@", start, end)
        if colon < 0 or text.startswith(b"[", start):
            return None, start - 2
        if last < colon and not text[colon + 1 : end].isdigit() and end > colon + 1:
            behind = _BEHIND_AUTHORITY.match(text, end)  # a password with a slash, which should have been encoded
            last = behind.end() - 1 if behind else last
        if last <= colon + 1:
            return None, start - 2
        if self._mark.fullmatch(text, colon + 1, last):
            return None, last
        return Found(colon + 1, last, "url_password"), start - 2

    def _value(self, text: bytes, at: int, low: int, ahead: Ahead) -> Found | None:
        """Find the value behind a separator, if the key before it is secret."""
        if text[at : at + 1] == b":" and (text.startswith(b":", at + 1) or text.startswith(b":", at - 1, at)):
            return None
        key, quote, spaced, start_of_key = key_before(text, at, low)
        colon = text.startswith(b":", at)
        word = self._word_of(key)
        if word is None and not quote and text.startswith(b"\\", start_of_key - 1, start_of_key):
            escape = end_of_run(_ESCAPE, key, 0)
            start_of_key += escape
            word = self._word_of(key[escape:])
        if word is None and quote and key.lower() == b"value":
            opening_quote = start_of_key - len(quote)
            if opening_quote >= low and text.startswith(quote, opening_quote):
                word = self._word_of(name_before(text, opening_quote, low))
        if word is None:
            may_be_user = colon and not quote and self._passwords and _LETTER.search(key)
            user = may_be_user and is_user_of_curl(text, start_of_key)
            return self._password_of_user(text, at + 1, start_of_key) if user else None
        if word.alone and not quote and colon:
            return None
        if word.parameter and (quote or not _BEFORE_PARAMETER.match(text[max(0, start_of_key - 5) : start_of_key])):
            return None
        start = at + 1
        if text.startswith(b">" if not colon else b"=", start):  # => and :=
            start, spaced = start + 1, True
        if colon or spaced or quote:
            start = end_of_run(_BLANK, text, start)
        if opening := _QUOTE.match(text, start):
            if not quote and _CLOSES_TEXT.match(text, start):
                return None
            return self._quoted(text, opening, word, quote)
        if text[start : start + 1] in (b"{", b"["):
            return self._bracketed(text, start, word, quote)
        return self._word(text, start, word, quote, ahead, sentence=colon and not quote)

    def _quoted(self, text: bytes, opening: re.Match[bytes], word: KeyWord, quote: bytes) -> Found | None:
        start, end, behind = quoted(text, opening)
        last = end_behind_quote(text, behind, opening[2], quote) if behind else 0
        if last > behind:  # "a"b
            return Found(start if quote else opening.start(), last, word.rule)
        return Found(start, end, word.rule) if self.is_secret(word, text, start, end) else None

    def _bracketed(self, text: bytes, start: int, word: KeyWord, quote: bytes) -> Found | None:
        if word.parameter or (word.parts and _PARTS.match(text, start)):
            return None
        mark = self._mark.match(text, start)
        end = mark.end() if mark else end_of_brackets(text, start)
        last = end_behind_brackets(text, end, quote)
        if word.rule == "key.cookie" and (last > end or text.startswith(b";", end)):
            last = end_at(text, end, END_OF_COOKIES)
        return Found(start, last, word.rule, quote) if self.is_secret(word, text, start, last) else None

    def _word_of(self, key: bytes) -> KeyWord | None:
        return self._keys.find(key) if key and not self._keys.keeps(key) else None

    def _in_statement(self, text: bytes, at: int, low: int) -> Found | None:
        """Find the password in quotes in a statement of SQL."""
        opening = _QUOTE.match(text, at)
        if not opening or not self._passwords or not precedes_password(text, at, low):
            return None
        if _NO_TEXT.match(text, opening.end()) or _CLOSES_TEXT.match(text, at):
            return None
        return self._quoted(text, opening, KEY_WORDS[0], b"")

    def _option(self, text: bytes, at: int, low: int, ahead: Ahead) -> Found | None:
        name, start = find_option(text, at, low) or (b"", 0)
        word = self._keys.find_option(name) if name else None
        if word and self._mark.match(text, start):
            return self._bracketed(text, start, word, b"")
        if word is None or _NO_ARGUMENT.match(text, start):
            return None
        if opening := _QUOTE.match(text, start):
            return self._quoted(text, opening, word, b"")
        return self._word(text, start, word, b"", ahead, sentence=True, option=True)

    def _password_of_user(self, text: bytes, start: int, user: int) -> Found | None:
        mark = self._mark.match(text, start)
        end = end_of_password(text, mark.end() if mark else start, user)
        return Found(start, end, "key.password") if self.is_secret(KEY_WORDS[0], text, start, end) else None

    def _word(
        self,
        text: bytes,
        start: int,
        word: KeyWord,
        quote: bytes,
        ahead: Ahead,
        *,
        sentence: bool,
        option: bool = False,
    ) -> Found | None:
        if word.rule == "key.cookie":
            if sentence and not _COOKIE.match(text, start):
                return None
            end = end_at(text, start, END_OF_COOKIES)
        else:
            if not ahead.word.has(start):
                ahead.word.set(start, end_of_word(text, start))
            end = ahead.word.end
            scheme = text[start : min(end, start + _LONGEST_SCHEME)].lower()
            if not word.parameter and scheme in SCHEMES and text.startswith(b" ", end):
                blank = end_of_run(_BLANK, text, end)
                end = end_at(text, end, END_OF_LINE) if SCHEMES[scheme] else end_of_word(text, blank)
        if sentence and (option or not word.prose) and _PLAIN_WORD.fullmatch(text, start, end):
            return None
        if not self.is_secret(word, text, start, end):
            return None
        return Found(start, end, word.rule, quote)
