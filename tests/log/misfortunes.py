"""The misfortunes of a writer: with its storage, its disk, its memory and its power."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from .moody_store import Mood

__all__ = ["CrashSoon", "Inserts", "Misfortune", "Outage", "Stumbles", "Syncs", "misfortunes"]


@dataclass(frozen=True)
class Inserts:
    """Outcomes of the next inserts."""

    moods: list[Mood]


@dataclass(frozen=True)
class Outage:
    """Storage is not reached for some time, and then does not answer some queries."""

    seconds: float
    deaf: int
    dazed: int


@dataclass(frozen=True)
class Stumbles:
    """Something unforeseen goes wrong as often when the journal lets entries go."""

    times: int


@dataclass(frozen=True)
class Syncs:
    """So many of the next ones fail."""

    failing: int


@dataclass(frozen=True)
class CrashSoon:
    """Power fails after some more syncs and inserts."""

    events: int
    seed: int


Misfortune = Inserts | Outage | Stumbles | Syncs | CrashSoon


def misfortunes() -> st.SearchStrategy[Misfortune]:
    """Return a strategy for misfortunes of every kind."""
    return st.one_of(
        st.builds(Inserts, st.lists(st.sampled_from(Mood), min_size=1, max_size=6)),
        st.builds(Outage, st.sampled_from([0.5, 3.0, 20.0]), st.integers(0, 2), st.integers(0, 2)),
        st.builds(Stumbles, st.integers(1, 3)),
        st.builds(Syncs, st.integers(1, 3)),
        st.builds(CrashSoon, st.integers(0, 12), st.integers(0, 1 << 32)),
    )
