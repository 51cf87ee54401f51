"""Cells of CSV (RFC 4180) that spreadsheets do not run as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

__all__ = ["csv_text", "safe_cell"]

# Spreadsheets run cells that begin with one of these. The apostrophe is added before them.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")  # noqa: RUF001 - they look alike


def safe_cell(text: str) -> str:
    """Return a text, prefixed with an apostrophe if a spreadsheet would run the text as a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def csv_text(rows: Iterable[Sequence[str | int]]) -> str:
    """Return rows as CSV; texts must be safe already."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
