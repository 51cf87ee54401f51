"""Audit records of this process that are on their way, by id. Pure but for futures: it does no I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from server.codec.audit.strict_records import StrictRecord
from server.pipeline.audit_ingest import AuditReceipt

__all__ = ["Flight", "FlightCount", "Flights"]


@dataclass(slots=True, eq=False)
class Flight:
    """A record from its claim until storage knows what became of it; bound to one event loop.

    Attributes:
        record: the record.
        claimed_at: time of its claim in milliseconds since the epoch.
        claim_id: identifier of the claim.
        landed: future that is done once the record is kept, with its receipt, or cancelled once it never will be.
    """

    record: StrictRecord
    claimed_at: int
    claim_id: UUID = field(default_factory=uuid4)
    landed: asyncio.Future[AuditReceipt] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class FlightCount:
    """Number of records of all tenants that are on their way."""

    total: int = 0


class Flights:
    """The records of one tenant that are on their way, at most one of each id; bound to one event loop.

    Attributes:
        live: identifiers of their claims; may be read by other threads.
    """

    def __init__(self, count: FlightCount | None = None) -> None:
        """Begin with no flights.

        Args:
            count: number of the flights of all tenants, which share their memory; None to count only these.
        """
        self._count = count or FlightCount()
        self._by_id: dict[UUID, Flight] = {}
        self._digests: dict[bytes, list[StrictRecord]] = {}
        self.live: set[UUID] = set()

    def __len__(self) -> int:
        """Number of records on their way."""
        return len(self._by_id)

    def of(self, records: Iterable[StrictRecord]) -> Iterator[Flight]:
        """Yield the flights with the ids of records."""
        return (flight for record in records if (flight := self._by_id.get(record.record_id)) is not None)

    def with_digest(self, digest: bytes) -> StrictRecord | None:
        """Return a record with this digest that is on its way, if there is one."""
        return next(iter(self._digests.get(digest, ())), None)

    def begin(self, records: Iterable[StrictRecord], claimed_at: int) -> list[Flight]:
        """Begin the flights of records of whose ids none is on its way."""
        flights = [Flight(record, claimed_at) for record in records]
        self._count.total += len(flights)
        for flight in flights:
            self._by_id[flight.record.record_id] = flight
            self._digests.setdefault(flight.record.digest, []).append(flight.record)
            self.live.add(flight.claim_id)
        return flights

    def land(self, flight: Flight, receipt: AuditReceipt) -> None:
        """Note that a record is kept; its flight goes on until storage knows it (``end``)."""
        if not flight.landed.done():
            flight.landed.set_result(receipt)

    def fail(self, flights: Sequence[Flight]) -> None:
        """Note that records will never be kept; whoever waits for them tries for itself."""
        for flight in flights:
            flight.landed.cancel()
            self.end(flight)

    def end(self, flight: Flight) -> None:
        """End a flight, if it has not ended yet."""
        if flight.claim_id not in self.live:
            return
        self.live.remove(flight.claim_id)
        self._count.total -= 1
        del self._by_id[flight.record.record_id]
        self._digests[flight.record.digest].remove(flight.record)
        if not self._digests[flight.record.digest]:
            del self._digests[flight.record.digest]
