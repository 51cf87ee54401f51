"""The way of a request: admitted, encoded, gathered, committed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from server.notary.origin import Stream
from server.pipeline.admission import Admission, Ticket
from server.pipeline.batcher import Batcher
from server.pipeline.errors import ShuttingDownError, StorageRefusedError
from server.pipeline.rows import Codec

__all__ = ["Clock", "Pipeline"]

_ENCODERS = 2  # requests encoded at the same time


class Clock:
    """Time in nanoseconds since the epoch that never goes back, whatever the system clock does."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Return the time."""
        self._last = max(self._last, time.time_ns())
        return self._last


class Pipeline:
    """Takes requests from all receivers; implements ``Ingest``. Lives on one event loop."""

    def __init__(
        self, codec: Codec, batchers: Mapping[Stream, Batcher], admission: Admission, *, ack_timeout: float
    ) -> None:
        """Join the parts.

        Args:
            codec: encodes requests.
            batchers: the batcher of each stream.
            admission: decides which requests are taken in.
            ack_timeout: seconds after which a request that is not committed is refused.
        """
        self._codec = codec
        self._batchers = batchers
        self._admission = admission
        self._ack_timeout = ack_timeout
        self._clock = Clock()
        self._encoders = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encode")
        self._closing = False

    def start(self) -> None:
        """Begin to take requests."""
        for batcher in self._batchers.values():
            batcher.start()

    @property
    def largest(self) -> int:
        """Bytes of the largest request that can be taken in."""
        return self._admission.limits.largest

    def admit(self, client: str, size: int | None = None) -> Ticket:
        """Decide whether a request is taken in; see ``Ingest``.

        Raises:
            OversizedError: it can never be taken in.
            RefusedError: not now; to be sent again.
        """
        self._check_open()
        return self._admission.admit(client, size)

    async def submit(self, request: bytes, ticket: Ticket) -> None:
        """Encode, store and sign a request; return when all of its records are committed; see ``Ingest``.

        Raises:
            MalformedRequestError: the bytes are no such request.
            OversizedError: its rows can never be held in memory.
            RefusedError: not committed; to be sent again.
        """
        self._check_open()
        ticket.hold(len(request))
        ticket.set_out()
        await self._store(request, ticket)
        ticket.acknowledged()

    def _check_open(self) -> None:
        if self._closing:
            raise ShuttingDownError("the server is shutting down")

    async def _store(self, request: bytes, ticket: Ticket) -> None:
        loop = asyncio.get_running_loop()
        parts = await loop.run_in_executor(self._encoders, self._codec.encode, request, self._clock.now())
        # Rows repeat what their resources and scopes say, so they may be larger than the request by far.
        ticket.hold(max(len(request), sum(rows.size for rows in parts)))
        tickets = [self._batchers[rows.stream].add(rows) for rows in parts]
        if not tickets:
            return
        try:
            async with asyncio.timeout(self._ack_timeout):
                await asyncio.gather(*tickets)
        except TimeoutError as error:
            ticket.stood_still()
            raise StorageRefusedError("storage did not commit the request in time", retry_after=5.0) from error

    async def close(self) -> None:
        """Refuse new requests, commit those that were taken, then end."""
        self._closing = True
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))
        self._encoders.shutdown(wait=False)
