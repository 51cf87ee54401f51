"""Secrets in command lines, in statements of SQL, and in lists of names and values.

Of the options of commands, only long ones are looked at: what ``-p`` is depends on the command. But
``curl -u user:password`` is common enough.
"""

from __future__ import annotations

import re

from server.codec.redaction_ends import BLANKS, MOST_BLANKS, end_of_quoted, end_of_word, key_before

__all__ = ["end_of_password", "find_option", "is_user_of_curl", "name_before", "precedes_password"]

_OPTION = re.compile(rb"-([A-Za-z][\w.-]{0,62})(?:[ \t]{1,8}|(\\{0,7}[\"'])[ \t]{0,2},[ \t]{0,2}(?=\2))")
_BEFORE_OPTION = b" \t\r\n\"'"
_BEFORE_USER = b" =\"',\\"
_LONGEST_GAP = 6
_WINDOW = 256
_USER_OPTION = re.compile(rb"curl.*[\s\"'](?:-[uU]|--user|--proxy-user)\Z", re.DOTALL)
_LONGEST_SQL = 96
_SQL = re.compile(rb"(?:\A|\W)password \Z|identified (?:with \w{1,64} )?by \Z", re.IGNORECASE)
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


def is_user_of_curl(text: bytes, start: int) -> bool:
    """Return whether the name that starts at an index is the user in ``curl -u user:password``."""
    at = _start_of_run(text, start, 0, _BEFORE_USER, _LONGEST_GAP)
    return at < start and bool(_USER_OPTION.search(text[max(0, at - _WINDOW) : at]))


def end_of_password(text: bytes, start: int, user: int) -> int:
    """Return the end of the password of a user whose name starts at an index."""
    quote = text[user - 1 : user]
    if quote not in (b'"', b"'"):
        return end_of_word(text, start)
    escapes = user - 1
    while escapes > 0 and user - 1 - escapes < _LONGEST_GAP and text[escapes - 1] == 0x5C:
        escapes -= 1
    return end_of_quoted(text, start, user - 1 - escapes, quote)


def precedes_password(text: bytes, at: int, low: int) -> bool:
    """Return whether what is before a quote says that a password follows, as in ``ALTER USER bob PASSWORD 'x'``."""
    return bool(_SQL.search(text[max(low, at - _LONGEST_SQL) : at]))


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
