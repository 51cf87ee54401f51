"""A retried request takes over the rows that its first attempt left in a batch in flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future

import pytest

from server.errors.ingest import StorageRefusedError
from server.pipeline.batcher import Batcher
from server.pipeline.gatherer import BatchLimits
from server.pipeline.retry_ledger import NotedRequest

from .batching import Commits, add


class TestTakingOver:
    """A retried request takes over the rows that its first attempt left in a batch in flight."""

    @pytest.fixture
    async def held(self) -> AsyncIterator[tuple[Commits, Batcher]]:
        """A batcher whose commits are held up."""
        commits = Commits()
        commits.go_on.clear()
        batcher = Batcher(BatchLimits(rows=1, age=3600), commits)
        batcher.start()
        yield commits, batcher
        commits.go_on.set()
        await batcher.close()

    async def leave(self, commits: Commits, batcher: Batcher, *requests: bytes) -> None:
        """Send requests whose senders disconnect during the commit."""
        tickets = [add(batcher, request=request) for request in requests]
        await commits.begun.wait()
        for ticket in tickets:
            ticket.cancel()
        await asyncio.sleep(0)

    async def test_it_is_answered_when_that_batch_is_committed_and_stored_once(
        self, held: tuple[Commits, Batcher]
    ) -> None:
        commits, batcher = held
        await self.leave(commits, batcher, b"same")
        again = add(batcher, request=b"same")
        await asyncio.sleep(0)
        assert not again.done()
        commits.go_on.set()
        await again
        assert commits.requests == [[b"same"]]

    async def test_it_is_answered_at_once_where_that_batch_has_been_committed_since(
        self, held: tuple[Commits, Batcher]
    ) -> None:
        commits, batcher = held
        await self.leave(commits, batcher, b"same")
        commits.go_on.set()
        await add(batcher, request=b"another")  # one batch after the other
        await add(batcher, request=b"same")
        assert commits.requests == [[b"same"], [b"another"]]

    async def test_it_is_refused_with_that_batch_and_new_when_it_comes_once_more(
        self, held: tuple[Commits, Batcher]
    ) -> None:
        commits, batcher = held
        refusal = StorageRefusedError("no")
        commits.failures = [refusal, None]
        await self.leave(commits, batcher, b"same")
        again = add(batcher, request=b"same")
        commits.go_on.set()
        with pytest.raises(StorageRefusedError) as refused:
            await again
        assert refused.value is refusal
        await add(batcher, request=b"same")
        assert commits.requests == [[b"same"], [b"same"]]

    async def test_where_that_batch_was_refused_meanwhile_it_is_new(self, held: tuple[Commits, Batcher]) -> None:
        commits, batcher = held
        commits.failures = [StorageRefusedError("no"), None, None]
        await self.leave(commits, batcher, b"same")
        commits.go_on.set()
        await add(batcher, request=b"another")
        await add(batcher, request=b"same")
        assert commits.requests == [[b"same"], [b"another"], [b"same"]]

    async def test_two_that_are_equal_are_two(self, held: tuple[Commits, Batcher]) -> None:
        commits, batcher = held
        await self.leave(commits, batcher, b"same")
        takes_over, new = add(batcher, request=b"same"), add(batcher, request=b"same")
        commits.go_on.set()
        await asyncio.gather(takes_over, new)
        assert commits.requests == [[b"same"], [b"same"]]

    async def test_one_whose_sender_still_waits_is_not_taken_over(self, held: tuple[Commits, Batcher]) -> None:
        commits, batcher = held
        waits = add(batcher, request=b"same")
        await commits.begun.wait()
        other = add(batcher, request=b"same")
        commits.go_on.set()
        await asyncio.gather(waits, other)
        assert commits.requests == [[b"same"], [b"same"]]

    async def test_who_took_over_and_goes_away_too_leaves_it_again(self, held: tuple[Commits, Batcher]) -> None:
        commits, batcher = held
        await self.leave(commits, batcher, b"same")
        for _ in range(3):
            add(batcher, request=b"same").cancel()
            await asyncio.sleep(0)
        last = add(batcher, request=b"same")
        commits.go_on.set()
        await last
        assert commits.requests == [[b"same"]]

    async def test_rows_that_were_still_gathered_are_taken_back_and_leave_nothing(self) -> None:
        commits = Commits()
        batcher = Batcher(BatchLimits(rows=2, age=3600), commits)
        batcher.start()
        add(batcher, request=b"same").cancel()
        await asyncio.sleep(0)
        await asyncio.gather(add(batcher, request=b"same"), add(batcher))
        assert [b"same" in requests for requests in commits.requests] == [True]
        await batcher.close()

    async def test_what_was_committed_before_this_process_began_is_taken_over_one_for_one(self) -> None:
        commits = Commits()
        batcher = Batcher(BatchLimits(rows=1), commits)
        batcher.record_committed([b"same", b"same", b"other"])
        batcher.start()
        for request in (b"same", b"other", b"same", b"same", b"other"):
            await add(batcher, request=request)
        assert commits.requests == [[b"same"], [b"other"]]
        await batcher.close()

    async def test_what_an_earlier_process_noted_is_taken_over_one_for_one(self) -> None:
        commits = Commits()
        batcher = Batcher(BatchLimits(rows=1), commits)
        batcher.restore(NotedRequest(request, 1.0) for request in (b"same", b"other", b"same"))
        batcher.start()
        for request in (b"same", b"other", b"same", b"same", b"other"):
            await add(batcher, request=request)
        assert commits.requests == [[b"same"], [b"other"]]
        await batcher.close()

    async def test_it_is_answered_when_it_is_noted_that_nothing_is_left_any_more(self) -> None:
        noted: Future[None] = Future()
        batcher = Batcher(BatchLimits(rows=1), Commits(), note_left=lambda _, left: None if left else noted)
        batcher.record_committed([b"same"])
        batcher.start()
        again = add(batcher, request=b"same")
        await add(batcher, request=b"other")
        assert not again.done()
        noted.set_result(None)
        await again
        await batcher.close()
