"""Events that are not acknowledged: those that wait, and requests of them that are sent again, of each tenant apart.

A tenant is *behind* while it has a request that was sent and not acknowledged, for instance because its access log
cannot be opened. Its further events wait behind this request, in a queue apart, and those of others go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from server.access_log.entry import Entry
from server.access_log.losses import Losses
from server.access_log.queue import EventQueue

__all__ = ["LINGER", "PAUSES", "Backlog"]

LINGER = 0.3
"""Seconds in which further events join a request that is not full."""

PAUSES = (1.0, 2.0, 5.0, 10.0)
"""Seconds between attempts to send a request."""

_AT_ONCE = 2048  # events in a request
_BYTES = 2 * 1024 * 1024  # of a request, about
_FEWEST = 64  # events that may be sent at once, however many of others are not acknowledged


@dataclass(slots=True)
class _Sent:
    """Requests of a tenant that are not acknowledged.

    Attributes:
        requests: their events; the first is sent until it is acknowledged, then the next.
        failures: number of attempts that failed since the last success.
        due: time of the next attempt; None while one goes on.
    """

    requests: list[list[Entry]]
    failures: int = 0
    due: float | None = None


class Backlog:
    """Events of all tenants that are not acknowledged; not thread-safe.

    If there is no room, an actor loses the newest of his events. It is the actor with most of them, among the tenants
    that are behind if these have more than half of the room, otherwise among the others: neither push out the others'.
    """

    def __init__(self, most: int) -> None:
        """Create an empty backlog with room for some events."""
        self._most = most
        self._ready = EventQueue()
        self._late = EventQueue()  # of tenants that are behind
        self._losses = Losses()
        self._sent: dict[str, _Sent] = {}
        self._behind: set[str] = set()
        self._ready_at: float | None = None  # None if nothing is ready

    def __len__(self) -> int:
        """Return the number of events, without those about losses."""
        return len(self._ready) + len(self._late) + self._in_requests

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over the events; those of a tenant are in order."""
        requests = chain.from_iterable(sent.requests for sent in self._sent.values())
        return chain(chain.from_iterable(requests), self._late, self._ready)

    @property
    def is_empty(self) -> bool:
        """True if nothing is left to be sent."""
        return not self._sent and not self._ready and not self._late and not self._losses.are_there(())

    @property
    def is_full(self) -> bool:
        """True if what is ready fills a request."""
        return len(self._ready) >= _AT_ONCE or self._ready.size >= _BYTES

    @property
    def is_failing(self) -> bool:
        """True if the last attempt of any tenant failed."""
        return any(sent.failures for sent in self._sent.values())

    def add(self, entry: Entry, now: float) -> Entry | None:
        """Add an event; return the event that is lost, and counted, None if there is room."""
        (self._late if entry.tenant in self._behind else self._ready).add(entry)
        lost = None
        if len(self) > self._most:
            late = len(self._late) + self._requests_behind
            queue = self._late if self._late and (2 * late > self._most or not self._ready) else self._ready
            lost = queue.lose()
            self._losses.count(lost.event)
        self._settle(now)
        return lost

    def hurry(self, now: float, tenant: str | None = None) -> None:
        """Let the next attempt be made at once: for one tenant, or for all."""
        for each, sent in self._sent.items():
            if sent.due is not None and tenant in (None, each):
                sent.due = now
        if self._ready_at is not None and tenant not in self._behind:
            self._ready_at = now

    def due_at(self) -> float | None:
        """Return the time of the next attempt; None if there is nothing to send, or it is being sent."""
        times = (self._ready_at, *(sent.due for sent in self._sent.values()))
        return min((time for time in times if time is not None), default=None)

    def next_requests(self, now: float) -> list[list[Entry]]:
        """Return requests to send now, each of one tenant: what is ready, then what is due of tenants that are behind.

        The outcome of each is to be given to ``acknowledge``, ``fail`` or ``divide``.
        """
        most = max(_FEWEST, self._most // 2 - self._in_requests) if self._sent else _AT_ONCE
        most = min(most, _AT_ONCE)
        again = [sent for sent in self._sent.values() if sent.due is not None and sent.due <= now]
        taken = [Entry(event) for event in self._losses.take(most, self._behind)]
        if len(taken) < most:
            taken += self._ready.take(most - len(taken), _BYTES - sum(entry.size for entry in taken))
        new: dict[str, list[Entry]] = {}
        for entry in taken:
            entry.is_sent = True
            new.setdefault(entry.tenant, []).append(entry)
        self._sent |= {tenant: _Sent([entries]) for tenant, entries in new.items()}
        self._settle(now)
        for sent in again:
            sent.due = None
        return [*new.values(), *(sent.requests[0] for sent in again)]

    def acknowledge(self, entries: list[Entry], now: float) -> None:
        """Remove a request."""
        sent = self._sent[entries[0].tenant]
        sent.requests.remove(entries)
        sent.failures, sent.due = 0, now
        self._end_if_empty(entries[0].tenant, now)

    def fail(self, entries: list[Entry], now: float) -> None:
        """Keep a request that was not acknowledged, to be sent again after a pause."""
        sent = self._sent[entries[0].tenant]
        sent.due = now + PAUSES[min(sent.failures, len(PAUSES) - 1)]
        sent.failures += 1
        self._wait_behind(entries[0].tenant)
        self._settle(now)

    def divide(self, entries: list[Entry], now: float) -> int:
        """Replace a request by its halves, or give up an event that is alone; return how many events this loses."""
        tenant, half = entries[0].tenant, len(entries) // 2
        sent = self._sent[tenant]
        at = sent.requests.index(entries)
        sent.requests[at : at + 1] = [entries[:half], entries[half:]] if half else []
        sent.failures, sent.due = 0, now
        lost = 0 if half else self._losses.count(entries[0].event)
        self._wait_behind(tenant)
        self._end_if_empty(tenant, now)
        return lost

    def of_tenant(self, tenant: str) -> list[Entry]:
        """Return the events of a tenant, in order."""
        return [entry for entry in self if entry.tenant == tenant]

    @property
    def _in_requests(self) -> int:
        return sum(len(entries) for sent in self._sent.values() for entries in sent.requests)

    @property
    def _requests_behind(self) -> int:
        return sum(len(entries) for tenant in self._behind for entries in self._sent[tenant].requests)

    def _wait_behind(self, tenant: str) -> None:
        if tenant not in self._behind:
            self._behind.add(tenant)
            for entry in self._ready.take_of(tenant):
                self._late.add(entry)

    def _end_if_empty(self, tenant: str, now: float) -> None:
        if not self._sent[tenant].requests:
            del self._sent[tenant]
            if tenant in self._behind:
                self._behind.remove(tenant)
                for entry in self._late.take_of(tenant):
                    self._ready.add(entry)
                    self._ready_at = now  # it has waited long enough
        self._settle(now)

    def _settle(self, now: float) -> None:
        if not self._ready and not self._losses.are_there(self._behind):
            self._ready_at = None
        elif self._ready_at is None:
            self._ready_at = now + LINGER
