"""Rows for batchers, and a committer that records commits, fails on request and can be held up."""

from __future__ import annotations

import asyncio
import itertools
import threading

from server.codec.rows import Rows
from server.notary.origin import LogOwner, Stream
from server.pipeline.batcher import Batcher
from storage.native import PlainColumn
from tests.codec.building import DAY, NOW


def some_rows(count: int = 1, size: int = 10, day: int = 0, tenant: str = "") -> Rows:
    return Rows(
        stream=Stream.AUDIT,
        count=count,
        columns=(PlainColumn(bytes(size)),),
        leaf_hashes=b"",
        min_timestamp=0,
        max_timestamp=0,
        first_ingested_at=NOW + day * DAY,
        ingested_at=NOW + day * DAY,
        owner=LogOwner(tenant),
    )


class Commits:
    """Committer that records commits, raises errors on request, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[Rows]] = []
        self.requests: list[list[bytes]] = []
        self.failures: list[Exception | None] = []
        self.begun = asyncio.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._loop = asyncio.get_running_loop()

    def __call__(self, parts: list[Rows], requests: list[bytes]) -> None:
        self.batches.append(parts)
        self.requests.append(requests)
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.go_on.wait(60)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure


_digests = itertools.count()


def add(batcher: Batcher, rows: Rows | None = None, request: bytes | None = None) -> asyncio.Future[None]:
    """Give rows to a batcher, as part of a new request unless one is given."""
    return batcher.add(rows or some_rows(), request or f"request {next(_digests)}".encode())
