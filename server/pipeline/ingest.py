"""The pipeline's door for receivers."""

from __future__ import annotations

from typing import Protocol

from server.admission.admission import Ticket

__all__ = ["Ingest"]


class Ingest(Protocol):
    """Takes requests from receivers and answers when they are kept: first their sizes, then themselves."""

    def admit(self, client: str, size: int | None = None) -> Ticket:
        """Decide whether a request is taken in, before its body is read.

        Args:
            client: who sends it; those of one name share what one client may have.
            size: bytes that it declares, None if it declares nothing.

        Returns:
            What ``submit`` wants; as a context manager it gives back the request's room.

        Raises:
            OversizedError: it can never be taken in.
            RefusedError: not now, the sender should try again after ``retry_after`` seconds.
        """
        ...

    async def submit(self, request: bytes, ticket: Ticket) -> None:
        """Decode, store and sign a request; return only when all of its records are committed.

        Args:
            request: a serialized ``ExportLogsServiceRequest`` (OTLP protobuf).
            ticket: of its admission.

        Raises:
            MalformedRequestError: the bytes are no such message; sending them again is no use.
            OversizedError: it can never be held in memory.
            RefusedError: not committed, the sender should try again after ``retry_after`` seconds.
        """
        ...
