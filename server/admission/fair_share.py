"""Who holds how much of what all clients share: as much as one wants, and fair parts once there is too little."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FairShare"]

# Of the room, while somebody waits who was refused: what the others may not take beyond their parts, so that
# whoever comes back finds some of it free.
_KEPT_FREE = 0.25
_MOST_CLAIMS = 4096  # clients that are remembered for having been refused


@dataclass(slots=True)
class _Client:
    """One client: what it holds, and until when it counts as one that waits (0: it does not)."""

    requests: int = 0
    size: int = 0
    waits_until: float = 0.0


class FairShare:
    """Keeps the books of requests and bytes for each client. Pure: told the time, and how much room there is.

    A client that was refused has a claim for a while: it counts among those who share, though it may hold
    nothing. So a greedy one that holds everything is cut down to its part while the others come back. While no one
    has a claim, everything is for everyone.

    Attributes:
        requests: requests in flight.
        size: their bytes.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.size = 0
        self._clients: dict[str, _Client] = {}
        self._waiting: dict[str, None] = {}  # those with a claim, the oldest first

    @property
    def clients(self) -> int:
        """How many clients share: those that hold something, and those with a claim."""
        return len(self._clients)

    def has_room(self, client: str, size: int, now: float, *, requests: int, room: int) -> bool:
        """Tell whether a client may hold one more request.

        Args:
            client: who asks.
            size: bytes of the request.
            now: the time, in seconds.
            requests: how many requests there may be.
            room: how many bytes they may have together; a request that is alone may have more.
        """
        if self.requests == 0:
            return True
        if self.requests >= requests or self.size + size > room:
            return False
        self._forget_claims(now)
        if len(self._waiting) == (client in self._waiting):  # no claims but its own
            return True
        free = 1 - _KEPT_FREE
        if self.requests < free * requests and self.size + size <= free * room:
            return True
        own = self._clients.get(client)
        if own is None or own.requests == 0:
            return True
        sharers = len(self._clients)
        return own.requests < requests / sharers and own.size + size <= room / sharers

    def claim(self, client: str, until: float) -> None:
        """Remember until when a client that was refused counts as one that waits."""
        if client not in self._waiting and len(self._waiting) >= _MOST_CLAIMS:
            self._drop_claim(next(iter(self._waiting)))
        self._clients.setdefault(client, _Client()).waits_until = until
        self._waiting.pop(client, None)
        self._waiting[client] = None

    def take(self, client: str, size: int) -> None:
        """Note a request that a client holds from now on; it waits no more."""
        if client in self._waiting:
            self._drop_claim(client)
        own = self._clients.setdefault(client, _Client())
        own.requests += 1
        own.size += size
        self.requests += 1
        self.size += size

    def resize(self, client: str, by: int) -> None:
        """Note that a request of a client has become larger, or smaller."""
        self._clients[client].size += by
        self.size += by

    def give_back(self, client: str, size: int) -> None:
        """Note that a client holds a request no more."""
        own = self._clients[client]
        own.requests -= 1
        own.size -= size
        self.requests -= 1
        self.size -= size
        if not own.requests and not own.waits_until:
            del self._clients[client]

    def _forget_claims(self, now: float) -> None:
        # The oldest first, as far as they have passed. A later one may pass earlier: it is forgotten a little late.
        while self._waiting and self._clients[oldest := next(iter(self._waiting))].waits_until <= now:
            self._drop_claim(oldest)

    def _drop_claim(self, client: str) -> None:
        del self._waiting[client]
        own = self._clients[client]
        own.waits_until = 0.0
        if not own.requests:
            del self._clients[client]
