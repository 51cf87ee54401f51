"""Group commit: which rows share a batch, and that every sender is answered."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.waiting import until
from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, RefusedError, ShuttingDownError, StorageRefusedError
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.gatherer import BatchLimits, Gatherer, RequestRows
from server.pipeline.retry_ledger import NotedRequest
from storage.native import PlainColumn
from tests.codec.building import DAY, NOW


def some_rows(count: int = 1, size: int = 10, day: int = 0) -> Rows:
    return Rows(
        stream=Stream.AUDIT,
        count=count,
        columns=(PlainColumn(bytes(size)),),
        leaf_hashes=b"",
        min_timestamp=0,
        max_timestamp=0,
        first_ingested_at=NOW + day * DAY,
        ingested_at=NOW + day * DAY,
    )


def part(rows: Rows) -> RequestRows:
    return RequestRows(rows, b"digest")


def gather(limits: BatchLimits, parts: list[Rows]) -> list[list[Rows]]:
    """The batches that a gatherer makes of rows."""
    loop = asyncio.new_event_loop()
    gatherer = Gatherer(limits)
    tickets = [loop.create_future() for _ in parts]
    for rows, ticket in zip(parts, tickets, strict=True):
        gatherer.add(RequestRows(rows, b"digest"), ticket, now=0.0)
    batches, answered = [], []
    while gatherer.seconds_until_due(now=1e9) is not None:
        taken = gatherer.take()
        batches.append([part.rows for part in taken.values()])
        answered += taken
    loop.close()
    assert answered == tickets
    return batches


def test_nothing_gathered_is_never_due() -> None:
    assert Gatherer(BatchLimits()).seconds_until_due(now=5.0) is None


async def test_a_batch_is_due_earlier_by_what_commits_take_but_never_by_more_than_two_fifths() -> None:
    gatherer = Gatherer(BatchLimits(age=2.0))
    gatherer.add(part(some_rows()), asyncio.get_running_loop().create_future(), now=10.0)
    assert gatherer.seconds_until_due(now=10.0, commit_seconds=0.25) == 1.75
    assert gatherer.seconds_until_due(now=10.0, commit_seconds=60.0) == pytest.approx(1.2)


async def test_a_batch_is_due_when_its_first_rows_are_old_enough() -> None:
    gatherer = Gatherer(BatchLimits(age=2.0))
    loop = asyncio.get_running_loop()
    gatherer.add(part(some_rows()), loop.create_future(), now=10.0)
    gatherer.add(part(some_rows()), loop.create_future(), now=11.5)
    assert gatherer.seconds_until_due(now=11.5) == 0.5
    assert gatherer.seconds_until_due(now=12.0) == 0.0
    assert gatherer.seconds_until_due(now=99.0) == 0.0


@pytest.mark.parametrize(
    ("limits", "rows"), [(BatchLimits(rows=5), some_rows(count=5)), (BatchLimits(size=100), some_rows(size=100))]
)
async def test_a_full_batch_is_due_at_once(limits: BatchLimits, rows: Rows) -> None:
    gatherer = Gatherer(limits)
    gatherer.add(part(rows), asyncio.get_running_loop().create_future(), now=0.0)
    assert gatherer.seconds_until_due(now=0.0) == 0.0


async def test_a_batch_is_due_at_once_when_the_next_has_begun() -> None:
    gatherer = Gatherer(BatchLimits(rows=10, age=100.0))
    loop = asyncio.get_running_loop()
    first, second = some_rows(count=6), some_rows(count=7)
    gatherer.add(part(first), loop.create_future(), now=0.0)
    assert gatherer.seconds_until_due(now=1.0) == 99.0
    gatherer.add(part(second), loop.create_future(), now=1.0)
    assert gatherer.seconds_until_due(now=1.0) == 0.0
    assert [part.rows for part in gatherer.take().values()] == [first]
    assert gatherer.seconds_until_due(now=1.0) == 100.0  # its own age counts from its own beginning


def test_a_batch_has_no_more_rows_than_allowed() -> None:
    a, b, c = some_rows(count=4), some_rows(count=6), some_rows(count=1)
    assert gather(BatchLimits(rows=10), [a, b, c]) == [[a, b], [c]]


def test_a_batch_has_no_more_bytes_than_allowed() -> None:
    a, b, c = some_rows(size=40), some_rows(size=60), some_rows(size=1)
    assert gather(BatchLimits(size=100), [a, b, c]) == [[a, b], [c]]


def test_rows_that_are_larger_than_a_batch_are_one_by_themselves() -> None:
    a, large, b = some_rows(), some_rows(count=99, size=99), some_rows()
    assert gather(BatchLimits(rows=10), [a, large, b]) == [[a], [large], [b]]
    assert gather(BatchLimits(size=50), [a, large, b]) == [[a], [large], [b]]


def test_rows_of_two_days_never_share_a_batch() -> None:
    today, tomorrow = some_rows(), some_rows(day=1)
    assert gather(BatchLimits(), [today, today, tomorrow, today]) == [[today, today], [tomorrow], [today]]


_parts = st.builds(some_rows, st.integers(1, 8), st.integers(0, 80), st.integers(0, 1))


@given(st.lists(_parts, max_size=30), st.integers(1, 12), st.integers(1, 120))
def test_order_is_kept_limits_hold_and_no_batch_could_have_taken_more(parts: list[Rows], rows: int, size: int) -> None:
    batches = gather(BatchLimits(rows=rows, size=size), parts)
    assert [id(part) for batch in batches for part in batch] == [id(part) for part in parts]

    def fits(batch: list[Rows]) -> bool:
        return (
            sum(part.count for part in batch) <= rows
            and sum(part.size for part in batch) <= size
            and len({part.day for part in batch}) == 1
        )

    for batch in batches:
        assert fits(batch) or len(batch) == 1
    for batch, following in itertools.pairwise(batches):
        assert not fits([*batch, following[0]])


class Commits:
    """Records what is committed; raises as told; can be held up."""

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
    """Give rows to a batcher; they come with a request of their own unless one is given."""
    return batcher.add(rows or some_rows(), request or f"request {next(_digests)}".encode())


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
    assert await asyncio.gather(first, last) == [None, None]
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


async def test_a_batch_of_rows_that_nobody_waits_for_is_none() -> None:
    gatherer = Gatherer(BatchLimits())
    ticket = asyncio.get_running_loop().create_future()
    gatherer.add(part(some_rows()), ticket, now=0.0)
    gatherer.discard(ticket)
    assert gatherer.seconds_until_due(now=9.0) is None
    gatherer.discard(ticket)  # once more does no harm


class TestTakingOver:
    """A request that comes again takes over what it had left in a batch that was on its way."""

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
        """Send requests whose senders go away while they are committed."""
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


class TestUnknownOutcome:
    """A batch may be committed though its commit failed: it is stored once, and who sends again takes that over."""

    @pytest.fixture
    async def settled(self) -> AsyncIterator[tuple[Commits, Batcher, queue.Queue[Exception | None]]]:
        """A batcher whose first commit has an unknown outcome, and what comes of the attempts to bring it to an end."""
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
        """Send two requests, of which one is sent by somebody who has gone as it is refused."""
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
    """While a commit does not come to an end, others are refused at once, and not after they have waited."""

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
