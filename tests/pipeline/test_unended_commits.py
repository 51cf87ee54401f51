"""Commits that do not end: their outcome is unknown, or storage does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import AsyncIterator

import pytest

from harness.waiting import until
from server.errors.ingest import BatchOutcomeUnknownError, ShuttingDownError, StorageRefusedError
from server.pipeline.batcher import Batcher
from server.pipeline.gatherer import BatchLimits

from .batching import Commits, add


class TestUnknownOutcome:
    """A batch may be committed although its commit failed: it is stored once, and a retry takes over its rows."""

    @pytest.fixture
    async def settled(self) -> AsyncIterator[tuple[Commits, Batcher, queue.Queue[Exception | None]]]:
        """A batcher whose first commit has an unknown outcome, with scripted outcomes of the attempts to finish it."""
        commits = Commits()
        commits.failures = [BatchOutcomeUnknownError("the batch may be stored: MemoryError")]
        attempts: queue.Queue[Exception | None] = queue.Queue()

        def settle() -> None:
            if (failure := attempts.get(timeout=60)) is not None:
                raise failure

        batcher = Batcher(BatchLimits(rows=2, age=3600), commits, settle=settle)
        batcher.start()
        yield commits, batcher, attempts
        attempts.put(ShuttingDownError("given up"))
        await batcher.close()

    async def refused(self, commits: Commits, batcher: Batcher) -> None:
        """Send two requests; the sender of one has disconnected when it is refused."""
        waits, gone = add(batcher, request=b"waits"), add(batcher, request=b"gone")
        commits.go_on.clear()
        await commits.begun.wait()
        gone.cancel()
        await asyncio.sleep(0)
        commits.go_on.set()
        with pytest.raises(BatchOutcomeUnknownError):
            await waits

    async def test_who_was_refused_takes_over_what_becomes_of_it(
        self, settled: tuple[Commits, Batcher, queue.Queue[Exception | None]]
    ) -> None:
        commits, batcher, attempts = settled
        await self.refused(commits, batcher)
        again = [add(batcher, request=request) for request in (b"waits", b"gone")]
        await asyncio.sleep(0)
        assert not any(ticket.done() for ticket in again)
        attempts.put(None)
        await asyncio.gather(*again)
        await asyncio.gather(add(batcher, request=b"waits"), add(batcher, request=b"new"))
        assert commits.requests == [[b"waits", b"gone"], [b"waits", b"new"]]

    async def test_it_is_tried_again_until_it_is_stored_and_nothing_else_is_committed_before(
        self, settled: tuple[Commits, Batcher, queue.Queue[Exception | None]]
    ) -> None:
        commits, batcher, attempts = settled
        await self.refused(commits, batcher)
        new = [add(batcher, request=b"new"), add(batcher, request=b"new too")]
        again = add(batcher, request=b"waits")
        attempts.put(MemoryError())
        attempts.put(StorageRefusedError("not yet"))
        await until(attempts.empty)
        assert commits.requests == [[b"waits", b"gone"]]
        attempts.put(None)
        await asyncio.gather(again, *new)
        assert commits.requests == [[b"waits", b"gone"], [b"new", b"new too"]]

    async def test_at_shutdown_it_is_left_to_the_next_start(
        self, settled: tuple[Commits, Batcher, queue.Queue[Exception | None]]
    ) -> None:
        commits, batcher, attempts = settled
        await self.refused(commits, batcher)
        again = add(batcher, request=b"waits")
        closing = asyncio.create_task(batcher.close())
        attempts.put(ShuttingDownError("given up"))
        await closing
        with pytest.raises(ShuttingDownError):
            await again
        assert commits.requests == [[b"waits", b"gone"]]


class TestStuck:
    """While a commit does not end, further requests are refused at once instead of after a wait."""

    async def test_new_requests_are_refused_until_it_has_ended(self) -> None:
        commits, now = Commits(), 1000.0
        commits.go_on.clear()
        batcher = Batcher(BatchLimits(rows=1), commits, clock=lambda: now)
        batcher.start()
        first = add(batcher)
        await commits.begun.wait()
        second = add(batcher)  # it has only just begun
        now = 1012.0
        with pytest.raises(StorageRefusedError, match="has not answered for 12 s") as refusal:
            add(batcher)
        assert refusal.value.retry_after == 12.0
        now = 2000.0
        with pytest.raises(StorageRefusedError) as refusal:
            add(batcher)
        assert refusal.value.retry_after == 30.0
        commits.go_on.set()
        await asyncio.gather(first, second)
        await add(batcher)
        await batcher.close()

    async def test_so_are_those_that_would_take_over_its_rows_but_not_those_that_are_committed(self) -> None:
        commits, now = Commits(), 1000.0
        commits.go_on.clear()
        batcher = Batcher(BatchLimits(rows=1), commits, clock=lambda: now)
        batcher.record_committed([b"committed"])
        batcher.start()
        gone = add(batcher, request=b"stuck")
        await commits.begun.wait()
        gone.cancel()
        await asyncio.sleep(0)
        now = 1100.0
        with pytest.raises(StorageRefusedError, match="has not answered"):
            add(batcher, request=b"stuck")
        await add(batcher, request=b"committed")
        commits.go_on.set()
        again = None
        async with asyncio.timeout(60):
            while again is None:
                await asyncio.sleep(0)
                with contextlib.suppress(StorageRefusedError):
                    again = add(batcher, request=b"stuck")
        await again  # it was still there to be taken over
        assert commits.requests == [[b"stuck"]]
        await batcher.close()
