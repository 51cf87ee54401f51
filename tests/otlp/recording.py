"""An ``Ingest`` for receiver tests: it keeps what it is given, or fails as it is told."""

from __future__ import annotations

import asyncio

__all__ = ["RecordingIngest"]


class RecordingIngest:
    """Keeps submitted requests; the first calls meet ``failures``, one each.

    While ``blocked`` is an event, calls set it and wait without end; a cancelled one sets ``cancelled``.
    """

    def __init__(self, *failures: BaseException) -> None:
        self.requests: list[bytes] = []
        self.cancelled = asyncio.Event()
        self.blocked: asyncio.Event | None = None
        self._failures = list(failures)

    async def submit(self, request: bytes) -> None:
        assert type(request) is bytes
        if self._failures:
            raise self._failures.pop(0)
        if self.blocked is not None:
            self.blocked.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        self.requests.append(request)
