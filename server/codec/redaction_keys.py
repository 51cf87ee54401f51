"""Keys of secrets: whether the value under a key is one, by the words of the key.

A key is split into words at everything that is not a letter or a digit, at percent-encoded characters, and where
camelCase begins a word (``userPassword``, ``APIKey``). Digits at the end of a word do not count (``password2``). A key
is secret if its words contain those of a ``KeyWord``, and none of ``NOT_SECRET`` after them. If there are several, the
last counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from server.codec.redaction_rules import (
    CUSTOM,
    KEPT,
    KEY_WORDS,
    NOT_OPTIONS,
    NOT_SECRET,
    OPTION_RULES,
    KeyWord,
    Mode,
    Redaction,
)

__all__ = ["SecretKeys", "key_words", "split_key"]

_RUN = re.compile(rb"%[0-9A-Fa-f]{2}|([A-Za-z0-9\x80-\xff]+)")


def split_key(key: bytes) -> list[bytes]:
    """Return the words of a key, in lower case."""
    words = []
    for run in _RUN.findall(key):
        start = 0
        for at in range(1, len(run) + 1):
            if at == len(run) or _begins_word(run, at):
                words.append(run[start:at].lower().rstrip(b"0123456789"))
                start = at
    return [word for word in words if word]


def key_words(redaction: Redaction) -> list[KeyWord]:
    """Return the words that make a key secret: those of the configuration, and the built-in ones, if they are on."""
    own = dict.fromkeys(tuple(split_key(form)) for key in redaction.keys for form in _forms(key))
    every = [*(KeyWord(words, CUSTOM, prose=True) for words in own if words), *KEY_WORDS]
    return [word for word in every if redaction.mode_of(word.rule) is not Mode.OFF]


def _forms(key: str) -> list[bytes]:
    """Return a key as senders may write it: keys are split, and compared, without knowledge of other scripts."""
    if key.isascii():
        return [key.encode()]
    cases = (key, key.lower(), key.upper(), key.title())
    return [unicodedata.normalize(form, case).encode() for case in cases for form in ("NFC", "NFD")]


class SecretKeys:
    """The keys whose values are secrets."""

    def __init__(self, redaction: Redaction) -> None:
        """Look up the keys of a configuration."""
        self._keep = {key.encode().lower() for key in redaction.keep}
        self._by_last: dict[bytes, list[KeyWord]] = defaultdict(list)
        for word in key_words(redaction):
            self._by_last[word.words[-1]].append(word)

    def keeps(self, key: bytes) -> bool:
        """Return whether the values of a key are never redacted."""
        if key.lower() in self._keep:
            return True
        words = tuple(split_key(key))
        return any(words[-len(kept) :] == kept for kept in KEPT)

    def find(self, key: bytes) -> KeyWord | None:
        """Return what makes a key secret, None if it is not."""
        words = split_key(key)
        for end in range(len(words), 0, -1):
            if found := self._ending(words, end):
                return found
            if words[end - 1] in NOT_SECRET:
                return None
        return None

    def find_option(self, name: bytes) -> KeyWord | None:
        """Return what makes the argument behind an option secret, None if it is not."""
        word = None if self.keeps(name) else self.find(name)
        words = tuple(split_key(name))
        if word is None or word.rule not in OPTION_RULES or words[0] in NOT_OPTIONS:
            return None
        return word if words[-len(word.words) :] == word.words else None

    def _ending(self, words: Sequence[bytes], end: int) -> KeyWord | None:
        for candidate in self._by_last.get(words[end - 1], ()):
            start = end - len(candidate.words)
            if candidate.alone and len(candidate.words) != len(words):
                continue
            if start >= 0 and tuple(words[start:end]) == candidate.words:
                return candidate
        return None


def _begins_word(run: bytes, at: int) -> bool:
    if not _is_capital(run[at]):
        return False
    return not _is_capital(run[at - 1]) or (at + 1 < len(run) and chr(run[at + 1]).islower() and run[at + 1] < 0x80)


def _is_capital(byte: int) -> bool:
    return 0x41 <= byte <= 0x5A
