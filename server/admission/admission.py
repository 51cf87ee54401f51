"""Admission control (load shedding): requests are admitted or refused before their bodies are read.

A request has a ticket from its admission to its answer. The ticket holds the size of the request as far as it is
known: the declared size, then the bytes that have arrived, then the size after decompression and as rows.
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
"""Number of times its size a request takes of memory, as measured: as it came, in gRPC's hands and in ours, encoded,
in the block that is sent, and what lies between them."""

Stop = Callable[[RefusedError], None]
"""Ends the arrival of a request: its sender gets the error, and the received bytes are released."""

_LEAST_SIZE = 4 << 10  # bytes that a request counts for however small it is, for all the objects around it
_FIRST_GUESS = 2 << 20  # bytes of a request of unknown size, before one was seen
_SLOW = 2.0  # seconds after which an arriving body counts only for what has come of it
_GIVES_WAY = 5.0  # seconds after which it makes room for one more request if there are too many
_LONGEST_ARRIVAL = 60.0  # seconds for a whole body
_GRACE = 1.0  # seconds by which a refused client's retry may be late


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Limits on requests in flight.

    Attributes:
        requests: maximum number of requests.
        size: maximum total size of the requests, in bytes.
        largest: size of the largest request that can be admitted when it is alone, in bytes.
        remedy: advice to operators for accepting larger requests.
    """

    requests: int
    size: int
    largest: int
    remedy: str = "raise --memory-limit"


class Admission:
    """Admits or refuses requests. Belongs to one event loop; does no I/O.

    Attributes:
        refused: number of requests refused so far.
    """

    def __init__(
        self,
        limits: AdmissionLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Start with nothing in flight.

        Args:
            limits: limits on requests in flight.
            clock: returns the time, in seconds.
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
        """Limits on requests in flight."""
        return self._limits

    @property
    def requests(self) -> int:
        """Number of requests in flight."""
        return self._shares.requests

    @property
    def size(self) -> int:
        """Bytes reserved for requests in flight."""
        return self._shares.size

    @property
    def arriving(self) -> int:
        """Number of requests that have not arrived completely."""
        return len(self._arriving)

    @property
    def window(self) -> int:
        """Current size of the adaptive window, in bytes."""
        return self._window.size

    def admit(self, client: str, size: int | None = None) -> Ticket:
        """Admit a request.

        Args:
            client: the client that sends it.
            size: its size in bytes, None if unknown.

        Raises:
            OverloadedError: there is no room for the request at the moment.
            OversizedError: there can never be room for the request.
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
        """Reduce slow arrivals to their received bytes, and end those that exceed the time limit; call periodically."""
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
        """Admit only one request at a time while memory is short."""
        self._out_of_memory = short

    def stop_newest(self, count: int) -> None:
        """End the arrival of requests, the newest first: they lose the least."""
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
    """Reservation of one admitted request, released when the ``with`` block ends.

    Attributes:
        client: the client that sends it.
        size: bytes reserved for it.
        arrived: bytes of its body received so far.
        since: time of admission; from ``mark_submitted`` on, time of submission.
        slow: True if only the received bytes count.
        bytes_ahead: bytes on their way to storage at submission, including its own; 0 before that.
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
        """Allow the arrival to be ended from outside while the block runs.

        Args:
            stop: called to end the arrival, possibly several times.
        """
        self._admission._arriving[self] = stop
        try:
            yield
        finally:
            del self._admission._arriving[self]

    def received(self, arrived: int) -> None:
        """Record how many bytes of the body have been received.

        Raises:
            OverloadedError, OversizedError: there is no room for so many bytes.
        """
        self.arrived = arrived
        if arrived > self.size:
            self.reserve(arrived)

    def reserve(self, size: int) -> None:
        """Reserve the actual size of the request, which may be less than assumed.

        Raises:
            OverloadedError: there is no room for the request at the moment.
            OversizedError: there can never be room for the request.
        """
        if self._released:  # a thread that works on it has not heard yet
            raise StalledError("the sender disconnected")
        if size != self.size:
            self._admission._grow(self, size)

    def mark_submitted(self) -> None:
        """Record that the request is complete and on its way to storage."""
        self._admission._set_out(self)

    def acknowledged(self) -> None:
        """Record that the request was committed."""
        self._admission._acknowledged(self)

    def timed_out(self) -> None:
        """Record that the request was not committed in time."""
        self._admission._window.on_timeout(self.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released = True
        self._admission._release(self)
