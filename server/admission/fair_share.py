"""Fair sharing between clients: no limit per client until there is too little room, then equal parts."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FairShare"]

# Of the room, while somebody waits who was refused: what the others may not take beyond their parts, so that
# whoever comes back finds some of it free.
_KEPT_FREE = 0.25
_MOST_CLAIMS = 4096  # clients that are remembered for having been refused


@dataclass(slots=True)
class _Client:
    """One client: what it holds, and until when its claim lasts (0: no claim)."""

    requests: int = 0
    size: int = 0
    waits_until: float = 0.0


class FairShare:
    """Per-client accounting of requests and bytes. Pure: the time and the available room are arguments.

    A client that was refused has a claim for a while: it counts among the sharing clients, although it may hold
    nothing. So a client that holds everything is reduced to its share while the others return. While no client
    has a claim, any client may use all the room.

    Attributes:
        requests: number of requests in flight.
        size: bytes reserved for them.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.size = 0
        self._clients: dict[str, _Client] = {}
        self._waiting: dict[str, None] = {}  # those with a claim, the oldest first

    @property
    def clients(self) -> int:
        """Number of sharing clients: those that hold something, and those with a claim."""
        return len(self._clients)

    def has_room(self, client: str, size: int, now: float, *, requests: int, room: int) -> bool:
        """Return whether a client may hold one more request.

        Args:
            client: the client.
            size: size of the request in bytes.
            now: the time, in seconds.
            requests: maximum number of requests in flight.
            room: maximum bytes of all requests in flight; a single request may exceed it.
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
        """Record the claim of a client that was refused, and until when it lasts."""
        if client not in self._waiting and len(self._waiting) >= _MOST_CLAIMS:
            self._drop_claim(next(iter(self._waiting)))
        self._clients.setdefault(client, _Client()).waits_until = until
        self._waiting.pop(client, None)
        self._waiting[client] = None

    def take(self, client: str, size: int) -> None:
        """Record an admitted request of a client, which ends the client's claim."""
        if client in self._waiting:
            self._drop_claim(client)
        own = self._clients.setdefault(client, _Client())
        own.requests += 1
        own.size += size
        self.requests += 1
        self.size += size

    def resize(self, client: str, by: int) -> None:
        """Record a change in size of a client's request."""
        self._clients[client].size += by
        self.size += by

    def give_back(self, client: str, size: int) -> None:
        """Record the end of a client's request."""
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
