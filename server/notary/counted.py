"""Numbers with their nouns and verbs, in the singular or the plural."""

from __future__ import annotations

__all__ = ["counted", "entries_of"]


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number and its noun.

    Args:
        number: the number.
        one: the noun in the singular, and a verb if the sentence has one, such as ``row names``.
        many: both in the plural; empty for ``one`` and an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def entries_of(number: int) -> str:
    """Return a number of entries with its noun."""
    return counted(number, "entry", "entries")
