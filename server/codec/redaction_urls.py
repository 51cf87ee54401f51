"""Passwords in URLs, and the users before them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from server.codec.redaction_ahead import Ahead
from server.codec.redaction_ends import end_of_run

__all__ = ["Login", "end_of_slashes", "find_login"]

_SLASHES = re.compile(rb":(?:\\{0,7}/){2}")
_AUTHORITY = re.compile(rb"""[^\s"'<>`|^{}\\/?#]*""")
_BEHIND_AUTHORITY = re.compile(rb"""[^\s"'<>`|^{}\\@]*""")
_LONGEST_BEHIND = 256


class Login(NamedTuple):
    """The user and the password in a URL.

    Attributes:
        user: index of the user's first byte.
        password: index of the password's first byte, behind a colon.
        end: index of the at sign behind the password.
    """

    user: int
    password: int
    end: int


def end_of_slashes(text: bytes, colon: int) -> int:
    """Return the end of the slashes behind the scheme of a URL, which may be escaped; 0 if there are none."""
    slashes = _SLASHES.match(text, colon)
    return slashes.end() if slashes else 0


def find_login(text: bytes, start: int, end_of_mark: Callable[[int], int], ahead: Ahead) -> Login | None:
    """Find the password in a URL whose authority starts at an index.

    Args:
        text: the text.
        start: the index.
        end_of_mark: returns the end of the mark around the colon at an index, 0 if there is none.
        ahead: what is known of the text.
    """
    end = end_of_run(_AUTHORITY, text, start)
    colon, behind_mark = text.find(b":", start, end), 0
    while colon >= 0 and (mark := end_of_mark(colon)):  # a mark for the user
        colon, behind_mark = text.find(b":", mark, end), mark
    if colon < 0 or (text.startswith(b"[", start) and not behind_mark):
        return None
    last = text.rfind(b"@", start, end)
    if last < colon and not text[colon + 1 : end].isdigit() and end > colon + 1:
        # a password with a slash, which should have been encoded
        if not ahead.behind_authority.has(end):
            ahead.behind_authority.set(end, end_of_run(_BEHIND_AUTHORITY, text, end))
        behind = ahead.behind_authority.end if ahead.behind_authority.has(end) else end
        last = behind if behind - end <= _LONGEST_BEHIND and text.startswith(b"@", behind) else last
    return Login(start, colon + 1, last) if last > colon + 1 else None
