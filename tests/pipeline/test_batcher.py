"""Group commit: batches are committed one after the other, and every sender is answered."""

from __future__ import annotations

import asyncio

import pytest

from server.errors.ingest import RefusedError, ShuttingDownError, StorageRefusedError
from server.pipeline.batcher import Batcher
from server.pipeline.gatherer import BatchLimits

from .batching import Commits, add, some_rows


async def test_rows_are_committed_when_they_are_old_enough() -> None:
    commits = Commits()
    batcher = Batcher(BatchLimits(age=0.001), commits)
    batcher.start()
    rows = some_rows()
    await add(batcher, rows)
    assert commits.batches == [[rows]]
    await batcher.close()


async def test_a_full_batch_does_not_wait_for_its_age() -> None:
    commits = Commits()
    batcher = Batcher(BatchLimits(rows=2, age=3600), commits)
    batcher.start()
    await asyncio.gather(add(batcher), add(batcher))
    assert [len(batch) for batch in commits.batches] == [2]
    await batcher.close()


async def test_while_one_batch_is_committed_the_next_gathers() -> None:
    commits = Commits()
    commits.go_on.clear()
    batcher = Batcher(BatchLimits(rows=3, age=3600), commits)
    batcher.start()
    tickets = [add(batcher, some_rows(count=3))]
    await commits.begun.wait()
    tickets += [add(batcher) for _ in range(3)]
    assert not any(ticket.done() for ticket in tickets)
    commits.go_on.set()
    await asyncio.gather(*tickets)
    assert [len(batch) for batch in commits.batches] == [1, 3]
    await batcher.close()


async def test_a_refusal_reaches_all_waiters_of_its_batch_and_no_others() -> None:
    commits = Commits()
    refusal = StorageRefusedError("no", retry_after=7.0)
    commits.failures = [None, refusal, None]
    batcher = Batcher(BatchLimits(rows=2, age=3600), commits)
    tickets = [add(batcher) for _ in range(6)]
    batcher.start()
    results = await asyncio.gather(*tickets, return_exceptions=True)
    assert results == [None, None, refusal, refusal, None, None]
    await batcher.close()


async def test_an_unexpected_error_is_a_refusal_and_the_batcher_goes_on() -> None:
    commits = Commits()
    cause = ZeroDivisionError("a mistake")
    commits.failures = [cause, None]
    batcher = Batcher(BatchLimits(rows=1), commits)
    batcher.start()
    with pytest.raises(RefusedError, match="a mistake") as refusal:
        await add(batcher)
    assert refusal.value.__cause__ is cause
    await add(batcher)
    await batcher.close()


async def test_closing_commits_at_once_what_has_been_gathered() -> None:
    commits = Commits()
    batcher = Batcher(BatchLimits(rows=2, age=3600), commits)
    batcher.start()
    tickets = [add(batcher) for _ in range(3)]
    await batcher.close()
    assert [ticket.result() for ticket in tickets] == [None, None, None]
    assert [len(batch) for batch in commits.batches] == [2, 1]


async def test_after_closing_no_rows_are_taken() -> None:
    batcher = Batcher(BatchLimits(), Commits())
    batcher.start()
    await batcher.close()
    with pytest.raises(ShuttingDownError):
        add(batcher)


async def test_a_sender_that_has_gone_does_not_disturb_the_others() -> None:
    commits = Commits()
    commits.go_on.clear()
    batcher = Batcher(BatchLimits(rows=3, age=3600), commits)
    batcher.start()
    first, gone, last = (add(batcher) for _ in range(3))
    await commits.begun.wait()
    gone.cancel()
    commits.go_on.set()
    assert list(await asyncio.gather(first, last)) == [None, None]
    await batcher.close()


async def test_every_sender_is_answered_once_for_its_own_rows() -> None:
    commits = Commits()
    commits.failures = [StorageRefusedError("no") if number % 3 == 0 else None for number in range(50)]
    batcher = Batcher(BatchLimits(rows=7, age=3600), commits)
    batcher.start()
    parts = [some_rows(count=1 + number % 5) for number in range(60)]
    tickets = [add(batcher, part) for part in parts]
    await batcher.close()
    assert all(ticket.done() for ticket in tickets)
    refused = {id(part) for number, batch in enumerate(commits.batches) if number % 3 == 0 for part in batch}
    assert [ticket.exception() is not None for ticket in tickets] == [id(part) in refused for part in parts]


async def test_rows_whose_sender_was_refused_are_not_committed() -> None:
    commits = Commits()
    batcher = Batcher(BatchLimits(age=0.05), commits)
    stays, gone = some_rows(), some_rows()
    kept = add(batcher, stays)
    add(batcher, gone).cancel()
    batcher.start()
    await kept
    assert commits.batches == [[stays]]
    await batcher.close()


async def test_a_batcher_that_fails_says_so_and_takes_no_more() -> None:
    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    batcher = Batcher(BatchLimits(age=0.01), Commits(), fail)
    batcher.start()
    waiting = add(batcher)
    with pytest.raises(RuntimeError, match="new thread"):
        await asyncio.wait_for(batcher.running(), 60)
    with pytest.raises(ShuttingDownError):
        add(batcher)
    await batcher.close()
    assert not waiting.done()  # its sender is refused when its time is over, and retries


async def test_a_batcher_that_is_closed_has_not_failed() -> None:
    batcher = Batcher(BatchLimits(), Commits())
    batcher.start()
    running = asyncio.create_task(batcher.running())
    await batcher.close()
    await asyncio.wait_for(running, 60)
