"""A sample of tests: an even share of them, something of every test function, and slow ones on one of two engines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from zlib import crc32

__all__ = ["ENGINES", "added", "on_other_engine", "thinned"]

ENGINES = ("embedded", "server")
"""Storage engines, as parameters of tests name them."""


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


def on_other_engine(names: Sequence[str], groups: Sequence[str]) -> set[int]:
    """Return the positions of tests that exist on both engines, each on the engine that its group does not stay on.

    Args:
        names: each test's ID. One of its parameters may name an engine.
        groups: each test's group, which stays on one engine.
    """
    places: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for at, name in enumerate(names):
        function, _, parameters = name.removesuffix("]").partition("[")
        parts = parameters.split("-")
        if engine := next((part for part in parts if part in ENGINES), ""):
            key = (function, *("" if part == engine else part for part in parts))
            places.setdefault(key, []).append((at, engine))
    return {
        at
        for pair in places.values()
        if {engine for _, engine in pair} == set(ENGINES)
        for at, engine in pair
        if engine != ENGINES[crc32(groups[at].encode()) % len(ENGINES)]
    }
