"""A pipeline with a codec of letters, and with a store that can fail and be held up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from server.admission.admission import Admission, AdmissionLimits
from server.admission.tenant_limits import TenantMeters
from server.codec.annotations import Annotation, Annotations
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.rows import Rows
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.gatherer import BatchLimits
from server.pipeline.pipeline import Components, Examine, Pipeline
from tests.codec.building import rows

WIDE = AdmissionLimits(requests=100, size=1 << 20, largest=1 << 20)


async def submit(
    pipeline: Pipeline, request: bytes, signal: Signal = Signal.LOGS, annotations: Annotations = ()
) -> None:
    """Send a request as a receiver does."""
    with pipeline.admit("sender", len(request)) as ticket:
        await pipeline.submit(request, ticket, signal, annotations=annotations)


class Letters:
    """A codec: an ``a`` stands for an audit record, an ``o`` for an operational one, an ``s`` for a span."""

    name = "letters"

    def __init__(self) -> None:
        self.times: list[int] = []
        self.annotations: list[Annotation] = []
        self.provenances: list[Provenance] = []

    def encode(
        self, request: bytes, ingested_at: int, annotations: Annotations = (), provenance: Provenance = NO_PROVENANCE
    ) -> list[Rows]:
        self.annotations += annotations
        self.provenances.append(provenance)
        self.times.append(ingested_at)
        if b"!" in request:
            raise MalformedRequestError("an exclamation mark")
        made = []
        if count := request.count(b"a"):
            made.append(rows(Stream.AUDIT, *count * ["body"], ingested_at=ingested_at))
        if count := request.count(b"o"):
            made.append(rows(Stream.OPERATIONAL, *count * ["body"], ingested_at=ingested_at))
        return made

    def encode_spans(self, request: bytes, ingested_at: int, provenance: Provenance = NO_PROVENANCE) -> list[Rows]:
        self.provenances.append(provenance)
        self.times.append(ingested_at)
        count = request.count(b"s")
        return [rows(Stream.SPANS, *count * ["span"], ingested_at=ingested_at)] if count else []


class Store:
    """Log writer that the batchers of a pipeline commit to."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Stream, 0)
        self.failures: dict[Stream, Exception] = {}
        self.begun = {stream: asyncio.Event() for stream in Stream}
        self.open = {stream: threading.Event() for stream in Stream}
        for event in self.open.values():
            event.set()
        self._loop = asyncio.get_running_loop()

    def commit(self, stream: Stream) -> Callable[[list[Rows], list[bytes]], None]:
        def commit(parts: list[Rows], _: list[bytes]) -> None:
            self._loop.call_soon_threadsafe(self.begun[stream].set)
            assert self.open[stream].wait(60)
            if stream in self.failures:
                raise self.failures[stream]
            self.counts[stream] += sum(part.count for part in parts)

        return commit

    def pipeline(
        self,
        *,
        ack_timeout: float = 60.0,
        age: float = 0.001,
        codec: Letters | None = None,
        limits: AdmissionLimits = WIDE,
        admission: Admission | None = None,
        examine: Examine | None = None,
        tenants: TenantMeters | None = None,
    ) -> Pipeline:
        batchers = {stream: Batcher(BatchLimits(age=age), self.commit(stream)) for stream in Stream}
        pipeline = Pipeline(Clock(), ack_timeout=ack_timeout)
        admitting = admission or Admission(limits)
        pipeline.start(Components(codec or Letters(), batchers, admitting, examine=examine, tenants=tenants))
        return pipeline
