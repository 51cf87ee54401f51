"""Ends of claims, which are stored in the background: senders do not wait for that.

A process that ends before storage has them loses nothing: the next process of the same writer finds the open claims,
and settles them by what the log has.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from server.audit_ids.chains import links_of
from server.audit_ids.claims import Claims
from server.audit_ids.flights import Flight, Flights
from server.pipeline.audit_ingest import AuditReceipt
from server.retry.backoff import backoff
from server.retry.trouble import Trouble
from storage.audit_ids import IdRow, IdState
from storage.errors import StorageError

__all__ = ["ClaimLedger"]

_logger = logging.getLogger(__name__)

_LOOK_AGAIN = 0.1  # seconds between looks whether journaled records are stored
_LINGER = 0.05  # seconds: senders send again now, and their claims go first
_SETTLE_AGAIN = 60.0  # seconds between looks at open claims that nobody ends
_MOST_AT_ONCE = 20_000  # rows of one INSERT


class ClaimLedger:
    """Ends of the claims of one process; bound to one event loop."""

    def __init__(
        self, claims: Claims, flights: Flights, thread: Executor, stored_size: Callable[[], int], now: Callable[[], int]
    ) -> None:
        """Start empty.

        Args:
            claims: the claims.
            flights: the records on their way; each flight of a kept record ends here.
            thread: executor in which storage is written to.
            stored_size: function that returns the number of entries that the log has in storage.
            now: function that returns the time in nanoseconds since the epoch.
        """
        self._claims = claims
        self._flights = flights
        self._thread = thread
        self._stored_size = stored_size
        self._now = now
        self._released: deque[IdRow] = deque()
        self._kept: deque[tuple[Flight, IdRow]] = deque()
        self._unplaced: list[Flight] = []
        self._changed = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._trouble = Trouble(_logger, "ends of claims of audit ids wait", "ends of claims of audit ids are stored")

    def row(self, flight: Flight, state: IdState) -> IdRow:
        """Return the row of a flight's claim."""
        me, record = self._claims.me, flight.record
        of_claim = record.record_id, flight.claim_id, state, record.digest
        return IdRow(*of_claim, me.origin, me.instance, flight.claimed_at, tenant=me.tenant)

    def release(self, flights: Sequence[Flight]) -> None:
        """End flights without records."""
        for flight in flights:
            row = self.row(flight, IdState.RELEASED)
            self._released += [row, *links_of(row, flight.record.chain, IdState.RELEASED)]
        self._flights.fail(flights)
        self._changed.set()

    def keep(self, flight: Flight, leaf_index: int, received: int) -> AuditReceipt:
        """Note where a record is kept, and return its receipt."""
        row = replace(self.row(flight, IdState.STORED), leaf_index=leaf_index, ingested_at=received)
        receipt = AuditReceipt(row.record_id, row.digest, received, row.origin, leaf_index)
        self._flights.land(flight, receipt)
        self._kept.append((flight, row))
        self._changed.set()
        return receipt

    def look_up(self, flights: Sequence[Flight]) -> None:
        """Note that records are in storage, at places that are not known yet."""
        self._unplaced.extend(flights)
        self._changed.set()

    async def run(self) -> None:
        """Store what became of claims as it is noted, and settle claims that nobody ends; never ends."""
        pauses = backoff(0.1, 5.0)
        settled = -_SETTLE_AGAIN
        while True:
            self._changed.clear()
            try:
                waiting = await self.flush()
                if time.monotonic() - settled >= _SETTLE_AGAIN:
                    await self._settle_earlier()
                    settled = time.monotonic()
            except StorageError as error:
                self._trouble.goes_on(str(error))
                await asyncio.sleep(next(pauses))
                continue
            pauses = backoff(0.1, 5.0)
            self._trouble.ends()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _LOOK_AGAIN if waiting else _SETTLE_AGAIN)
            await asyncio.sleep(_LINGER)

    async def flush(self) -> bool:
        """Store what became of claims; return whether some kept records are not in storage yet.

        Raises:
            StorageError: storage does not take it now.
        """
        async with self._flushing:
            return await self._flush()

    async def _flush(self) -> bool:
        await self._find_places()
        while batch := self._next():
            ended = [row for _, row in batch]
            await asyncio.get_running_loop().run_in_executor(self._thread, self._claims.insert, ended)
            for flight, _ in batch:
                if flight is None:
                    self._released.popleft()
                else:
                    self._kept.popleft()
                    self._flights.end(flight)
        return bool(self._kept)

    def _next(self) -> list[tuple[Flight | None, IdRow]]:
        size = self._stored_size()
        batch: list[tuple[Flight | None, IdRow]] = [(None, row) for row in self._released]
        for flight, row in self._kept:  # in the order of their leaves
            if row.leaf_index >= size or len(batch) >= _MOST_AT_ONCE:
                break
            batch.append((flight, row))
        return batch[:_MOST_AT_ONCE]

    async def _find_places(self) -> None:
        if not self._unplaced:
            return
        unplaced, self._unplaced = self._unplaced, []
        ids = [flight.record.record_id for flight in unplaced]
        find = partial(self._claims.find, ids, min(flight.claimed_at for flight in unplaced))
        try:
            places = await asyncio.get_running_loop().run_in_executor(self._thread, find)
        except BaseException:
            self._unplaced += unplaced
            raise
        for flight in unplaced:
            place = places.get((flight.record.record_id, flight.record.digest))
            if place is None:
                _logger.error("an audit record whose batch was committed is not found; its id stays claimed")
            else:
                self.keep(flight, place.leaf_index, place.ingested_at)

    async def _settle_earlier(self) -> None:
        before = self._now() // 10**6 - round(_SETTLE_AGAIN * 1000)
        work = partial(self._claims.settle_earlier, self._flights.live.__contains__, before)
        if count := await asyncio.get_running_loop().run_in_executor(self._thread, work):
            _logger.info("%d claims of audit ids that nothing was on its way for were settled", count)
