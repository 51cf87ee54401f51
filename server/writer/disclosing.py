"""The way of disclosures to storage: before the records that have the commitments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from server.codec.disclosures import Disclosure
from server.errors.ingest import StorageRefusedError
from storage.disclosures import DisclosedValue, insert_disclosures
from storage.engine import Engine
from storage.errors import StorageError

__all__ = ["Disclosing"]

_REFUSED = "storage did not take the values that are to be disclosed"


class Disclosing:
    """Stores disclosures, those of all requests that wait with one INSERT. Bound to one event loop."""

    def __init__(self, engine: Engine) -> None:
        """Create a way to a storage."""
        self._engine = engine
        self._waiting: list[tuple[list[DisclosedValue], asyncio.Future[None]]] = []
        self._storing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disclose")

    async def store(self, disclosures: Sequence[Disclosure], ingested_at: int, tenant: str) -> None:
        """Return once the disclosures of a request are stored.

        Args:
            disclosures: the disclosures.
            ingested_at: time of receipt of the request, in nanoseconds since the epoch.
            tenant: the tenant to whom its records belong.

        Raises:
            StorageRefusedError: they may not all be stored; the sender should retry.
        """
        stored = asyncio.get_running_loop().create_future()
        rows = [
            DisclosedValue(ingested_at, each.salt, each.value, each.rule, each.actors, tenant) for each in disclosures
        ]
        self._waiting.append((rows, stored))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_waiting())
        await stored

    async def _store_waiting(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            rows = [row for rows, _ in waiting for row in rows]
            loop = asyncio.get_running_loop()
            trouble: StorageRefusedError | None = None
            try:
                await loop.run_in_executor(self._thread, insert_disclosures, self._engine, rows)
            except StorageError as error:
                trouble = StorageRefusedError(f"{_REFUSED}: {error}", retry_after=5.0, public=_REFUSED)
            for _, stored in waiting:
                if stored.done():  # the request was given up
                    continue
                if trouble is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(trouble)
        self._storing = None

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)
