"""The path of a request: admission, encoding, gathering, commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from server.admission.admission import Admission, Ticket
from server.admission.tenant_limits import TenantMeters
from server.codec.annotations import Annotations
from server.codec.disclosures import Disclosure
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.rows import Codec, Rows, attribute_keys
from server.codec.signals import Signal
from server.errors.ingest import ForbiddenStreamError, ShuttingDownError, StorageRefusedError
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.gatherer import Place
from server.pipeline.receipt_order import ReceiptOrder

__all__ = ["Components", "Examine", "Kept", "Part", "Pipeline"]

Examine = Callable[[bytes, int], Annotations]
"""Called in an encoder thread with a request and its time of receipt in nanoseconds since the epoch; returns
annotations, or raises an IngestError that refuses the request."""

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
        examine: function that examines the request of log records before it is encoded, if there is one; see
            ``Examine``.
        native_codec: codec that encodes native parts, if it is another one.
        own_codec: codec that encodes records of the server's own, if it is another one.
        tenants: limits and usage of tenants; None for neither.
        disclose: stores the disclosures of a request, which was received at a time in nanoseconds since the epoch, of a
            tenant.
    """

    codec: Codec
    batchers: Mapping[Stream, Batcher]
    admission: Admission
    not_ready: Callable[[], str] = str
    redacted: Callable[[Sequence[tuple[str, int]]], object] = len
    examine: Examine | None = None
    native_codec: Codec | None = None
    own_codec: Codec | None = None
    tenants: TenantMeters | None = None
    disclose: Callable[[Sequence[Disclosure], int, str], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Place of the audit records of a part.

    Attributes:
        origin: their log.
        first_leaf: place of the first one in the log.
        received: time of receipt of the part, from which ``received_at`` makes the times of its records.
    """

    origin: str
    first_leaf: int
    received: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a logs request, whose records may have been sent with others.

    Attributes:
        request: the part as a serialized ``ExportLogsServiceRequest``.
        annotations: annotations of its records.
        native: True if all records have the keys of the draft OpenTelemetry audit signal, and are to be stored as the
            audit records that they say they are, whatever the rules are.
        digest: identity of the part in the retry ledger, 32 bytes; None for the digest of its bytes.
        kept: function that is called once all records of a native part are kept, if their outcome was known at once;
            it is called even if the sender has gone.
        waited: seconds that the part has waited before it was submitted; they count for the age of its batch, and for
            the time in which it must be committed.
        own: True if the records are the server's own, which are not examined.
        provenance: the tenant and the sender of its records.
        streams: the streams that the sender may write to; None for all.
    """

    request: bytes
    annotations: Annotations = ()
    native: bool = False
    digest: bytes | None = None
    kept: Callable[[Kept], None] | None = None
    waited: float = 0.0
    own: bool = False
    provenance: Provenance = NO_PROVENANCE
    streams: frozenset[Stream] | None = None

    @property
    def identity(self) -> bytes:
        """Identity of the part in the retry ledger: equal bytes of different senders are different parts."""
        if self.digest is not None:
            return self.digest
        if self.provenance == NO_PROVENANCE:
            return sha256(self.request).digest()
        return sha256(b"\0".join((*self.provenance.columns.values(), self.request))).digest()


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

    async def submit(
        self,
        request: bytes,
        ticket: Ticket,
        signal: Signal = Signal.LOGS,
        *,
        annotations: Annotations = (),
        own: bool = False,
        provenance: Provenance = NO_PROVENANCE,
        streams: frozenset[Stream] | None = None,
    ) -> None:
        """Encode, store and sign a request; return when all of its records or spans are committed; see ``Ingest``.

        Raises:
            MalformedRequestError: the bytes are not a request of the signal.
            ForbiddenStreamError: the sender may not write to the stream of a record.
            OversizedError: the request's rows need more memory than the limit.
            RefusedError: the request was not committed; the sender should retry.
        """
        part = Part(request, annotations, own=own, provenance=provenance, streams=streams)
        await self.submit_parts([part], ticket, signal)

    async def submit_parts(self, parts: Sequence[Part], ticket: Ticket, signal: Signal = Signal.LOGS) -> None:
        """Encode, store and sign the parts of a request; return when all of its records are committed.

        Raises:
            MalformedRequestError, OversizedError, RefusedError: as ``submit``; other parts may be committed then.
        """
        components = self._open()
        if components.tenants is not None and not parts[0].own:
            components.tenants.check(parts[0].provenance.tenant)
        ticket.reserve(sum(len(part.request) for part in parts))
        ticket.mark_submitted()
        await self._store(components, parts, ticket, signal)
        ticket.acknowledged()

    async def examine(self, request: bytes) -> None:
        """Examine records that are acknowledged without being stored, because they are stored already.

        Raises:
            MalformedRequestError: a record is refused.
        """
        if (examine := self._open().examine) is not None:
            received = self._clock.now()
            await asyncio.get_running_loop().run_in_executor(self._encoders, examine, request, received)

    def take_left(self, digest: bytes) -> asyncio.Future[None] | None:
        """Return the outcome of a part of audit records whose ``submit_parts`` raised; see ``Batcher.take_left``.

        Args:
            digest: the part's own digest. Call this after the event loop has run once since.
        """
        components = self._components
        return components.batchers[Stream.AUDIT].take_left(digest) if components is not None else None

    def _open(self) -> Components:
        if self._closing:
            raise ShuttingDownError(self.not_ready())
        if self._components is None:
            public = "the server is starting, and waits for storage"
            raise StorageRefusedError(self.not_ready(), retry_after=5.0, public=public)
        return self._components

    async def _store(self, components: Components, parts: Sequence[Part], ticket: Ticket, signal: Signal) -> None:
        def encode(received: int) -> list[_Encoded]:
            encoded: list[_Encoded] = []
            for part in parts:
                at = received + sum(rows.count for one in encoded for rows in one.rows)
                encoded.append(_Encoded(_encode(components, part, at, signal), part.identity, part, at))
            return encoded

        loop = asyncio.get_running_loop()
        with self._order.enter() as turn:
            encoded = await loop.run_in_executor(self._encoders, encode, self._clock.now())
            _check_streams(encoded)
            # Rows repeat their resources and scopes, so they may be far larger than the request.
            size = sum(rows.size for one in encoded for rows in one.rows)
            ticket.reserve(max(sum(len(part.request) for part in parts), size))
            give_back = _take(components, encoded)
            try:
                # First: an acknowledged record must not be without them, but they may be without their record.
                disclosures = [each for one in encoded for rows in one.rows for each in rows.disclosures]
                if components.disclose and disclosures:
                    await components.disclose(disclosures, encoded[0].received, parts[0].provenance.tenant)
                await turn.wait()  # so that times of receipt never go back in a log
                waits = _add(components, encoded)
            except BaseException:
                give_back()
                raise
        try:
            await self._all_kept([wait for _, _, wait in waits], ticket, max(part.waited for part in parts))
        except BaseException:
            give_back()
            _leave(components, waits)
            raise
        for one in encoded:
            for rows in one.rows:
                components.redacted(rows.redactions)

    async def _all_kept(self, waits: Sequence[asyncio.Future[None]], ticket: Ticket, waited: float) -> None:
        if not waits:
            return
        left = max(0.0, self._ack_timeout - waited)
        done, pending = await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
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


@dataclass(frozen=True, slots=True)
class _Encoded:
    rows: list[Rows]
    digest: bytes
    part: Part
    received: int

    def tell(self, place: Place) -> None:
        if self.part.kept is not None:
            self.part.kept(Kept(*place, self.received))


_Wait = tuple[Stream, bytes, asyncio.Future[None]]  # for some rows of a request with a digest


def _take(components: Components, encoded: Sequence[_Encoded]) -> Callable[[], None]:
    """Count what a tenant sends; the server's own records count for nobody. Returns a function that takes that back."""
    sent = [one for one in encoded if not one.part.own]
    if components.tenants is None or not sent:
        return lambda: None
    tenant = sent[0].part.provenance.tenant  # a request has one sender
    size = sum(len(one.part.request) for one in sent)
    records = sum(rows.count for one in sent for rows in one.rows)
    keys = (key for one in sent for rows in one.rows for key in attribute_keys(rows))  # looked at only if limited
    components.tenants.take(tenant, size, records, keys)
    return partial(components.tenants.give_back, tenant, size, records)


def _encode(components: Components, part: Part, received: int, signal: Signal) -> list[Rows]:
    if signal is Signal.TRACES:
        return components.codec.encode_spans(part.request, received, part.provenance)
    special = components.own_codec if part.own else components.native_codec if part.native else None
    codec = special or components.codec
    found = components.examine(part.request, received) if components.examine and not part.own else ()
    return codec.encode(part.request, received, [*part.annotations, *found], part.provenance)


def _check_streams(encoded: Sequence[_Encoded]) -> None:
    """Check that the senders may write to the streams of all rows, before anything of them is stored.

    Raises:
        ForbiddenStreamError: a sender may not.
    """
    for one in encoded:
        for rows in one.rows if one.part.streams is not None else ():
            if one.part.streams is not None and rows.stream not in one.part.streams:
                raise ForbiddenStreamError(rows.stream.value)


def _add(components: Components, encoded: Sequence[_Encoded]) -> list[_Wait]:
    waits: list[_Wait] = []
    try:
        for one in encoded:
            for rows in one.rows:
                kept = one.tell if one.part.kept else None
                wait = components.batchers[rows.stream].add(rows, one.digest, kept, one.part.waited)
                waits.append((rows.stream, one.digest, wait))
    except BaseException:
        _leave(components, waits)
        raise
    return waits


def _leave(components: Components, waits: Sequence[_Wait]) -> None:
    """Take back the rows of a refused request as far as possible, and record the rest in the retry ledger.

    The sender will retry the whole request: rows that are committed, or being committed, must not be stored again then.
    """
    for stream, digest, wait in waits:
        if not wait.done():
            wait.cancel()
        elif not wait.cancelled() and wait.exception() is None:
            components.batchers[stream].record_committed([digest])
