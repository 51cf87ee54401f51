"""Sentences about misspelled names: the valid names, and the one that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "not_one_of"]

_ALIKE = 0.6  # of 1: fewer characters in common is another word


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` with the valid word most like a misspelled one; empty if none is like it.

    Case, and ``-`` for ``_``, make no difference.
    """
    by_folded = {_folded(name): name for name in valid}
    alike = get_close_matches(_folded(word), by_folded, n=1, cutoff=_ALIKE)
    return f"; did you mean '{by_folded[alike[0]]}'?" if alike else ""


def not_one_of(word: str, valid: Iterable[str]) -> str:
    """Return ``'x' is not a, b or c``, and which of them was probably meant."""
    names = list(valid)
    listed = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{word[:80]!r} is not {listed}{did_you_mean(word, names)}"


def _folded(word: str) -> str:
    return word.lower().replace("-", "_")
