"""The gate of audit records that get one row for each id: claimed, and only then sent down the pipeline.

A request that ``checking`` has checked claims the ids of its records, and continues with those that are new. What
storage has with the same digest is answered with its receipt. The claim of a record that may still be committed is
kept, whatever its sender was told: a retry waits for the outcome.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

from server.admission.admission import Ticket
from server.audit_ids.answers import check_same, claimed_error, known_receipts
from server.audit_ids.chains import KINDS, chain_breaks, links_of
from server.audit_ids.claims import Claims, Round
from server.audit_ids.flights import Flight, Flights
from server.audit_ids.ledger import ClaimLedger
from server.audit_ids.rounds import Rounds
from server.audit_ids.threads import AuditThreads
from server.codec.annotations import annotation
from server.codec.audit.strict_records import (
    StrictRecord,
    StrictRequest,
)
from server.codec.provenance import Provenance
from server.codec.rows import received_at
from server.errors.ingest import JournalFailedError, OverloadedError, ShuttingDownError
from server.notary.origin import Stream
from server.pipeline.audit_ingest import AuditReceipt
from server.pipeline.pipeline import Kept, Part, Pipeline
from storage.audit_ids import DIGEST_MEMBER, IdRow, IdState

__all__ = ["AuditGate"]

_T = TypeVar("_T")

_MOST = 200_000  # records of all tenants on their way

_Breaks = Mapping[int, Mapping[str, Any]]


class AuditGate:
    """The gate of one tenant in one process, in front of its pipeline. Bound to one event loop."""

    def __init__(
        self,
        pipeline: Pipeline,
        claims: Claims,
        threads: AuditThreads,
        stored_size: Callable[[], int],
        now: Callable[[], int],
        *,
        ack_timeout: float,
    ) -> None:
        """Open the gate; ``run`` must run beside it.

        Args:
            pipeline: the pipeline.
            claims: the claims of this process.
            threads: the threads of all gates.
            stored_size: function that returns the number of entries that the audit log has in storage.
            now: function that returns the time of receipt in nanoseconds since the epoch.
            ack_timeout: seconds that a request waits for another one with the same ids.
        """
        self._pipeline = pipeline
        self._now = now
        self._ack_timeout = ack_timeout
        self._flights = Flights(threads.flights)
        self._threads = threads
        self._rounds = Rounds(claims, threads.claiming)
        self._ledger = ClaimLedger(claims, self._flights, threads.ending, stored_size, now)
        self._doubtful: list[Flight] = []
        self.chain_breaks: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        """Number of records so far whose producer's chain is broken, by the kind of break."""

    async def run(self) -> None:
        """Store what became of claims; never ends."""
        await self._ledger.run()

    async def flush(self) -> None:
        """Store what became of claims so far; raises StorageError."""
        await self._ledger.flush()

    @property
    def waiting(self) -> int:
        """Number of records on their way, until storage knows what became of their claims."""
        return len(self._flights)

    async def store(
        self,
        checked: StrictRequest,
        ticket: Ticket,
        arrived: float,
        provenance: Provenance,
        streams: frozenset[Stream] | None,
    ) -> Sequence[AuditReceipt]:
        """Store and sign a request with audit records; return their receipts.

        Args:
            checked: the request, which has audit records.
            ticket: ticket of the request.
            arrived: time of its arrival, by the clock of the event loop.
            provenance: the tenant and the sender of the records.
            streams: the streams that the sender may write to; None for all.

        Raises:
            AuditRecordConflictError, AuditRecordClaimedError, MalformedRequestError, RefusedError: as
                ``AuditIngest.submit_audit``.
        """
        receipts = await self._landed(checked.records, arrived + self._ack_timeout)
        fresh = [record for record in checked.records if record.record_id not in receipts]
        if self._threads.flights.total + len(fresh) > _MOST:
            raise OverloadedError("too many audit records are on their way", retry_after=2.0)
        # Nothing is awaited between the look at what is on its way and this.
        flights = self._flights.begin(fresh, self._now() // 10**6)
        try:
            found = await self._claim(flights)
            receipts |= known_receipts([flight.record for flight in flights], found)
            if receipts:  # the pipeline examines only what is new
                await self._pipeline.examine(checked.with_only(receipts))
        except BaseException:
            self._ledger.release(flights)
            raise
        self._ledger.release([flight for flight in flights if flight.record.record_id in receipts])
        flights = [flight for flight in flights if flight.record.record_id not in receipts]
        if flights or checked.has_others:
            waited = asyncio.get_running_loop().time() - arrived
            broken = self._broken(checked, flights, found)
            receipts |= await self._submit(checked, flights, broken, ticket, waited, provenance, streams)
        return [receipts[record.record_id] for record in checked.records]

    async def _landed(self, records: Sequence[StrictRecord], deadline: float) -> dict[UUID, AuditReceipt]:
        """Wait until none of these ids is on its way, until a deadline; return the receipts of those that are kept.

        Raises:
            AuditRecordConflictError: another record is kept under an id.
            AuditRecordClaimedError: an id is on its way for too long.
        """
        by_id = {record.record_id: record for record in records}
        clock = asyncio.get_running_loop().time
        while True:
            flights = list(self._flights.of(records))
            pending = [flight.landed for flight in flights if not flight.landed.done()]
            if not pending:
                break
            _, late = await asyncio.wait(pending, timeout=deadline - clock())
            if late:
                flight = next(flight for flight in flights if flight.landed in late)
                raise claimed_error(by_id[flight.record.record_id])
        receipts = {flight.record.record_id: flight.landed.result() for flight in flights}
        for record_id, receipt in receipts.items():
            check_same(by_id[record_id], receipt.integrity_hash)
        return receipts

    async def _claim(self, flights: Sequence[Flight]) -> Round:
        if not flights:
            return Round()
        rows: list[IdRow] = [self._ledger.row(flight, IdState.CLAIMED) for flight in flights]
        chains = [flight.record.chain for flight in flights]
        links = [link for row, chain in zip(rows, chains, strict=True) for link in links_of(row, chain, IdState.LINK)]
        previous = frozenset(chain.predecessor for chain in chains if chain is not None and chain.predecessor)
        return await self._rounds.claim(rows, links, previous)

    async def _submit(
        self,
        checked: StrictRequest,
        flights: Sequence[Flight],
        broken: _Breaks,
        ticket: Ticket,
        waited: float,
        provenance: Provenance,
        streams: frozenset[Stream] | None,
    ) -> dict[UUID, AuditReceipt]:
        """Send new records, and those that are not audit records, down the pipeline; return the receipts.

        Args:
            checked: the request.
            flights: the new records, in order.
            broken: breaks of their producers' chains, by their places.
            ticket: ticket of the request.
            waited: seconds that the request has waited for its ids.
            provenance: the tenant and the sender of the records.
            streams: the streams that the sender may write to; None for all.
        """
        receipts: dict[UUID, AuditReceipt] = {}

        def kept(where: Kept) -> None:
            for number, flight in enumerate(flights):
                received = received_at(where.received, number)
                receipt = self._ledger.keep(flight, where.first_leaf + number, received)
                receipts[receipt.record_id] = receipt
            self.chain_breaks.update(kind for breaks in broken.values() for kind in breaks)
            self._end_doubt()

        digest = uuid4().bytes + uuid4().bytes  # its own: a retry never reaches the pipeline while this is open
        parts: list[Part] = []
        if flights:
            new = checked.with_only({flight.record.record_id for flight in flights})
            annotations = [annotation(number, "audit_chain", breaks) for number, breaks in broken.items()]
            digests = [flight.record.digest.hex() for flight in flights]
            annotations += [annotation(at, DIGEST_MEMBER, {"sha256": digest}) for at, digest in enumerate(digests)]
            parts.append(
                Part(new, annotations, native=True, digest=digest, kept=kept, waited=waited, provenance=provenance)
            )
        if checked.has_others:
            parts.append(Part(checked.without_audit(), provenance=provenance, streams=streams))
        try:
            await self._pipeline.submit_parts(parts, ticket)
        except BaseException as error:
            # Later, when the pipeline has noted what it has left behind.
            asyncio.get_running_loop().call_soon(self._left, digest, flights, error)
            raise
        return receipts

    def _left(self, digest: bytes, flights: Sequence[Flight], error: BaseException) -> None:
        """Find out what became of records whose sender got an error."""
        outcome = self._pipeline.take_left(digest)
        if not flights or flights[0].landed.done():
            return
        if outcome is not None:
            outcome.add_done_callback(partial(self._settled, flights))
        elif isinstance(error, JournalFailedError):
            # The disk may have kept them, and the next start would store them. The journal accepts nothing before it
            # has removed them.
            self._doubtful += flights
        else:
            self._ledger.release(flights)

    def _settled(self, flights: Sequence[Flight], outcome: asyncio.Future[None]) -> None:
        if flights[0].landed.done():
            return
        error = outcome.exception()
        if error is None:
            self._ledger.look_up(flights)
        elif not isinstance(error, ShuttingDownError):  # otherwise it is not known: the next start finds out
            self._ledger.release(flights)

    def _end_doubt(self) -> None:
        doubtful, self._doubtful = self._doubtful, []
        self._ledger.release(doubtful)

    def _broken(self, checked: StrictRequest, flights: Sequence[Flight], found: Round) -> _Breaks:
        """Return the breaks of the chains of new records, by their places."""
        near = {record.digest: record for record in checked.records}
        broken: dict[int, dict[str, Any]] = {}
        for number, flight in enumerate(flights):
            digest = flight.record.chain.predecessor if flight.record.chain is not None else b""
            if digest not in near and (other := self._flights.with_digest(digest)) is not None:
                near[digest] = other
            if breaks := chain_breaks(flight.record, found.chains, near):
                broken[number] = breaks
        return broken
