"""Queue of events, whose room their actors share: nobody pushes out what others did, or what he did before."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from uuid import uuid4

from server.access.callers import CallerKind
from server.access.networks import network_of
from server.access_log.event import NOBODY, AccessEvent, Actor, Outcome
from server.own_records.sender import NotRecordedError

__all__ = ["LOST", "Entry", "EventQueue", "share_of"]

LOST = "record.lost"
"""Action of the records that say how many events of an actor have no record."""

_MOST_LOSERS = 1024  # actors whose losses are counted apart
_RECORD = 1000  # bytes of a record without its request, about
_LONGEST = 10_000  # characters of a request that are kept
_ANYBODY_ELSE = Actor("anybody else", "server")


@dataclass(slots=True, eq=False)
class Entry:
    """Event in the queue.

    Attributes:
        event: the event.
        waiter: is done when the record is acknowledged, or will not be in time; None if nobody waits.
        time_unix_nano: time of the event.
        record_id: ID of its record.
    """

    event: AccessEvent
    waiter: Future[None] | None = None
    time_unix_nano: int = field(default_factory=time.time_ns)
    record_id: str = field(default_factory=lambda: str(uuid4()))

    def fail(self, error: NotRecordedError) -> None:
        """Notify who waits that there is no record: the call fails, which is what will be recorded of it."""
        if self.waiter is not None:
            waiter, self.waiter = self.waiter, None
            self.event = replace(self.event, outcome=Outcome.FAILED, reason="there was no record of the call in time")
            if waiter.set_running_or_notify_cancel():
                waiter.set_exception(error)

    def succeed(self) -> None:
        """Notify who waits that the record is acknowledged."""
        if self.waiter is not None and self.waiter.set_running_or_notify_cancel():
            self.waiter.set_result(None)

    @property
    def size(self) -> int:
        """Number of bytes of the record, about."""
        return _RECORD + 3 * min(len(self.event.asked), _LONGEST)


def share_of(actor: Actor) -> Hashable:
    """Return what has one share of the room: a caller who is known, an address of local ones, or all unknown ones.

    Addresses of unknown callers have no shares, since one person may have many of them.
    """
    if not actor.kind:
        return None
    if actor.kind == CallerKind.LOCAL.value:
        return actor.kind, network_of(actor.address)
    return actor.tenant, actor.kind, actor.name


class EventQueue:
    """Events in the order in which they were added; not thread-safe.

    If there is no room, the actor with most events loses the newest of them. Losses are counted by actor, and
    events that say how many there were are taken before all others.

    Attributes:
        size: number of bytes of the records of all events, about.
    """

    def __init__(self, most: int) -> None:
        """Create an empty queue.

        Args:
            most: number of events that there may be, with those that are taken and not acknowledged yet.
        """
        self._most = most
        self._entries: OrderedDict[Entry, Hashable] = OrderedDict()
        self._shares: dict[Hashable, deque[Entry]] = {}
        self._by_size: dict[int, dict[Hashable, None]] = {}  # shares by their number of events
        self._largest = 0
        self._losses: dict[Hashable, tuple[Actor, int]] = {}
        self.size = 0

    def __len__(self) -> int:
        """Return the number of events, without those about losses."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over the events, the oldest first."""
        return iter(self._entries)

    @property
    def is_empty(self) -> bool:
        """True if nothing can be taken."""
        return not self._entries and not self._losses

    def add(self, entry: Entry, unacknowledged: int) -> Entry | None:
        """Add an event; return the event that is lost, None if there is room.

        Args:
            entry: the event.
            unacknowledged: number of events that were taken and are not acknowledged.
        """
        share = share_of(entry.event.actor)
        self._entries[entry] = share
        self.size += entry.size
        held = self._shares.setdefault(share, deque())
        held.append(entry)
        self._resize(share, len(held) - 1, len(held))
        if len(self._entries) + unacknowledged <= self._most:
            return None
        noisiest = next(reversed(self._by_size[self._largest]))  # of several, the one that grew last
        lost = self._shares[noisiest][-1]
        self._remove(lost, newest=True)
        self.count_lost(lost.event)
        return lost

    def take(self, most: int, size: int) -> list[Entry]:
        """Remove and return the oldest events, at most so many, and of at most so many bytes if that is several."""
        taken: list[Entry] = []
        for share in list(self._losses)[:most]:
            actor, number = self._losses.pop(share)
            reason = "too many events waited for their records, or the access log refused their records"
            event = AccessEvent(LOST, Outcome.FAILED, actor, category="system", reason=reason, lost=number)
            taken.append(Entry(event))
        room = size - sum(entry.size for entry in taken)
        while self._entries and len(taken) < most:
            entry = next(iter(self._entries))
            room -= entry.size
            if room < 0 and taken:
                break
            self._remove(entry, newest=False)
            taken.append(entry)
        return taken

    def count_lost(self, event: AccessEvent) -> int:
        """Count an event that will have no record, to be told later; return how many events this loses."""
        share, actor = share_of(event.actor), event.actor if event.actor.kind else NOBODY
        if share not in self._losses and len(self._losses) >= _MOST_LOSERS:
            share, actor = (_ANYBODY_ELSE, _ANYBODY_ELSE)
        number = event.lost or 1
        self._losses[share] = actor, self._losses.get(share, (actor, 0))[1] + number
        return number

    def _remove(self, entry: Entry, *, newest: bool) -> None:
        share = self._entries.pop(entry)
        self.size -= entry.size
        held = self._shares[share]
        _ = held.pop() if newest else held.popleft()
        self._resize(share, len(held) + 1, len(held))
        if not held:
            del self._shares[share]

    def _resize(self, share: Hashable, before: int, after: int) -> None:
        if before:
            same = self._by_size[before]
            del same[share]
            if not same:
                del self._by_size[before]
        if after:
            self._by_size.setdefault(after, {})[share] = None
        if after > self._largest or self._largest not in self._by_size:
            self._largest = after  # a share changes by one event, so the largest size does not change by more
