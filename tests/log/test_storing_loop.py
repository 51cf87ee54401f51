"""The loop that stores the entries of a journal: no wake-up is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from harness.waiting import PATIENCE
from server.errors.ingest import EndedWaitError, StorageRefusedError
from server.log.storing_loop import StoringLoop
from server.notary.origin import Stream


class SetOnceSeen(threading.Event):
    """An event that another thread sets just after it was first seen not to be set."""

    def __init__(self) -> None:
        super().__init__()
        self.wake: Callable[[], None] = lambda: None

    def is_set(self) -> bool:
        was_set = super().is_set()
        if not was_set:
            self.set()
            self.wake()
        return was_set


def test_the_loop_ends_if_it_is_woken_up_just_after_it_checked_whether_to_end() -> None:
    give_up = SetOnceSeen()
    loop = StoringLoop(Stream.AUDIT, give_up)
    give_up.wake = loop.wake
    thread = threading.Thread(target=loop.run, args=(lambda: None,), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_what_is_added_while_the_loop_stores_is_stored_too() -> None:
    give_up = threading.Event()
    loop = StoringLoop(Stream.AUDIT, give_up)
    times = 0

    def store() -> None:
        nonlocal times
        times += 1
        loop.wake()
        if times == 3:
            give_up.set()

    thread = threading.Thread(target=loop.run, args=(store,), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert (thread.is_alive(), times) == (False, 3)


def test_a_loop_that_failed_or_ended_refuses_batches() -> None:
    give_up = threading.Event()
    loop = StoringLoop(Stream.AUDIT, give_up)

    def fail() -> None:
        raise ValueError("the entry is damaged")

    loop.check_open()
    loop.run(fail)
    with pytest.raises(StorageRefusedError, match="cannot be stored: the entry is damaged"):
        loop.check_open()
    give_up.set()
    with pytest.raises(EndedWaitError):
        loop.check_open()
