"""Secrets behind what announces them: where they end, and whether they are any."""

from __future__ import annotations

import re
import sys

from server.codec.redaction_ahead import Ahead
from server.codec.redaction_commands import end_of_password
from server.codec.redaction_ends import (
    BLANK,
    END_OF_COOKIES,
    END_OF_LINE,
    end_at,
    end_behind_brackets,
    end_behind_quote,
    end_of_brackets,
    end_of_run,
    end_of_word,
    quoted,
)
from server.codec.redaction_forms import Found
from server.codec.redaction_rules import HEADER_SCHEMES, KEY_WORDS, SCHEMES, KeyWord
from server.codec.redaction_values import has_parts, is_about, is_cookie, is_plain_word, may_be_secret

__all__ = ["ValueReader"]

_LONGEST_SCHEME = max(map(len, (*SCHEMES, *HEADER_SCHEMES))) + 1


class ValueReader:
    """Reads the values of secret keys in texts."""

    def __init__(self, mark: re.Pattern[bytes]) -> None:
        """Create a reader, given the marks that stand for secrets."""
        self._mark = mark

    def is_secret(self, word: KeyWord, text: bytes, start: int = 0, end: int = sys.maxsize) -> bool:
        """Return whether the whole value of a secret key, which is in a text, is a secret."""
        return not self._mark.fullmatch(text, start, end) and may_be_secret(word, text, start, end)

    def in_quotes(self, text: bytes, opening: re.Match[bytes], word: KeyWord, quote: bytes) -> Found | None:
        """Return the secret behind an opening quote; ``quote`` is the one around its key."""
        start, end, behind = quoted(text, opening)
        last = end_behind_quote(text, behind, opening[2], quote) if behind else 0
        if last > behind:  # "a"b
            return Found(start if quote else opening.start(), last, word.rule)
        return Found(start, end, word.rule) if self.is_secret(word, text, start, end) else None

    def in_brackets(self, text: bytes, start: int, word: KeyWord, quote: bytes) -> Found | None:
        """Return the secret that begins with a bracket or a mark at an index."""
        if word.parameter or (word.parts and has_parts(text, start)):
            return None
        mark = self._mark.match(text, start)
        end = mark.end() if mark else end_of_brackets(text, start)
        last = end_behind_brackets(text, end, quote)
        if word.rule == "key.cookie" and (last > end or text.startswith(b";", end)):
            last = end_at(text, end, END_OF_COOKIES)
        return Found(start, last, word.rule, quote) if self.is_secret(word, text, start, last) else None

    def of_user(self, text: bytes, start: int, user: int) -> Found | None:
        """Return the password of a user whose name starts at an index."""
        mark = self._mark.match(text, start)
        end = end_of_password(text, mark.end() if mark else start, user)
        return Found(start, end, "key.password") if self.is_secret(KEY_WORDS[0], text, start, end) else None

    def word(
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
        """Return the secret that is a word, or a few of them, at an index.

        Args:
            text: the text.
            start: the index.
            word: what makes its key secret.
            quote: the quote around the key.
            ahead: what is known of the text.
            sentence: True if the value may be one more word of a sentence.
            option: True if it is the argument of an option.
        """
        if word.rule == "key.cookie":
            if sentence and not is_cookie(text, start):
                return None
            end = end_at(text, start, END_OF_COOKIES)
        else:
            if not ahead.word.has(start):
                ahead.word.set(start, end_of_word(text, start))
            end = ahead.word.end
            scheme = text[start : min(end, start + _LONGEST_SCHEME)].lower()
            of_header = word.rule == "key.authorization" and scheme in HEADER_SCHEMES
            if not word.parameter and (scheme in SCHEMES or of_header) and text.startswith(b" ", end):
                blank = end_of_run(BLANK, text, end)
                end = end_at(text, end, END_OF_LINE) if SCHEMES.get(scheme) else end_of_word(text, blank)
                if of_header and sentence and is_plain_word(text, blank, end):
                    return None
        if sentence and (option or not word.prose) and is_plain_word(text, start, end):
            return None
        if (sentence and not option and is_about(text, start)) or not self.is_secret(word, text, start, end):
            return None
        return Found(start, end, word.rule, quote)
