"""Queue of events, whose room their actors share: nobody pushes out what others did, or what he did before."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator

from server.access.callers import CallerKind
from server.access.networks import network_of
from server.access_log.entry import Entry
from server.access_log.event import Actor

__all__ = ["EventQueue", "share_of"]


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

    Attributes:
        size: number of bytes of the records of all events, about.
    """

    def __init__(self) -> None:
        """Create an empty queue."""
        self._entries: OrderedDict[Entry, Hashable] = OrderedDict()
        self._shares: dict[Hashable, deque[Entry]] = {}
        self._by_size: dict[int, dict[Hashable, None]] = {}  # shares by their number of events
        self._largest = 0
        self.size = 0

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over the events, the oldest first."""
        return iter(self._entries)

    def add(self, entry: Entry) -> None:
        """Add an event, the newest of all."""
        share = share_of(entry.event.actor)
        self._entries[entry] = share
        self.size += entry.size
        held = self._shares.setdefault(share, deque())
        held.append(entry)
        self._resize(share, len(held) - 1, len(held))

    def lose(self) -> Entry:
        """Remove and return the newest event of the actor with most events; there must be one."""
        noisiest = next(reversed(self._by_size[self._largest]))  # of several, the one that grew last
        lost = self._shares[noisiest][-1]
        self._remove(lost, newest=True)
        return lost

    def take(self, most: int, size: int) -> list[Entry]:
        """Remove and return the oldest events, at most so many, and of at most so many bytes if that is several."""
        taken: list[Entry] = []
        while self._entries and len(taken) < most:
            entry = next(iter(self._entries))
            size -= entry.size
            if size < 0 and taken:
                break
            self._remove(entry, newest=False)
            taken.append(entry)
        return taken

    def take_of(self, tenant: str) -> list[Entry]:
        """Remove and return all events of a tenant, the oldest first."""
        entries = list(self._entries)
        taken = [entry for entry in entries if entry.tenant == tenant]
        if taken:
            self._clear()
            for entry in entries:
                if entry.tenant != tenant:
                    self.add(entry)
        return taken

    def _clear(self) -> None:
        self._entries.clear()
        self._shares.clear()
        self._by_size.clear()
        self._largest = self.size = 0

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
