"""A journal on a disk that fails and crashes at any time, beside a list of what it has to hold."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from server.errors.ingest import JournalFailedError, JournalFullError
from server.log.journal import Journal
from server.log.journal_keys import NO_KEYS, JournalKeys, MasterKey
from tests.effort import effort

from .disk import Disk
from .journals import entries
from .stepped import Crash

FIRST, SECOND = (bytes([number]) * 32 for number in (1, 2))


class JournalMachine(RuleBasedStateMachine):
    """A journal on a disk that fails and crashes, beside a list of what it has to hold."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.disk = Disk(self.directory)
        self.past: list[bytes] = []  # all entries by their numbers, from 1
        self.waiting = 0  # how many of the last ones have not left
        self.doubtful: set[bytes] = set()  # any of this may come back if the process ends now
        self.syncs = 0
        self.retractable = False
        self.keys = NO_KEYS

    @initialize(segment_bytes=st.sampled_from([0, 200, 1000]), limit=st.sampled_from([1500, 100_000]))
    def begin(self, segment_bytes: int, limit: int) -> None:
        self.sizes = limit, segment_bytes
        self.open()

    def open(self) -> None:
        limit, segment_bytes = self.sizes
        self.journal = Journal(self.directory, limit, segment_bytes=segment_bytes, sync=self.disk.sync, keys=self.keys)
        numbers, held = self.journal.waiting, entries(self.journal)
        if self.doubtful and numbers and numbers[-1] == len(self.past) + 1:
            assert held[-1] in self.doubtful
            self.past.append(held[-1])
            self.waiting += 1
        self.doubtful.clear()
        self.retractable = False
        # Those that had left may be met again.
        assert len(numbers) >= self.waiting
        self.waiting = len(numbers)
        if numbers:
            assert numbers == list(range(len(self.past) - len(numbers) + 1, len(self.past) + 1))
            assert held == self.past[-len(numbers) :]

    @rule(size=st.integers(0, 400), failing=st.sampled_from([0, 0, 0, 0, 1, 2, 3]))
    def append(self, size: int, failing: int) -> None:
        payload = bytes([len(self.past) % 251]) * size + b"%d" % self.syncs
        self.syncs += 1
        self.disk.failing = failing
        try:
            number = self.journal.append([payload])
        except JournalFullError:
            assert self.waiting
        except JournalFailedError:
            self.retractable = False
            if failing > 1:  # what was written could not be cut off at once
                self.doubtful.add(payload)
        else:
            self.past.append(payload)
            self.waiting += 1
            self.doubtful.clear()
            self.retractable = True
            assert number == len(self.past)
        self.disk.failing = 0

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        leaving = data.draw(st.integers(0, self.waiting))
        self.waiting -= leaving
        self.retractable = self.retractable and self.waiting > 0
        self.journal.release(len(self.past) - self.waiting)

    @precondition(lambda self: self.retractable)
    @rule(failing=st.sampled_from([0, 0, 1]))
    def retract(self, failing: int) -> None:
        self.disk.failing = failing
        payload = self.past.pop()
        self.waiting -= 1
        self.retractable = False
        try:
            self.journal.retract(len(self.past) + 1)
        except JournalFailedError:
            assert failing
            self.doubtful.add(payload)
        self.disk.failing = 0

    @rule()
    def reopen(self) -> None:
        self.journal.close()
        self.open()

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.journal.close()
        self.disk.crash(lambda most: data.draw(st.integers(0, most)))
        self.open()

    @rule(data=st.data(), syncs=st.integers(0, 2))
    def crash_while_appending(self, data: st.DataObject, syncs: int) -> None:
        left = iter(range(syncs))

        def crash() -> None:
            if next(left, None) is None:
                raise Crash

        payload = b"cut off %d" % self.syncs
        self.syncs += 1
        self.disk.before_sync = crash
        self.disk.failing = 0
        try:
            self.journal.append([payload])
        except Crash:
            self.doubtful.add(payload)
        except JournalFullError:
            pass
        else:
            self.past.append(payload)
            self.waiting += 1
            self.doubtful.clear()
        self.disk.before_sync = lambda: None
        self.crash(data)

    @invariant()
    def it_has_what_it_acknowledged(self) -> None:
        if hasattr(self, "journal"):
            assert entries(self.journal) == self.past[len(self.past) - self.waiting :]

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
        shutil.rmtree(self.directory)


class EncryptedJournalMachine(JournalMachine):
    """A journal whose key is replaced or given up at any start, and that is read with all that it ever had."""

    current: MasterKey | None = MasterKey(FIRST)

    def open(self) -> None:
        self.keys = JournalKeys(self.current, [FIRST, SECOND])
        super().open()
        self.journal.release(0)  # as a start does, once it knows what is stored

    @rule(key=st.sampled_from([FIRST, SECOND, None]))
    def reopen_with_another_key(self, key: bytes | None) -> None:
        self.current = MasterKey(key) if key else None
        self.reopen()

    @invariant()
    def nothing_in_clear_is_left_of_what_has_left(self) -> None:
        if hasattr(self, "journal") and self.current and not self.waiting:
            assert not any(path.read_bytes().startswith(b"LNJRNL") for path in self.directory.glob("*.journal"))


@pytest.mark.parametrize("machine", [JournalMachine, EncryptedJournalMachine])
def test_whatever_fails_and_whenever_it_crashes_a_journal_has_what_it_acknowledged_and_no_more(
    machine: type[JournalMachine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "server.log.journal_segments")
    run_state_machine_as_test(machine, settings=settings(max_examples=effort(60), stateful_step_count=40))
