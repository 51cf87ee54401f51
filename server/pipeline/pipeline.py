"""The way of a request: admitted, encoded, gathered, committed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.errors import OverloadedError, RefusedError, ShuttingDownError, StorageRefusedError
from server.pipeline.rows import Codec, Rows

__all__ = ["Pipeline"]

_ENCODERS = 2  # requests encoded at the same time
# How many times its size a request holds, as measured: as it came, in gRPC's hands and in ours, encoded, in
# the block that is sent, and what lies between them.
_TIMES_HELD = 4


class Pipeline:
    """Takes requests from all receivers; implements ``Ingest``. Lives on one event loop."""

    def __init__(self, codec: Codec, clock: Clock, *, memory_limit: int, ack_timeout: float) -> None:
        """Make a pipeline that refuses requests until it is started.

        Args:
            codec: encodes requests.
            clock: tells when they are received.
            memory_limit: bytes that requests may hold between receipt and commit.
            ack_timeout: seconds after which a request that is not committed is refused.
        """
        self._codec = codec
        self._batchers: Mapping[Stream, Batcher] = {}
        self._started = False
        self._memory_limit = memory_limit
        self._ack_timeout = ack_timeout
        self._clock = clock
        self._encoders = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encode")
        self._held = 0
        self._closing = False

    def prepare(self, batchers: Mapping[Stream, Batcher]) -> None:
        """Give it the batcher of each stream."""
        self._batchers = batchers

    def start(self) -> None:
        """Begin to take requests, once it is prepared."""
        self._started = True
        for batcher in self._batchers.values():
            batcher.start()

    async def submit(self, request: bytes) -> None:
        """Encode, store and sign a request; return when all of its records are committed.

        Args:
            request: a serialized ``ExportLogsServiceRequest``.

        Raises:
            MalformedRequestError: the bytes are no such request.
            RefusedError: not committed; to be sent again.
        """
        if self._closing:
            raise ShuttingDownError("the server is shutting down")
        if not self._started:
            raise StorageRefusedError("the server waits for storage", retry_after=5.0)
        held = _TIMES_HELD * len(request)
        if self._held and self._held + held > self._memory_limit:
            raise OverloadedError("too many requests are waiting to be committed")
        self._held += held
        try:
            await self._store(request)
        finally:
            self._held -= held

    async def _store(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        parts, digest = await loop.run_in_executor(self._encoders, self._encode, request, self._clock.now())
        tickets: list[asyncio.Future[None]] = []
        try:
            for rows in parts:
                tickets.append(self._batchers[rows.stream].add(rows, digest))  # noqa: PERF401 - known if one is refused
        except RefusedError:
            for ticket in tickets:
                ticket.cancel()
            raise
        if not tickets:
            return
        committed = asyncio.gather(*tickets)
        try:
            await asyncio.wait_for(committed, self._ack_timeout)
        except TimeoutError as error:
            raise StorageRefusedError("storage did not commit the request in time", retry_after=5.0) from error

    def _encode(self, request: bytes, received: int) -> tuple[list[Rows], bytes]:
        return self._codec.encode(request, received), sha256(request).digest()

    async def close(self) -> None:
        """Refuse new requests, commit those that were taken, then end."""
        self._closing = True
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))
        self._encoders.shutdown(wait=False)
