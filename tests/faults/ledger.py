"""Ledger of requests, as senders know them: acknowledged, refused, or neither."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

__all__ = ["Bounds", "Ledger", "Outcome", "SentRequest", "bounds"]


class Outcome(Enum):
    """Outcome of one attempt to send a request."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"  # the server said so
    UNKNOWN = "unknown"  # no answer, or none of the server's
    NOT_SENT = "not sent"  # nobody was there to send it to


@dataclass(frozen=True, slots=True)
class Bounds:
    """Number of times that a record may be stored."""

    least: int
    most: int


@dataclass(slots=True)
class SentRequest:
    """A request and what came of each attempt to send it; the same bytes each time.

    Attributes:
        sender: who sent it; one sends a request after the other.
        ids: the IDs of its records.
        outcomes: of each attempt, in order; added to by its sender only.
        story: the same for people: when each outcome was known, and what the server said.
        patient: its sender tries again until it is acknowledged.
        slack: how much oftener it may be stored, for reasons that ``outcomes`` does not say.
    """

    sender: str
    ids: tuple[str, ...]
    outcomes: list[Outcome] = field(default_factory=list)
    patient: bool = False
    slack: int = 0
    story: list[str] = field(default_factory=list)

    def note(self, outcome: Outcome, why: str = "") -> None:
        """Add what came of an attempt, and what was said."""
        self.outcomes.append(outcome)
        now = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
        self.story.append(f"{now} {outcome.value}{': ' * bool(why)}{why}")

    @property
    def acknowledged(self) -> bool:
        return Outcome.ACKNOWLEDGED in self.outcomes


def bounds(outcomes: Sequence[Outcome], slack: int = 0, *, workers: int = 1) -> Bounds:
    """Tell how often the records of a request may be stored, from what came of its attempts.

    Once for each acknowledgement, and again for each attempt of which the sender knows nothing. What was refused
    may be stored when nobody has sent it again; whoever does takes over what was left behind, if that is the same
    worker's: they do not know of one another's (docs/reliability.md).
    """
    sent = [outcome for outcome in outcomes if outcome is not Outcome.NOT_SENT]
    least = sent.count(Outcome.ACKNOWLEDGED)
    left_behind = sent.count(Outcome.REFUSED) if workers > 1 else int(sent[-1:] == [Outcome.REFUSED])
    return Bounds(least, least + sent.count(Outcome.UNKNOWN) + left_behind + slack)


class Ledger:
    """All requests of a schedule; senders add to it from their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[SentRequest] = []

    def add(self, request: SentRequest) -> SentRequest:
        """Take down a request that is about to be sent."""
        with self._lock:
            self._requests.append(request)
        return request

    @property
    def requests(self) -> list[SentRequest]:
        """All requests, in the order in which each sender sent them."""
        with self._lock:
            return list(self._requests)

    def records(self) -> int:
        """The number of records."""
        return sum(len(request.ids) for request in self.requests)

    def sends(self) -> Counter[Outcome]:
        """Return the number of attempts by outcome."""
        counted: Counter[Outcome] = Counter()
        for request in self.requests:
            for outcome in list(request.outcomes):
                counted[outcome] += len(request.ids)
        return counted
