"""Secrets in command lines, in statements of SQL, and in lists of names and values.

Of the options of commands, only long ones are looked at: what ``-p`` is depends on the command. But
``curl -u user:password`` is common enough.
"""

from __future__ import annotations

import re
from itertools import pairwise

from server.codec.redaction_ahead import Ahead
from server.codec.redaction_ends import BLANKS, MOST_BLANKS, end_of_quoted, end_of_word, key_before

__all__ = ["end_of_password", "find_option", "name_before", "precedes_password", "sets_password", "user_of_curl"]

_OPTION = re.compile(rb"-([A-Za-z][\w.-]{0,62})(?:[ \t]{1,8}|(\\{0,7}[\"'])[ \t]{0,2},[ \t]{0,2}(?=\2))")
_BEFORE_OPTION = b" \t\r\n\"'"
_BEFORE_USER = b" =\"',\\"
_NOT_IN_USER = b" \t\r\n\v\f=\"',:"
_LONGEST_GAP = 6
_LONGEST_USER = 128
_LONGEST_OPTION = 18
_WINDOW = 256
_USER_OPTION = re.compile(rb"[\s\"'](?:-[A-Za-z0-9#]{0,15}[uU]|--user|--proxy-user)\Z")
_OPTION_WITH_USER = re.compile(rb"(?<=[\s\"'])-[uU]")
_LONGEST_SQL = 256
_GAP = rb"(?:\s|(?-i:\\[nrt])){1,16}"
_PASSWORD_BEFORE = re.compile(rb"(?:\A|\W)password%b(?-i:[EN])?\Z" % _GAP, re.IGNORECASE)
_BY_BEFORE = re.compile(
    rb"identified(?:%b|\s{1,16}with\s{1,16}\w{1,64}\s{1,16})by%b(?:values%b)?(?-i:[EN])?\Z" % (_GAP, _GAP, _GAP),
    re.IGNORECASE,
)
_IDENTIFIED_BY = re.compile(rb"identified\s{1,8}by\Z", re.IGNORECASE)
_MOST_SPACES = 32
_SPACES = b" \t\r\n"


def find_option(text: bytes, at: int, low: int) -> tuple[bytes, int] | None:
    """Return the name of the option whose second hyphen is at an index, and where its value starts.

    There may be no option, or none with a value.
    """
    if at - 1 < low or not text.startswith(b"--", at - 1) or (at >= 2 and text[at - 2] not in _BEFORE_OPTION):
        return None
    option = _OPTION.match(text, at)
    return (option[1], option.end()) if option else None


def user_of_curl(text: bytes, end: int, ahead: Ahead) -> int:
    """Return where the user starts that ends at an index in ``curl -u user:password``; negative if there is none."""
    if ahead.first_curl < 0:
        found = text.find(b"curl")
        ahead.first_curl = found if found >= 0 else len(text)
    if ahead.first_curl > end:
        return -1
    start = end
    while start > 0 and end - start < _LONGEST_USER and text[start - 1] not in _NOT_IN_USER:
        start -= 1
    if start < end and _OPTION_WITH_USER.match(text, start, end):  # -uuser:password
        option = start - 1
    else:
        at = _start_of_run(text, start, 0, _BEFORE_USER, _LONGEST_GAP)
        option_before = _USER_OPTION.search(text[max(0, at - _LONGEST_OPTION) : at]) if at < start else None
        if not option_before:
            return -1
        option = at - len(option_before[0])
    new = max(ahead.searched - len(b"curl"), option - _WINDOW, 0)
    if (found := text.rfind(b"curl", new, option)) >= 0:
        ahead.curl = found
    ahead.searched = max(ahead.searched, option)
    return start if ahead.curl >= max(0, option - _WINDOW) else -1


def end_of_password(text: bytes, start: int, user: int) -> int:
    """Return the end of the password of a user whose name starts at an index."""
    quote = text[user - 1 : user]
    if quote not in (b'"', b"'"):
        return end_of_word(text, start)
    escapes = user - 1
    while escapes > 0 and user - 1 - escapes < _LONGEST_GAP and text[escapes - 1] == 0x5C:
        escapes -= 1
    return end_of_quoted(text, start, user - 1 - escapes, quote)


def precedes_password(text: bytes, at: int, low: int, quote: bytes) -> bool:
    """Return whether what is before a quote says that a password follows, as in ``ALTER USER bob PASSWORD 'x'``."""
    before = text[max(low, at - _LONGEST_SQL) : at]
    return bool(_BY_BEFORE.search(before) or (quote == b"'" and _PASSWORD_BEFORE.search(before)))


def sets_password(text: bytes, end: int, low: int) -> bool:
    """Return whether a password without quotes follows an index, as Oracle has it: ``ALTER USER x IDENTIFIED BY y``."""
    if not _IDENTIFIED_BY.search(text[max(low, end - _LONGEST_OPTION - 2) : end]):
        return False
    *words, verb, _ = text[max(low, end - _WINDOW) : end].lower().split()
    if verb != b"identified":
        return False
    if any(first in (b"alter", b"create") and second in (b"role", b"user") for first, second in pairwise(words)):
        return True
    return words[-2:-1] == [b"to"] and (words[-3:-2] == [b"connect"] or b"grant" in words)


def name_before(text: bytes, at: int, low: int) -> bytes:
    """Return the name before a member ``"value"`` that begins at an index: ``{"name":"PASSWORD","value":"x"}``."""
    at = _start_of_run(text, at, low, _SPACES, _MOST_SPACES)
    if at <= low or text[at - 1] != 0x2C:
        return b""
    name, quote, _, start = key_before(text, at - 1, low)
    start -= len(quote)
    if not quote or start < low or not text.startswith(quote, start):
        return b""
    start = _start_of_run(text, start, low, BLANKS, MOST_BLANKS)
    if start <= low or text[start - 1] != 0x3A:
        return b""
    key, quote, _, _ = key_before(text, start - 1, low)
    return name if quote and key.lower() in (b"name", b"key") else b""


def _start_of_run(text: bytes, end: int, low: int, of: bytes, most: int) -> int:
    """Return where a run of some bytes starts that ends at an index; it has at most so many, and may be empty."""
    start = end
    while start > low and end - start < most and text[start - 1] in of:
        start -= 1
    return start
