"""The pipeline's door for receivers."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Ingest"]


class Ingest(Protocol):
    """Takes requests from receivers and answers when they are kept."""

    async def submit(self, request: bytes) -> None:
        """Decode, store and sign a request; return only when all of its records are committed.

        Args:
            request: a serialized ``ExportLogsServiceRequest`` (OTLP protobuf).

        Raises:
            MalformedRequestError: the bytes are no such message; sending them again is no use.
            RefusedError: not committed, the sender should try again after ``retry_after`` seconds.
        """
        ...
