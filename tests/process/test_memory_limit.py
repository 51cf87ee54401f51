"""Keeping to the memory limit: the plan at the start, and what is done when memory is short all the same."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.waiting import until
from server.admission.admission import MEMORY_FACTOR, Admission, AdmissionLimits
from server.errors.ingest import OverloadedError, RefusedError
from server.process.memory_limit import (
    MemoryGuard,
    MemoryPlan,
    largest_acceptable_request,
    memory_for_requests,
    plan_memory,
    resident_memory,
)
from server.settings.settings import ConfigError, Settings, load_settings
from server.settings.values import read_size

MIB = 1 << 20
LIMIT = 1000 * MIB


def plan(
    limit: int = 1 << 30,
    resident: int = 90 * MIB,
    *,
    embedded: bool = False,
    batch: int = 32 * MIB,
    behind: bool = False,
) -> MemoryPlan:
    return plan_memory(limit, resident, max_requests=1024, batch_bytes=batch, embedded=embedded, behind=behind)


def default_of(**flags: str) -> Settings:
    return load_settings(flags, {})


@pytest.mark.parametrize("behind", [False, True])
def test_with_the_default_limit_requests_of_the_permitted_size_fit_though_rows_are_larger(behind: bool) -> None:
    embedded, server = default_of(), default_of(storage="http://clickhouse:8123/x")
    for settings, resident in ((embedded, 360 * MIB), (server, 90 * MIB)):
        is_embedded = settings is embedded
        made = plan(settings.memory_limit, resident, embedded=is_embedded, batch=settings.batch_bytes, behind=behind)
        assert made.admission.largest >= 1.5 * settings.max_request_bytes


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_with_workers_each_process_has_as_much_memory_as_one_alone(workers: int) -> None:
    settings = default_of(storage="http://clickhouse:8123/x", workers=str(workers))
    assert settings.memory_limit // (workers + 1) == default_of(storage="http://clickhouse:8123/x").memory_limit


@given(
    size=st.integers(1, 1 << 30),
    resident=st.integers(0, 1 << 30),
    batch=st.integers(1, 1 << 28),
    embedded=st.booleans(),
    behind=st.booleans(),
)
def test_the_memory_that_requests_of_a_size_are_said_to_need_is_enough_and_not_too_much(
    size: int, resident: int, batch: int, embedded: bool, behind: bool
) -> None:
    needed = memory_for_requests(size, resident, batch_bytes=batch, embedded=embedded, behind=behind)
    made = plan(needed, resident, embedded=embedded, batch=batch, behind=behind)
    assert size <= made.admission.largest <= max(size, 4 * MIB) + 16


def test_batches_that_are_stored_behind_the_acknowledgement_leave_less_for_requests() -> None:
    assert plan(behind=True).admission.size < plan().admission.size
    assert plan(behind=True).admission.largest >= 64 * MIB


@given(
    limit=st.integers(0, 1 << 36),
    resident=st.integers(0, 1 << 30),
    batch=st.integers(1, 1 << 28),
    embedded=st.booleans(),
)
def test_what_is_planned_with_fits_below_the_limit(limit: int, resident: int, batch: int, embedded: bool) -> None:
    try:
        made = plan(limit, resident, embedded=embedded, batch=batch)
    except ConfigError:
        return
    assert resident + MEMORY_FACTOR * made.admission.size < limit
    assert resident + MEMORY_FACTOR * made.admission.largest < limit
    assert 0 < made.rows.repeated <= made.admission.largest
    assert made.rows.records > 0


def test_a_limit_that_is_too_low_for_the_server_itself_is_refused_with_one_that_is_not() -> None:
    with pytest.raises(ConfigError, match=r"too low: the server itself takes 90 MiB") as error:
        plan(200 * MIB)
    named = read_size(str(error.value).partition("--memory-limit ")[2].split()[0])
    assert plan(named).admission.largest >= 4 * MIB


def test_the_kernel_tells_how_much_memory_this_process_takes() -> None:
    before = resident_memory()
    assert before is not None
    assert before > 10 * MIB
    held = b"x" * (64 * MIB)
    assert (resident_memory() or 0) > before + 32 * MIB
    del held


@given(limit=st.integers(400 * MIB, 1 << 34), engine=st.integers(250 * MIB, 400 * MIB), embedded=st.booleans())
def test_before_storage_is_open_no_request_is_refused_that_can_be_taken_in_later(
    limit: int, engine: int, embedded: bool
) -> None:
    try:
        most = largest_acceptable_request(limit, 80 * MIB, batch_bytes=32 * MIB, embedded=embedded, behind=False)
    except ConfigError:
        most = 0
    try:
        made = plan(limit, 80 * MIB + (engine if embedded else 0), embedded=embedded)
    except ConfigError:
        return
    assert made.admission.largest <= most <= limit


class Machine:
    """A guard of an admission, on a machine whose memory and time are set by hand."""

    def __init__(self) -> None:
        self.admission = Admission(AdmissionLimits(100, 1 << 30, 1 << 30))
        self.resident, self.now = 0, 0.0
        self.given_back = threading.Event()
        self.guard = MemoryGuard(
            LIMIT,
            self.admission,
            [self.fail, self.given_back.set],
            resident=lambda: self.resident,
            clock=lambda: self.now,
        )

    def fail(self) -> None:
        raise RuntimeError("storage has gone")

    def look(self, resident: int) -> None:
        self.resident = resident
        self.now += 0.05
        self.guard.look()


def test_while_there_is_memory_nothing_happens() -> None:
    machine = Machine()
    machine.look(LIMIT // 2)
    with machine.admission.admit("a"), machine.admission.admit("b"):
        pass
    assert not machine.given_back.is_set()


def test_freed_memory_is_given_back_before_anybody_is_refused_and_whatever_cannot_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = Machine()
    machine.look(LIMIT * 8 // 10)
    assert machine.given_back.wait(60)
    with machine.admission.admit("a"), machine.admission.admit("b"):
        pass
    assert "storage has gone" in caplog.text


def test_while_memory_is_short_requests_are_refused_and_the_newest_arrivals_ended() -> None:
    machine = Machine()
    ended: list[tuple[str, RefusedError]] = []
    with machine.admission.admit("old") as old, machine.admission.admit("new") as new:
        with (
            old.arriving(lambda error: ended.append(("old", error))),
            new.arriving(lambda error: ended.append(("new", error))),
        ):
            machine.look(LIMIT * 95 // 100)
            assert not ended
            machine.look(LIMIT * 95 // 100)
        ((which, error),) = ended
        assert which == "new"
        assert error.retry_after >= 0.75
        with pytest.raises(OverloadedError, match="short of memory"):
            machine.admission.admit("a")
        machine.look(LIMIT // 2)
        machine.admission.admit("a")


async def test_slow_arrivals_are_looked_after() -> None:
    machine = Machine()
    task = asyncio.create_task(machine.guard.run())
    with machine.admission.admit("slow", 1 << 20) as ticket, ticket.arriving(lambda _: None):
        ticket.since -= 10
        machine.now += 10
        await until(lambda: machine.admission.size < 1 << 20)
    task.cancel()
