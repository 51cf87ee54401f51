"""A sample of tests: an even share of them, and something of every test function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set

__all__ = ["added", "thinned"]


def thinned(number: int, share: int) -> set[int]:
    """Return the positions that stay if one of so many does: one of each ``share`` that follow on each other.

    Which one rotates: with every third, a parameter of three values would always have the same value.
    """
    return {at for at in range(number) if at % share == at // share % share}


def added(functions: Sequence[str], kept: Set[int]) -> set[int]:
    """Return one more position for each test function that has no test in the sample.

    Args:
        functions: each test's function.
        kept: the positions of the tests in the sample.
    """
    variants: dict[str, list[int]] = {}
    for at, function in enumerate(functions):
        variants.setdefault(function, []).append(at)
    chosen = Counter(functions[at] for at in kept)
    missing = [places for function, places in variants.items() if not chosen[function]]
    return {places[turn % len(places)] for turn, places in enumerate(missing)}
