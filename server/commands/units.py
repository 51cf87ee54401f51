"""Texts in columns of a terminal."""

from __future__ import annotations

import os
import shutil
from typing import TextIO
from unicodedata import combining, east_asian_width

__all__ = ["cells", "cut", "line_width", "padded", "wrapped"]

_SHORTEST = 40  # columns: on a terminal that is narrower, lines are wrapped by the terminal


def line_width(stream: TextIO) -> int | None:
    """Return the number of columns that a line may have; None if it may be of any length, as in a file or a pipe.

    The variable COLUMNS sets it for a pipe too.
    """
    if stream.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return max(_SHORTEST, shutil.get_terminal_size((100, 24)).columns)
    return None


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def cut(text: str, width: int | None) -> str:
    """Return a text that takes at most a number of columns; a longer text ends with an ellipsis."""
    if width is None or cells(text) <= width:
        return text
    left, kept = max(width, 1) - 1, []
    for letter in text:
        left -= cells(letter)
        if left < 0:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"


def padded(text: str, width: int) -> str:
    """Return a text that takes exactly a number of columns, cut or filled with spaces."""
    text = cut(text, width)
    return text + " " * (width - cells(text))


def wrapped(text: str, width: int | None) -> list[str]:
    """Return a text in lines of at most a number of columns, broken at spaces if possible."""
    lines: list[str] = []
    while width is not None and cells(text) > width:
        kept = cut(text, width + 1)[:-1] or text[0]
        end = kept.rfind(" ") if text[len(kept) : len(kept) + 1] not in ("", " ") else -1
        kept = kept[:end] if end > len(kept) // 2 else kept
        lines.append(kept.rstrip())
        text = text[len(kept) :].lstrip()
    return [*lines, text] if text or not lines else lines
