"""The path of a request: admission, encoding, gathering, commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256

from server.admission.admission import Admission, Ticket
from server.codec.disclosures import Disclosure
from server.codec.rows import Codec, Rows
from server.codec.signals import Signal
from server.errors.ingest import ShuttingDownError, StorageRefusedError
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.receipt_order import ReceiptOrder

__all__ = ["Components", "Pipeline"]

_ENCODERS = 2  # requests encoded at the same time


@dataclass(frozen=True, slots=True)
class Components:
    """Parts of a pipeline.

    Attributes:
        codec: codec that encodes requests.
        batchers: batcher of each stream.
        admission: admission control of requests.
        not_ready: function that returns why the parts behind the pipeline cannot keep records, empty if they can; must
            not block.
        redacted: function that is called with the redactions of records that were kept; see ``Rows``.
        disclose: stores the disclosures of a request, which was received at a time in nanoseconds since the epoch.
    """

    codec: Codec
    batchers: Mapping[Stream, Batcher]
    admission: Admission
    not_ready: Callable[[], str] = str
    redacted: Callable[[Sequence[tuple[str, int]]], object] = len
    disclose: Callable[[Sequence[Disclosure], int], Awaitable[None]] | None = None


class Pipeline:
    """Pipeline of the requests from all receivers; implements ``Ingest``. Bound to one event loop."""

    def __init__(self, clock: Clock, *, ack_timeout: float, waits_for: Callable[[], str] = str) -> None:
        """Create a pipeline that refuses requests until it is started.

        Args:
            clock: clock for times of receipt.
            ack_timeout: seconds after which a request that is not committed is refused.
            waits_for: function that returns why the pipeline is not started yet, if that is known; must not block.
        """
        self._clock = clock
        self._ack_timeout = ack_timeout
        self._waits_for = waits_for
        self._components: Components | None = None
        self._order = ReceiptOrder()
        self._encoders = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encode")
        self._closing = False

    def start(self, components: Components) -> None:
        """Start to accept requests."""
        self._components = components
        for batcher in components.batchers.values():
            batcher.start()

    def use_codec(self, codec: Codec) -> None:
        """Encode the requests that follow with another codec; thread-safe."""
        components = self._components
        if components is not None:
            self._components = replace(components, codec=codec)

    def not_ready(self) -> str:
        """Return why records cannot be acknowledged, empty if they can; thread-safe, does not block."""
        if self._closing:
            return "the server is shutting down"
        if self._components:
            return self._components.not_ready()
        return f"the server is starting: {self._waits_for() or 'waiting for storage'}"

    def admit(self, client: str, size: int | None = None) -> Ticket:
        """Admit a request; see ``Ingest``.

        Raises:
            OversizedError: the request can never be admitted.
            RefusedError: the request is not admitted now; the sender should retry.
        """
        return self._open().admission.admit(client, size)

    async def submit(self, request: bytes, ticket: Ticket, signal: Signal = Signal.LOGS) -> None:
        """Encode, store and sign a request; return when all of its records or spans are committed; see ``Ingest``.

        Raises:
            MalformedRequestError: the bytes are not a request of the signal.
            OversizedError: the request's rows need more memory than the limit.
            RefusedError: the request was not committed; the sender should retry.
        """
        components = self._open()
        ticket.reserve(len(request))
        ticket.mark_submitted()
        await self._store(components, request, ticket, signal)
        ticket.acknowledged()

    def _open(self) -> Components:
        if self._closing:
            raise ShuttingDownError(self.not_ready())
        if self._components is None:
            public = "the server is starting, and waits for storage"
            raise StorageRefusedError(self.not_ready(), retry_after=5.0, public=public)
        return self._components

    async def _store(self, components: Components, request: bytes, ticket: Ticket, signal: Signal) -> None:
        codec = components.codec
        encode_request = codec.encode if signal is Signal.LOGS else codec.encode_spans

        def encode(received: int) -> tuple[list[Rows], bytes]:
            return encode_request(request, received), sha256(request).digest()

        loop = asyncio.get_running_loop()
        with self._order.enter() as turn:
            encoded, digest = await loop.run_in_executor(self._encoders, encode, self._clock.now())
            # Rows repeat their resources and scopes, so they may be far larger than the request.
            ticket.reserve(max(len(request), sum(rows.size for rows in encoded)))
            # First: an acknowledged record must not be without them, but they may be without their record.
            if components.disclose and (disclosures := [each for rows in encoded for each in rows.disclosures]):
                await components.disclose(disclosures, encoded[0].ingested_at)
            await turn.wait()  # so that times of receipt never go back in a log
            waits = _add(components, encoded, digest)
        try:
            await self._all_kept(waits, ticket)
        except BaseException:
            _leave(components, encoded, waits, digest)
            raise
        for rows in encoded:
            components.redacted(rows.redactions)

    async def _all_kept(self, waits: Sequence[asyncio.Future[None]], ticket: Ticket) -> None:
        if not waits:
            return
        done, pending = await asyncio.wait(waits, timeout=self._ack_timeout, return_when=asyncio.FIRST_EXCEPTION)
        for wait in done:
            wait.result()
        if pending:
            ticket.timed_out()
            late = "storage did not commit the request in time"
            raise StorageRefusedError(late, retry_after=5.0, public=late)

    async def close(self) -> None:
        """Refuse new requests, commit the accepted ones, then stop."""
        self._closing = True
        if self._components is not None:
            await asyncio.gather(*(batcher.close() for batcher in self._components.batchers.values()))
        self._encoders.shutdown(wait=False)


def _add(components: Components, encoded: Sequence[Rows], request: bytes) -> list[asyncio.Future[None]]:
    waits: list[asyncio.Future[None]] = []
    try:
        for rows in encoded:
            waits.append(components.batchers[rows.stream].add(rows, request))  # noqa: PERF401 - the list must be complete if an add raises
    except BaseException:
        _leave(components, encoded, waits, request)
        raise
    return waits


def _leave(
    components: Components, encoded: Sequence[Rows], waits: Sequence[asyncio.Future[None]], request: bytes
) -> None:
    """Take back the rows of a refused request as far as possible, and record the rest in the retry ledger.

    The sender will retry the whole request: rows that are committed, or being committed, must not be stored again then.
    """
    for rows, wait in zip(encoded, waits, strict=False):  # fewer, if not all rows were added
        if not wait.done():
            wait.cancel()
        elif not wait.cancelled() and wait.exception() is None:
            components.batchers[rows.stream].record_committed([request])
