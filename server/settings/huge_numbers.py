"""Numbers in TOML that are larger than TOML permits, which Python would read, and then fail to show."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["TEXT_OR_COMMENT", "has_huge_number", "line_of_huge_number"]

TEXT_OR_COMMENT = re.compile(r""""(?:\\.|[^"\\])*"|'[^']*'|#.*""")
"""A text in quotes on one line, or a comment."""

_NUMBER = re.compile(r"(?<![\w.])(?:0x([\da-fA-F_]+)|0o([0-7_]+)|0b([01_]+)|(\d[\d_]*))(?![\w.])")
_BASES = (16, 8, 2, 10)
_MOST_DIGITS = 64  # a number of 64 bits has no more in any base; larger ones are not computed


def has_huge_number(content: Mapping[str, object]) -> bool:
    """Return whether parsed TOML has a whole number of more than 64 bits."""
    left: list[object] = [content]
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            return True
    return False


def line_of_huge_number(text: str) -> str:
    """Return the number of the line with the first such number, as text; empty if it is not found."""
    for number, line in enumerate(text.splitlines(), 1):
        if any(map(_is_huge, _NUMBER.finditer(TEXT_OR_COMMENT.sub('""', line)))):
            return str(number)
    return ""


def _is_huge(found: re.Match[str]) -> bool:
    groups = zip(found.groups(), _BASES, strict=True)
    digits = [(group.replace("_", "").lstrip("0"), base) for group, base in groups if group]
    return any(len(text) > _MOST_DIGITS or int(text or "0", base) >= 1 << 63 for text, base in digits)
