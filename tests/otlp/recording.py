"""An ``Ingest`` for receiver tests: it keeps what it is given, or fails as it is told."""

from __future__ import annotations

import asyncio

from server.admission.admission import Admission, AdmissionLimits, Ticket
from server.codec.annotations import Annotations
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.signals import Signal
from server.notary.origin import Stream

__all__ = ["WIDE", "RecordingIngest"]


WIDE = AdmissionLimits(requests=1000, size=1 << 30, largest=1 << 30)


class RecordingIngest:
    """Keeps submitted requests; the first calls meet ``failures``, one each.

    While ``blocked`` is an event, calls set it and wait without end; a cancelled one sets ``cancelled``.
    """

    def __init__(self, *failures: BaseException, limits: AdmissionLimits = WIDE) -> None:
        self.admission = Admission(limits)
        self.requests: list[bytes] = []
        self.signals: list[Signal] = []
        self.clients: list[str] = []
        self.provenances: list[Provenance] = []
        self.streams: list[frozenset[Stream] | None] = []
        self.cancelled = asyncio.Event()
        self.blocked: asyncio.Event | None = None
        self._failures = list(failures)

    def admit(self, client: str, size: int | None = None) -> Ticket:
        self.clients.append(client)
        return self.admission.admit(client, size)

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
        assert type(request) is bytes
        ticket.reserve(len(request))
        ticket.mark_submitted()
        if self._failures:
            raise self._failures.pop(0)
        if self.blocked is not None:
            self.blocked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        self.requests.append(request)
        self.provenances.append(provenance)
        self.streams.append(streams)
        self.signals.append(signal)
