"""Holding the lease on the writer's name: against a real ClickHouse, whose clock decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from harness.waiting import until
from server.process.lifecycle import sole_writer
from server.process.pools import Pool
from server.process.storage_wait import StoppedError
from storage.engine import Engine
from storage.errors import LeaseHeldError
from storage.rowbinary import read_rows, text
from storage.writers import LEASE, WriterName
from tests.storage.lease_rows import write_lease_row

# The embedded engine needs no lease.
pytestmark = pytest.mark.parametrize("module_engine", ["server"], indirect=True, scope="module")

HERE = WriterName("shop", "writer-1", "pod-0:/data [0a1b]")
THERE = WriterName("shop", "writer-1", "pod-0:/data [2c3d]")
ELSEWHERE = WriterName("shop", "writer-1", "pod-1:/data [2c3d]")


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool("lease", 1)
    yield pool
    pool.close()


def held_by(engine: Engine, name: WriterName, ago: float) -> None:
    """Write down that a server was killed that held the lease, some seconds after its last renewal."""
    for writing in (2, 1):
        write_lease_row(engine, name, writing, ago)


def places(engine: Engine) -> set[str]:
    rows = engine.query("SELECT DISTINCT Place FROM log_writers")
    return {place for (place,) in read_rows(rows, (text,))}


async def hold(pool: Pool, engine: Engine, stop: asyncio.Event | None = None, patience: float = 600.0) -> None:
    """Hold the lease for a moment."""
    async with sole_writer(pool, engine, HERE, stop or asyncio.Event(), threading.Event(), patience):
        pass


def waits(caplog: pytest.LogCaptureFixture) -> list[str]:
    messages = [record.getMessage() for record in caplog.records]
    return [message for message in messages if "for the lease to run out" in message]


async def until_it_waits(caplog: pytest.LogCaptureFixture) -> None:
    await until(lambda: waits(caplog))


async def test_a_start_after_a_reboot_waits_until_the_lease_has_run_out(
    engine: Engine, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    held_by(engine, THERE, -1000)
    start = asyncio.create_task(hold(pool, engine))
    await until_it_waits(caplog)
    assert HERE.place not in places(engine)
    engine.execute("TRUNCATE TABLE log_writers")
    held_by(engine, THERE, LEASE + 30)
    await start
    assert HERE.place in places(engine)
    (message,) = waits(caplog)
    assert "a server at pod-0:/data [2c3d]" in message


async def test_a_start_does_not_wait_for_a_server_on_another_host(
    engine: Engine, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    held_by(engine, ELSEWHERE, -1000)
    with pytest.raises(LeaseHeldError, match="pod-1"):
        await hold(pool, engine)
    assert not waits(caplog)


async def test_a_start_ends_if_the_server_of_the_same_host_name_and_path_keeps_its_lease(
    engine: Engine, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    held_by(engine, THERE, -1000)
    with pytest.raises(LeaseHeldError, match=r"pod-0:/data \[2c3d\] is writing under the same name"):
        await hold(pool, engine, patience=0.0)
    assert waits(caplog)
    assert HERE.place not in places(engine)


async def test_a_start_that_waits_for_a_lease_can_be_stopped(
    engine: Engine, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    held_by(engine, THERE, -1000)
    stop = asyncio.Event()
    start = asyncio.create_task(hold(pool, engine, stop))
    await until_it_waits(caplog)
    stop.set()
    with pytest.raises(StoppedError):
        await start


async def test_a_start_after_a_crash_on_the_same_machine_does_not_wait(
    engine: Engine, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    held_by(engine, replace(HERE, instance=uuid4()), 1)
    await hold(pool, engine)
    assert not waits(caplog)
