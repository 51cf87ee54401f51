"""Which requests are taken in: decided before their bodies are read, and kept true while those arrive.

A request has a ticket from its admission to its answer. The ticket says how large the request is as far as that is
known: what it declares, then what has arrived of it, then what it has become, inflated and in rows.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from server.admission.fair_share import FairShare
from server.admission.window import AdaptiveWindow
from server.errors.ingest import OverloadedError, OversizedError, RefusedError, StalledError

__all__ = ["MEMORY_FACTOR", "Admission", "AdmissionLimits", "Stop", "Ticket"]

MEMORY_FACTOR = 4
"""How many times its size a request takes of memory, as measured: as it came, in gRPC's hands and in ours, encoded,
in the block that is sent, and what lies between them."""

Stop = Callable[[RefusedError], None]
"""Ends the arrival of a request: its sender is told the error, and what came of it is let go."""

_LEAST_SIZE = 4 << 10  # bytes that a request counts for however small it is, for all the objects around it
_FIRST_GUESS = 1 << 20  # bytes of a request of unknown size, before one was seen
_SLOW = 2.0  # seconds after which an arriving body counts only for what has come of it
_GIVES_WAY = 5.0  # seconds after which it makes room for one more request if there are too many
_LONGEST_ARRIVAL = 60.0  # seconds for a whole body
_GRACE = 1.0  # seconds that a refused client may come later than it was told


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """How much may be in flight.

    Attributes:
        requests: how many requests.
        size: how many bytes they may have together.
        largest: bytes of the largest request that can be taken in even if it is alone.
        remedy: for those who run the server: what to do so that larger requests can be taken.
    """

    requests: int
    size: int
    largest: int
    remedy: str = "raise --memory-limit"


class Admission:
    """Takes requests in, or refuses them. Belongs to one event loop; does no I/O.

    Attributes:
        refused: how many requests were refused so far.
    """

    def __init__(
        self,
        limits: AdmissionLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Begin with nothing in flight.

        Args:
            limits: how much may be in flight.
            clock: tells the time, in seconds.
            uniform: returns a random number between two.
        """
        self._limits = limits
        self._clock = clock
        self._shares = FairShare()
        self._window = AdaptiveWindow(limits.size, uniform)
        self._usual_size = float(_FIRST_GUESS)
        self._deviation = 0.0  # from that, lately
        self._on_their_way = 0  # bytes of requests that have arrived and are not acknowledged
        self._arriving: dict[Ticket, Stop] = {}  # the oldest first
        self._out_of_memory = False
        self.refused = 0

    @property
    def limits(self) -> AdmissionLimits:
        """How much may be in flight."""
        return self._limits

    @property
    def requests(self) -> int:
        """How many requests are in flight."""
        return self._shares.requests

    @property
    def size(self) -> int:
        """How many bytes they count for."""
        return self._shares.size

    @property
    def arriving(self) -> int:
        """How many of them have not arrived as a whole."""
        return len(self._arriving)

    @property
    def window(self) -> int:
        """How many bytes may be in flight as fast as they go through now."""
        return self._window.size

    def admit(self, client: str, size: int | None = None) -> Ticket:
        """Take a request in.

        Args:
            client: who sends it.
            size: its bytes, None if that is not known.

        Raises:
            OverloadedError: there is no room for it now.
            OversizedError: there never will be.
        """
        if size is not None:
            self._check_size(size)
        if size is None:
            size = min(self._limits.largest, int(self._usual_size + 2 * self._deviation))
        counted = max(_LEAST_SIZE, size)
        now = self._clock()
        room = min(self._limits.size, self._window.size)
        if self._out_of_memory and self._shares.requests:
            raise self._refuse(client, now, "the server is short of memory")
        if not self._shares.has_room(client, counted, now, requests=self._limits.requests, room=room):
            if self._shares.requests >= self._limits.requests:
                self._evict_oldest_arrival(now)
            raise self._refuse(client, now, "too many requests are in flight")
        self._shares.take(client, counted)
        return Ticket(self, client, counted, now)

    def expire_slow_arrivals(self) -> None:
        """Let slow arrivals count for what has come of them, and end those that take too long; call it now and then."""
        now = self._clock()
        for ticket, stop in list(self._arriving.items()):
            if now - ticket.since < _SLOW:
                break
            if now - ticket.since > _LONGEST_ARRIVAL:
                stop(StalledError(f"the request did not arrive within {_LONGEST_ARRIVAL:.0f} seconds"))
            elif not ticket.slow:
                ticket.slow = True
                self._count(ticket, max(_LEAST_SIZE, ticket.arrived))

    def short_of_memory(self, short: bool) -> None:
        """Refuse all requests while there is too little memory, but one at a time."""
        self._out_of_memory = short

    def stop_newest(self, count: int) -> None:
        """End the arrival of requests, the newest first: they have the least to lose."""
        for ticket in list(reversed(self._arriving))[:count]:
            error = self._refuse(ticket.client, self._clock(), "the server is short of memory")
            self._arriving[ticket](error)

    def _evict_oldest_arrival(self, now: float) -> None:
        for ticket, stop in self._arriving.items():
            if now - ticket.since > _GIVES_WAY:
                stop(StalledError("the request arrived too slowly, and the server is busy"))
            break

    def _check_size(self, size: int) -> None:
        if size > self._limits.largest:
            raise OversizedError(
                f"the request needs {size} bytes, but this server has memory for {self._limits.largest}: "
                f"send it in smaller batches, or {self._limits.remedy}"
            )

    def _refuse(self, client: str, now: float, reason: str) -> OverloadedError:
        self.refused += 1
        retry_after = self._window.retry_after(self._shares.requests, now)
        self._shares.claim(client, now + retry_after + _GRACE)
        return OverloadedError(f"{reason}: retry in {retry_after:.1f} seconds", retry_after=retry_after)

    def _grow(self, ticket: Ticket, size: int) -> None:
        self._check_size(size)
        larger = size - ticket.size
        if larger > 0 and self._shares.requests > 1 and self._shares.size + larger > self._limits.size:
            raise self._refuse(ticket.client, self._clock(), "there is no room for a request of this size")
        self._count(ticket, max(_LEAST_SIZE, size))

    def _count(self, ticket: Ticket, size: int) -> None:
        self._shares.resize(ticket.client, size - ticket.size)
        if ticket.bytes_ahead:
            self._on_their_way += size - ticket.size
        ticket.size = size

    def _set_out(self, ticket: Ticket) -> None:
        off = ticket.size - self._usual_size
        self._usual_size += off / 16
        self._deviation += (abs(off) - self._deviation) / 16
        self._on_their_way += ticket.size
        ticket.bytes_ahead = self._on_their_way
        ticket.since = self._clock()

    def _acknowledged(self, ticket: Ticket) -> None:
        now = self._clock()
        self._window.on_ack(ticket.size, ticket.bytes_ahead, now - ticket.since, now)

    def _release(self, ticket: Ticket) -> None:
        if ticket.bytes_ahead:
            self._on_their_way -= ticket.size
        self._shares.give_back(ticket.client, ticket.size)


