"""Admission: what is taken in, what is refused and how, and what happens to requests that do not come to an end."""

from __future__ import annotations

import contextlib

import pytest

from server.admission.admission import Admission, AdmissionLimits, Ticket
from server.errors.ingest import OverloadedError, OversizedError, RefusedError, StalledError

MIB = 1 << 20
LIMITS = AdmissionLimits(requests=10, size=12 * MIB, largest=8 * MIB, remedy="raise --memory-limit")


class Now:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Stopped:
    """Remembers why an arrival was ended."""

    def __init__(self) -> None:
        self.errors: list[RefusedError] = []

    def __call__(self, error: RefusedError) -> None:
        self.errors.append(error)


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def admission(now: Now) -> Admission:
    return Admission(LIMITS, clock=now, uniform=lambda low, high: (low + high) / 2)


def acknowledge(ticket: Ticket, now: Now, seconds: float) -> None:
    ticket.mark_submitted()
    now.seconds += seconds
    ticket.acknowledged()


def test_what_is_in_flight_is_free_again_afterwards(admission: Admission) -> None:
    with admission.admit("a", MIB), admission.admit("b", 2 * MIB):
        assert (admission.requests, admission.size) == (2, 3 * MIB)
    assert (admission.requests, admission.size) == (0, 0)


def test_one_request_too_many_is_refused_at_once_and_told_when_to_come_back(admission: Admission) -> None:
    tickets = [admission.admit("a", 1) for _ in range(10)]
    with pytest.raises(OverloadedError, match="too many requests") as refusal:
        admission.admit("b", 1)
    assert refusal.value.retry_after >= 1
    tickets[0].__exit__(None, None, None)
    admission.admit("b", 1)


def test_more_bytes_than_there_is_room_for_are_refused(admission: Admission) -> None:
    admission.admit("a", 7 * MIB)
    admission.admit("a", 5 * MIB)
    with pytest.raises(OverloadedError):
        admission.admit("a", 1)
    assert admission.refused == 1


def test_the_wait_grows_with_the_number_of_those_who_were_refused(admission: Admission) -> None:
    for _ in range(10):
        admission.admit("a", 1)
    waits = []
    for _ in range(200):
        with pytest.raises(OverloadedError) as refusal:
            admission.admit("b", 1)
        waits.append(refusal.value.retry_after)
    assert waits[0] < waits[-1] <= 30
    assert waits == sorted(waits)


def test_what_can_never_fit_is_refused_for_good_with_what_to_do(admission: Admission) -> None:
    with pytest.raises(OversizedError, match=r"smaller batches, or raise --memory-limit"):
        admission.admit("a", 8 * MIB + 1)
    with admission.admit("a", 8 * MIB) as ticket, pytest.raises(OversizedError):
        ticket.reserve(8 * MIB + 1)
    assert admission.refused == 0


def test_a_request_of_unknown_size_counts_for_what_requests_were_lately(admission: Admission, now: Now) -> None:
    def guess_after(*sizes: int) -> int:
        for size in 100 * sizes:
            with admission.admit("a", size) as ticket:
                acknowledge(ticket, now, 0.1)
        with admission.admit("a") as ticket:
            return ticket.size

    assert guess_after(2 * MIB) == pytest.approx(2 * MIB, rel=0.05)
    assert guess_after(100_000) < 200_000
    assert guess_after(10_000, 3 * MIB) > 3 * MIB  # they may be all of the large ones


def test_a_request_grows_as_it_comes_and_shrinks_to_what_it_is(admission: Admission) -> None:
    with admission.admit("a", 100_000) as ticket:
        ticket.received(10_000)
        assert admission.size == 100_000
        ticket.received(MIB)
        assert admission.size == MIB
        ticket.reserve(5000)
        assert admission.size == 5000


def test_a_request_that_grows_beyond_what_there_is_room_for_is_refused(admission: Admission) -> None:
    with admission.admit("a", 7 * MIB), admission.admit("b") as ticket:
        with pytest.raises(OverloadedError, match="of this size") as refusal:
            ticket.received(6 * MIB)
        assert refusal.value.retry_after >= 1
        ticket.received(4 * MIB)


