"""A background task that fails does not fail unnoticed."""

from __future__ import annotations

import asyncio
import logging

import pytest

from server.process.background import TaskFailedError, background


async def fail() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError("by nothing")


async def wait_forever(cancelled: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        cancelled.set()


async def test_a_task_that_fails_is_logged_with_its_name_and_stops_the_process_which_may_be_restarted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop = asyncio.Event()
    with (
        pytest.raises(TaskFailedError, match=r"'heartbeats' failed.*ZeroDivisionError: by nothing") as caught,
        background("heartbeats", fail(), stop),
    ):
        await stop.wait()
    assert (caught.value.exit_status, caught.value.retryable) == (1, True)
    [told] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "'heartbeats'" in told.getMessage()
    assert told.exc_info is not None
    assert told.exc_info[0] is ZeroDivisionError


async def test_the_failure_of_a_task_is_told_in_place_of_the_error_that_it_led_to() -> None:
    async def stop_with_an_error(stop: asyncio.Event) -> None:
        with background("probe", fail(), stop):
            await stop.wait()
            raise ConnectionError("the server is stopping")

    with pytest.raises(TaskFailedError, match="by nothing"):
        await stop_with_an_error(asyncio.Event())


async def test_a_task_that_is_running_is_cancelled_as_the_block_ends_and_that_is_no_failure() -> None:
    stop, cancelled = asyncio.Event(), asyncio.Event()
    with background("probe", wait_forever(cancelled), stop):
        await asyncio.sleep(0)
    await cancelled.wait()
    assert not stop.is_set()


async def test_a_task_may_end_by_itself() -> None:
    stop, ended = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        ended.set()

    with background("once", end(), stop):
        await ended.wait()
        await asyncio.sleep(0)
    assert not stop.is_set()
