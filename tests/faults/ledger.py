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
    UNKNOWN = "unknown"  # there was no answer, or somebody else's
    NOT_SENT = "not sent"  # nothing accepted the connection


@dataclass(frozen=True, slots=True)
class Bounds:
    """Number of times that a record may be stored."""

    least: int
    most: int


@dataclass(slots=True)
class SentRequest:
    """A request, and the outcome of each attempt to send it; all attempts send the same bytes.

    Attributes:
        sender: name of the sender, which sends one request after another.
        ids: IDs of the request's records.
        outcomes: outcomes of the attempts, in order; only the sender adds to them.
        story: the outcomes for people: when each was known, and what the server said.
        patient: True if the sender retries until the request is acknowledged.
        slack: number of further times that the request may be stored, for reasons that ``outcomes`` does not show.
    """

    sender: str
    ids: tuple[str, ...]
    outcomes: list[Outcome] = field(default_factory=list)
    patient: bool = False
    slack: int = 0
    story: list[str] = field(default_factory=list)

    def note(self, outcome: Outcome, why: str = "") -> None:
        """Add the outcome of an attempt, and what the server said."""
        self.outcomes.append(outcome)
        now = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
        self.story.append(f"{now} {outcome.value}{': ' * bool(why)}{why}")

    @property
    def acknowledged(self) -> bool:
        return Outcome.ACKNOWLEDGED in self.outcomes


def bounds(outcomes: Sequence[Outcome], slack: int = 0, *, workers: int = 1) -> Bounds:
    """Return how often the records of a request may be stored, given the outcomes of its attempts.

    They are stored once for each acknowledgement, and may be stored once more for each attempt with unknown outcome. A
    request that was refused last may be stored too. A retry takes over the batch that a refused attempt has left
    behind, but only in the same worker: workers do not share retry ledgers (docs/reliability.md).
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
        """Note a request that is about to be sent, and return it."""
        with self._lock:
            self._requests.append(request)
        return request

    @property
    def requests(self) -> list[SentRequest]:
        """All requests, in the order in which each sender sent them."""
        with self._lock:
            return list(self._requests)

    def records(self) -> int:
        """Return the number of records."""
        return sum(len(request.ids) for request in self.requests)

    def sends(self) -> Counter[Outcome]:
        """Return the number of attempts by outcome."""
        counted: Counter[Outcome] = Counter()
        for request in self.requests:
            for outcome in list(request.outcomes):
                counted[outcome] += len(request.ids)
        return counted
