"""The gatherer: which rows share a batch, and when a batch is due."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.codec.rows import Rows
from server.pipeline.gatherer import BatchLimits, Gatherer, RequestRows

from .batching import some_rows


def part(rows: Rows) -> RequestRows:
    return RequestRows(rows, b"digest")


def gather(limits: BatchLimits, parts: list[Rows]) -> list[list[Rows]]:
    """The batches that a gatherer makes from rows."""
    loop = asyncio.new_event_loop()
    gatherer = Gatherer(limits)
    tickets = [loop.create_future() for _ in parts]
    for rows, ticket in zip(parts, tickets, strict=True):
        gatherer.add(RequestRows(rows, b"digest"), ticket, arrived=0.0)
    batches: list[list[Rows]] = []
    answered: list[asyncio.Future[None]] = []
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
    gatherer.add(part(some_rows()), asyncio.get_running_loop().create_future(), arrived=10.0)
    assert gatherer.seconds_until_due(now=10.0, commit_seconds=0.25) == 1.75
    assert gatherer.seconds_until_due(now=10.0, commit_seconds=60.0) == pytest.approx(1.2)


async def test_a_batch_is_due_when_its_first_rows_are_old_enough() -> None:
    gatherer = Gatherer(BatchLimits(age=2.0))
    loop = asyncio.get_running_loop()
    gatherer.add(part(some_rows()), loop.create_future(), arrived=10.0)
    gatherer.add(part(some_rows()), loop.create_future(), arrived=11.5)
    assert gatherer.seconds_until_due(now=11.5) == 0.5
    assert gatherer.seconds_until_due(now=12.0) == 0.0
    assert gatherer.seconds_until_due(now=99.0) == 0.0


@pytest.mark.parametrize(
    ("limits", "rows"), [(BatchLimits(rows=5), some_rows(count=5)), (BatchLimits(size=100), some_rows(size=100))]
)
async def test_a_full_batch_is_due_at_once(limits: BatchLimits, rows: Rows) -> None:
    gatherer = Gatherer(limits)
    gatherer.add(part(rows), asyncio.get_running_loop().create_future(), arrived=0.0)
    assert gatherer.seconds_until_due(now=0.0) == 0.0


async def test_a_batch_is_due_at_once_when_the_next_has_begun() -> None:
    gatherer = Gatherer(BatchLimits(rows=10, age=100.0))
    loop = asyncio.get_running_loop()
    first, second = some_rows(count=6), some_rows(count=7)
    gatherer.add(part(first), loop.create_future(), arrived=0.0)
    assert gatherer.seconds_until_due(now=1.0) == 99.0
    gatherer.add(part(second), loop.create_future(), arrived=1.0)
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


async def test_a_batch_of_rows_that_nobody_waits_for_is_none() -> None:
    gatherer = Gatherer(BatchLimits())
    ticket = asyncio.get_running_loop().create_future()
    gatherer.add(part(some_rows()), ticket, arrived=0.0)
    gatherer.discard(ticket)
    assert gatherer.seconds_until_due(now=9.0) is None
    gatherer.discard(ticket)  # once more does no harm
