"""The pipeline's interface for receivers."""

from __future__ import annotations

from typing import Protocol

from server.admission.admission import Ticket
from server.codec.annotations import Annotations
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.signals import Signal
from server.notary.origin import Stream

__all__ = ["Ingest"]


class Ingest(Protocol):
    """Interface for receivers: a request is admitted by its size first, then submitted and acknowledged."""

    def admit(self, client: str, size: int | None = None) -> Ticket:
        """Admit a request, before its body is read.

        Args:
            client: name of the sender; requests with the same name share one fair share.
            size: declared size of the request in bytes, None if it declares none.

        Returns:
            A ticket for ``submit``, which is also a context manager that frees the request's reservation.

        Raises:
            OversizedError: the request can never be admitted.
            RefusedError: the request is not admitted now; the sender should retry after ``retry_after`` seconds.
        """
        ...

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
        """Decode, store and sign a request; return once all of its records or spans are committed.

        Args:
            request: a serialized ``ExportLogsServiceRequest`` or ``ExportTraceServiceRequest`` (OTLP protobuf).
            ticket: ticket of the request's admission.
            signal: the signal whose request it is.
            annotations: annotations of log records, stored in ``OtlpDetails``; spans have none.
            own: True if the records are the server's own, which need no producer's signature.
            provenance: the tenant and the sender of the records.
            streams: the streams that the sender may write to; None for all.

        Raises:
            MalformedRequestError: the bytes are not such a request; retrying is pointless.
            ForbiddenStreamError: a record belongs to a stream that the sender may not write to; nothing is stored.
            OversizedError: the request needs more memory than the limit.
            RefusedError: the request was not committed; the sender should retry after ``retry_after`` seconds.
        """
        ...
