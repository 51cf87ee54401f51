"""Cells of CSV (RFC 4180) that spreadsheets do not run as formulas.

A spreadsheet may also take semicolons, tabs or line breaks within a cell for ends of cells, as in many countries. So an
apostrophe is added at the beginning of a cell, or after such a separator, if a formula follows there; and before an
apostrophe, so that ``check.py`` and others can remove what was added: one apostrophe at each of these places.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

__all__ = ["csv_text", "safe_cell"]

_STARTS = r"=+\-@＝＋－＠"  # noqa: RUF001 - they look alike
# What spreadsheets trim, or do not show: white space, U+0000, soft hyphens, marks of direction, and the like.
_BLANKS = r"\s\x00\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_FIRST = re.compile(rf"[{_BLANKS}]*[{_STARTS}]|['\t\r\n]")
# A run of separators and blanks as a whole: one of its parts alone would take quadratic time.
_LATER = re.compile(rf"(?<![;{_BLANKS}])[;{_BLANKS}]++(?=[{_STARTS}])|[;\t\r\n](?=')")
_SEPARATOR = re.compile(r"[;\t\r\n]")


def safe_cell(text: str) -> str:
    """Return a text, with apostrophes where a spreadsheet would run a formula in the text."""
    safe = _LATER.sub(lambda run: _SEPARATOR.sub(r"\g<0>'", run[0]), text)
    return f"'{safe}" if _FIRST.match(text) else safe


def csv_text(rows: Iterable[Sequence[str | int]]) -> str:
    """Return rows as CSV; texts must be safe already."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
