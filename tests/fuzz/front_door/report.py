"""Task and result of a campaign."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.front_door.script import Door, Script
from tests.fuzz.front_door.vitals import Vitals

__all__ = ["ACCEPTED", "Finding", "Plan", "Report"]

ACCEPTED = {Door.GRPC: "OK", Door.HTTP: "200"}
"""The outcome of a request that was accepted."""

_MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """Task of a campaign.

    Attributes:
        seed: of all cases.
        first: number of the first script.
        cases: after how many cases to stop.
        accepted: how many requests each port has to have accepted by then; there are more rounds until it has. A server
            that sheds load refuses valid requests too, for as long as it is slow.
        seconds: after how many seconds to stop.
        at_once: how many connections at once.
        crowd: how many idle connections on each port.
        round_cases: cases between two looks at neighbours and memory.
        warm_up: cases before the first look.
        bomb_every: of so many scripts, one is a bomb; of the first ones, twenty times as many, so that the largest
            requests have been there before the first look.
    """

    seed: int
    first: int = 0
    cases: float = float("inf")
    accepted: int = 0
    seconds: float = float("inf")
    at_once: int = 96
    crowd: int = 3000
    round_cases: int = 20_000
    warm_up: int = 20_000
    bomb_every: int = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure that was found; the first line of ``why`` has no particulars."""

    why: str
    scripts: tuple[Script, ...]

    @property
    def title(self) -> str:
        return self.why.partition("\n")[0]


@dataclass
class Report:
    """Result of a campaign."""

    cases: Counter[str] = field(default_factory=Counter)
    connections: Counter[Door] = field(default_factory=Counter)
    outcomes: dict[Door, Counter[str]] = field(default_factory=lambda: {door: Counter() for door in Door})
    found: dict[str, Finding] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)
    vitals: dict[str, Vitals] = field(default_factory=dict)
    lines: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    acknowledged: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    crowds: list[str] = field(default_factory=list)
    next: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0

    def accepted(self, door: Door) -> int:
        """Return how many requests a port has accepted."""
        return self.outcomes[door][ACCEPTED[door]]

    def add(self, finding: Finding) -> bool:
        """Note something, and tell whether it is new; what is found again is only counted."""
        self.repeated[finding.title] += 1
        if finding.title in self.found or len(self.found) >= _MOST_FOUND:
            return False
        self.found[finding.title] = finding
        return True
