"""Requests that were left behind: each is taken over once, and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from server.errors.ingest import StorageRefusedError
from server.pipeline.retry_ledger import REMEMBERED_SECONDS, NotedRequest, RetryLedger

A, B = b"a" * 32, b"b" * 32


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> RetryLedger:
    return RetryLedger(clock)


def pending() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def kept() -> asyncio.Future[None]:
    outcome = pending()
    outcome.set_result(None)
    return outcome


def refused() -> asyncio.Future[None]:
    outcome = pending()
    outcome.set_exception(StorageRefusedError("no"))
    outcome.exception()
    return outcome


async def test_what_was_not_left_is_not_found(ledger: RetryLedger) -> None:
    assert ledger.outcome_of(A) is None
    ledger.add(B, kept())
    assert ledger.outcome_of(A) is None
    assert len(ledger) == 1


async def test_equal_requests_are_taken_over_one_for_one_the_oldest_first(ledger: RetryLedger) -> None:
    first, second = kept(), pending()
    ledger.add(A, first)
    ledger.add(A, second)
    assert ledger.outcome_of(A) is first
    assert ledger.outcome_of(A) is first  # to find is not to take
    ledger.remove(A)
    assert ledger.outcome_of(A) is second
    ledger.remove(A)
    assert ledger.outcome_of(A) is None
    assert len(ledger) == 0


async def test_what_was_refused_since_is_no_longer_there(ledger: RetryLedger) -> None:
    outcome, stays = pending(), kept()
    ledger.add(A, outcome)
    ledger.add(A, stays)
    assert ledger.outcome_of(A) is outcome
    outcome.set_exception(StorageRefusedError("no"))
    outcome.exception()
    assert ledger.outcome_of(A) is stays
    ledger.add(B, refused())
    assert ledger.outcome_of(B) is None
    assert len(ledger) == 1


async def test_it_is_forgotten_when_no_sender_repeats_it_any_more(ledger: RetryLedger, clock: Clock) -> None:
    ledger.add(A, kept())
    clock.time = 600.0
    ledger.add(B, kept())
    assert ledger.outcome_of(A) is not None
    clock.time = 1000.0
    ledger.add(B, kept())
    assert ledger.outcome_of(A) is None
    assert ledger.outcome_of(B) is not None


async def test_one_that_was_left_again_lately_is_not_forgotten(ledger: RetryLedger, clock: Clock) -> None:
    ledger.add(A, kept())
    clock.time = 800.0
    ledger.add(A, kept())
    clock.time = 1000.0
    ledger.add(B, kept())
    assert ledger.outcome_of(A) is not None


async def test_no_more_are_remembered_than_there_is_room_for(clock: Clock) -> None:
    ledger = RetryLedger(clock, most=3)
    for number in range(10):
        ledger.add(bytes([number]), kept())
    assert len(ledger) == 3
    assert [bytes([number]) for number in range(10) if ledger.outcome_of(bytes([number]))] == [
        b"\x07",
        b"\x08",
        b"\x09",
    ]


async def test_it_is_forgotten_in_time_though_nothing_else_is_left_since(ledger: RetryLedger, clock: Clock) -> None:
    ledger.add(A, kept())
    clock.time = REMEMBERED_SECONDS - 1
    assert ledger.outcome_of(A) is not None
    clock.time = REMEMBERED_SECONDS
    assert ledger.outcome_of(A) is None


async def test_what_an_earlier_process_noted_is_as_old_as_it_was_and_not_noted_again(clock: Clock) -> None:
    notes: list[tuple[bytes, bool]] = []
    ledger = RetryLedger(clock, lambda request, is_left: notes.append((request, is_left)))
    ledger.restore([NotedRequest(A, 100.0), NotedRequest(B, 800.0), NotedRequest(A, 300.0)], kept())
    assert notes == []
    clock.time = 150.0
    assert ledger.outcome_of(B) is None
    for _ in range(2):
        assert ledger.outcome_of(A) is not None
        ledger.remove(A)
    assert ledger.outcome_of(A) is None
    assert notes == [(A, False), (A, False)]