class Ticket:
    """One request that was taken in; gives its room back when the ``with`` block ends.

    Attributes:
        client: who sends it.
        size: bytes that it counts for.
        arrived: bytes of its body that are here.
        since: when it was taken in; from ``mark_submitted`` on, when that was.
        slow: whether it counts only for what has arrived.
        bytes_ahead: bytes that were on their way to storage when it set out, its own included; 0 before that.
    """

    __slots__ = ("_admission", "_released", "arrived", "bytes_ahead", "client", "since", "size", "slow")

    def __init__(self, admission: Admission, client: str, size: int, now: float) -> None:
        self._admission = admission
        self._released = False
        self.client = client
        self.size = size
        self.arrived = 0
        self.since = now
        self.slow = False
        self.bytes_ahead = 0

    @contextlib.contextmanager
    def arriving(self, stop: Stop) -> Iterator[None]:
        """Let the arrival be ended from outside while the block runs.

        Args:
            stop: called, at most a few times, to end it.
        """
        self._admission._arriving[self] = stop
        try:
            yield
        finally:
            del self._admission._arriving[self]

    def received(self, arrived: int) -> None:
        """Note how many bytes of the body are here.

        Raises:
            OverloadedError, OversizedError: more than there is room for.
        """
        self.arrived = arrived
        if arrived > self.size:
            self.reserve(arrived)

    def reserve(self, size: int) -> None:
        """Count the request for what it is, which may be less than was thought.

        Raises:
            OverloadedError: there is no room for it now.
            OversizedError: there never will be.
        """
        if self._released:  # a thread that works on it has not heard yet
            raise StalledError("the sender disconnected")
        if size != self.size:
            self._admission._grow(self, size)

    def mark_submitted(self) -> None:
        """Note that it is here as a whole and on its way to storage."""
        self._admission._set_out(self)

    def acknowledged(self) -> None:
        """Note that it is kept."""
        self._admission._acknowledged(self)

    def timed_out(self) -> None:
        """Note that it was not kept in time."""
        self._admission._window.on_timeout(self.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released = True
        self._admission._release(self)