def test_a_request_that_is_alone_may_grow_to_the_largest(admission: Admission) -> None:
    with admission.admit("a") as ticket:
        ticket.reserve(8 * MIB)
        assert (ticket.size, admission.size) == (8 * MIB, 8 * MIB)
    assert admission.size == 0


def test_after_its_end_a_request_takes_no_more(admission: Admission) -> None:
    with admission.admit("a") as ticket:
        pass
    with pytest.raises(StalledError):
        ticket.received(3 * MIB)
    assert admission.size == 0


def test_a_slow_storage_makes_the_window_smaller_than_memory_and_a_fast_one_larger_again(now: Now) -> None:
    admission = Admission(AdmissionLimits(1000, 1 << 30, 1 << 30), clock=now)
    before = admission.window
    tickets = [admission.admit("a", before // 16) for _ in range(16)]
    for ticket in tickets:
        ticket.mark_submitted()
    now.seconds += 4
    for ticket in reversed(tickets):  # the last saw all the others
        ticket.acknowledged()
        ticket.__exit__(None, None, None)
    assert admission.window < before
    with admission.admit("a", admission.window), pytest.raises(OverloadedError):
        admission.admit("a", 1 << 20)
    for _ in range(10):
        with admission.admit("b", 0) as ticket:
            ticket.reserve(admission.window)
            acknowledge(ticket, now, 0.1)
    assert admission.window > before


def test_while_memory_is_short_requests_are_taken_one_at_a_time(admission: Admission) -> None:
    admission.short_of_memory(True)
    with admission.admit("a"), pytest.raises(OverloadedError, match="short of memory"):
        admission.admit("b")
    admission.short_of_memory(False)
    with admission.admit("a"), admission.admit("b"):
        pass


def test_the_newest_arrivals_are_ended_first(admission: Admission) -> None:
    stopped = [Stopped() for _ in range(4)]
    with contextlib.ExitStack() as stack:
        for number, stop in enumerate(stopped):
            stack.enter_context(admission.admit(f"client {number}").arriving(stop))
        admission.stop_newest(2)
    assert [len(stop.errors) for stop in stopped] == [0, 0, 1, 1]
    assert all(error.retry_after >= 1 for stop in stopped for error in stop.errors)


def test_what_has_arrived_is_not_ended(admission: Admission) -> None:
    with admission.admit("a") as ticket:
        with ticket.arriving(Stopped()):
            assert admission.arriving == 1
        assert admission.arriving == 0
        admission.stop_newest(10)


def test_a_slow_arrival_counts_only_for_what_has_come_of_it(admission: Admission, now: Now) -> None:
    ticket = admission.admit("slow", 8 * MIB)
    with ticket.arriving(stopped := Stopped()):
        ticket.received(100_000)
        now.seconds += 1
        admission.expire_slow_arrivals()
        assert admission.size == 8 * MIB
        now.seconds += 2
        admission.expire_slow_arrivals()
        admission.expire_slow_arrivals()
        assert admission.size == 100_000
        ticket.received(200_000)
        assert admission.size == 200_000
    assert stopped.errors == []


def test_an_arrival_that_takes_too_long_is_ended(admission: Admission, now: Now) -> None:
    with admission.admit("slow").arriving(stopped := Stopped()):
        now.seconds += 61
        admission.expire_slow_arrivals()
    assert isinstance(stopped.errors[0], StalledError)


def test_a_slow_arrival_makes_way_where_there_are_too_many_requests(admission: Admission, now: Now) -> None:
    slow = admission.admit("slow", MIB)
    with slow.arriving(stopped := Stopped()):
        for _ in range(9):
            admission.admit("slow", MIB)
        with pytest.raises(OverloadedError):
            admission.admit("quick")
        assert stopped.errors == []
        now.seconds += 6
        with pytest.raises(OverloadedError):
            admission.admit("quick")
        assert isinstance(stopped.errors[0], StalledError)


def test_those_who_were_refused_find_room_when_they_come_back(admission: Admission) -> None:
    greedy = [admission.admit("greedy", MIB) for _ in range(10)]
    with pytest.raises(OverloadedError):
        admission.admit("modest", MIB)
    for ticket in greedy[:4]:
        ticket.__exit__(None, None, None)
    with contextlib.suppress(OverloadedError):
        for _ in range(4):
            admission.admit("greedy", MIB)
    assert admission.requests < 10
    admission.admit("modest", MIB)
