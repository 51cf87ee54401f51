"""Values of secret keys that are no secrets: such as say that there is none, what became of it, or how it must be."""

from __future__ import annotations

import re

from server.codec.redaction_rules import KeyWord

__all__ = ["has_parts", "is_about", "is_cookie", "is_plain_word", "may_be_secret"]

_PLAIN_WORD = re.compile(rb"[A-Za-z]{1,15}(?:[.!?]|\([0-9]{0,9}\)?)?")
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_NOTHING = re.compile(rb"true|false|null|none|nil|\[\]|\{\}|[*?=]*|%%[0-9]+|hmac-sha256:[0-9a-f]{64}", re.IGNORECASE)
_STATE = re.compile(
    rb"allowed|denied|expired|forbidden|granted|incorrect|invalid|missing|optional|rejected|required|revoked|unauthorized"
)
_PUNCTUATION = re.compile(rb"[!-/:-@\[-`{-~]{1,2}")
_ABOUT = re.compile(
    rb"(?:must (?:be|contain|have|include|match|not)|cannot be|command not found|not found"
    rb"|is (?:invalid|missing|required|too)|too (?:long|short|weak))(?!\w)"
)
_PARTS = re.compile(rb"\[?[ \t]{0,64}\{")
_ABSOLUTE_PATH = re.compile(rb"[/~]|[A-Za-z]:[\\/]")
_COOKIE = re.compile(rb"""[^\s"'`,;:=]{1,64}=""")
_SIGNATURE = re.compile(rb"[\w+/=%-]{40,1024}")
_VERDICT = re.compile(rb"ok|yes|no|on|off|pass(?:ed)?|fail(?:ed)?|skip(?:ped)?|[0-9]+(?:[./][0-9]+)?%?", re.IGNORECASE)


def may_be_secret(word: KeyWord, text: bytes, start: int, end: int) -> bool:
    """Return whether the whole value of a secret key, which is in a text, may be a secret."""
    value = (text, start, end)  # not cut out: a scan may look at many long ones
    if _NOTHING.fullmatch(*value) or _STATE.fullmatch(*value):
        return False
    if not word.prose and _PUNCTUATION.fullmatch(*value):
        return False
    if word.paths and _ABSOLUTE_PATH.match(*value):
        return False
    if word.alone and _VERDICT.fullmatch(*value):
        return False
    if word.parameter and not _SIGNATURE.fullmatch(*value):
        return False
    return not (word.counts and _NUMBER.fullmatch(*value))


def is_plain_word(text: bytes, start: int, end: int) -> bool:
    """Return whether a value in a sentence is one word of letters, which may end it, or be called with a number."""
    return bool(_PLAIN_WORD.fullmatch(text, start, end))


def is_about(text: bytes, start: int) -> bool:
    """Return whether a sentence goes on at an index with words about a secret: ``password: must be …``."""
    return bool(_ABOUT.match(text, start))


def has_parts(text: bytes, start: int) -> bool:
    """Return whether brackets begin an object, or a list of objects."""
    return bool(_PARTS.match(text, start))


def is_cookie(text: bytes, start: int) -> bool:
    """Return whether a value begins as a cookie does."""
    return bool(_COOKIE.match(text, start))
