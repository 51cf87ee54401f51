"""Waiting for storage: what is worth waiting for, the reason meanwhile, and the end of a process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from server.process.pools import Pool
from server.process.storage_wait import StoppedError, StorageWait, retry_until_available
from storage.errors import NotAppliedError, OutcomeUnknownError, SettingRefusedError, StorageError
from storage.url import parse_storage_url


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool("test", 1)
    yield pool
    pool.close()


@pytest.fixture
def waiting() -> StorageWait:
    return StorageWait(parse_storage_url("http://me:hush@db.example:8123/logs"))


class Work:
    """Work that fails some times, and keeps what was given as the reason meanwhile."""

    def __init__(self, waiting: StorageWait, *failures: StorageError) -> None:
        self._waiting = waiting
        self._failures = list(failures)
        self.reasons: list[str] = []

    def __call__(self) -> str:
        self.reasons.append(self._waiting.reason)
        if self._failures:
            raise self._failures.pop(0)
        return "done"


async def test_the_last_error_is_the_reason_until_the_work_is_done_and_changes_are_logged(
    pool: Pool, waiting: StorageWait, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.process.storage_wait._FIRST_PAUSE", 0.001)
    caplog.set_level(logging.INFO)
    errors = [NotAppliedError("no route"), NotAppliedError("no route"), OutcomeUnknownError("no answer")]
    work = Work(waiting, *errors)
    assert await retry_until_available(pool, work, asyncio.Event(), waiting) == "done"
    assert work.reasons == ["", "no route", "no route", "no answer"]
    assert waiting.reason == ""
    assert [message.partition(" after ")[0] for message in caplog.messages] == [
        "waiting for storage at http://me@db.example:8123/logs: no route",
        "waiting for storage at http://me@db.example:8123/logs: no answer",
        "storage at http://me@db.example:8123/logs can be used,",
    ]


async def test_what_lasts_until_somebody_acts_is_not_waited_for(pool: Pool, waiting: StorageWait) -> None:
    with pytest.raises(SettingRefusedError):
        await retry_until_available(pool, Work(waiting, SettingRefusedError("no")), asyncio.Event(), waiting)


async def test_work_that_hangs_is_left_when_the_process_stops_if_nothing_depends_on_it(
    pool: Pool, waiting: StorageWait
) -> None:
    stop, begun, go_on = asyncio.Event(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait()

    task = asyncio.create_task(retry_until_available(pool, hang, stop, waiting, may_be_left=True))
    await begun.wait()
    stop.set()
    try:
        with pytest.raises(StoppedError):
            await task
    finally:
        go_on.set()
