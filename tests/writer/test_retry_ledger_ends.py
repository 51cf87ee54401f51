"""Requests that were left behind are known after a restart, wherever the previous process ended."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from pathlib import Path

import pytest

from server.writer.retry_ledger_file import RetryLedgerFile
from tests.writer.ledger_files import ENTRY, A, B, C, left_in, opened

from .ledger_disk import Killed, LedgerDisk


class Life:
    """Model of the ledger's file, beside a file whose process may end at any call to the operating system.

    Attributes:
        surely: how often each request is left behind, by what is noted.
        perhaps: those whose note was on its way when the process ended.
        in_journal: requests of the batch in the journal.
    """

    def __init__(self) -> None:
        self.surely: Counter[bytes] = Counter()
        self.perhaps: Counter[bytes] = Counter()
        self.in_journal: list[bytes] = []

    def run(self, path: Path, disk: LedgerDisk) -> None:
        """Start, store what waits in the journal, note, compact and stop."""
        file = RetryLedgerFile(path, room=4 * ENTRY, sync=disk.sync)
        try:
            file.open(self.in_journal)
            self.surely.update(self.in_journal)  # the batch is stored
            self.in_journal = []
            file.waiting_stored()
            for request in (C, C, A, C):
                self.perhaps[request] = 1
                _raised(file.note(request, True).exception(60))
                self.perhaps[request] = 0
                self.surely[request] += 1
                if request is C:
                    self.perhaps[C] = -1
                    _raised(file.note(C, False).exception(60))
                    self.perhaps[C] = 0
                    self.surely[C] -= 1
        finally:
            disk.kill_at = None
            file.close()

    def check(self, left: list[bytes]) -> None:
        found = Counter(left)
        for request in (A, B, C):
            sure = self.surely[request]
            assert found[request] in (sure, sure + self.perhaps[request]), request


def _raised(error: BaseException | None) -> None:
    if error is not None:
        raise error


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LedgerDisk:
    (tmp_path / "journal").mkdir()
    return LedgerDisk(tmp_path / "journal", monkeypatch)


def _begin(path: Path, disk: LedgerDisk) -> Life:
    """A file that an earlier process has left, and a batch that it has left in the journal."""
    for old in path.parent.iterdir():
        old.unlink()
    life = Life()
    with opened(path, sync=disk.sync) as (file, _):
        for request in (A, A, B, A, B, A, A, A):
            file.note(request, True).result(60)
            life.surely[request] += 1
    with opened(path, sync=disk.sync):  # what it has is durable
        pass
    life.in_journal = [B, C]
    return life


def test_a_process_that_is_killed_at_any_point_loses_nothing(disk: LedgerDisk) -> None:
    path = disk.directory / "left"
    for calls in range(1000):
        life = _begin(path, disk)
        disk.kill_at = calls
        try:
            life.run(path, disk)
        except Killed:
            life.check(left_in(path, *life.in_journal))
        else:
            life.check(left_in(path))
            assert calls > 40  # it was killed as often
            return
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize("names", [False, True])
def test_a_power_failure_while_the_file_is_replaced_loses_nothing_that_was_known_at_the_start(
    disk: LedgerDisk, names: bool
) -> None:
    path = disk.directory / "left"
    for calls in range(1000):
        life = _begin(path, disk)
        known = life.surely.copy()
        disk.kill_at = calls
        with contextlib.suppress(Killed):
            life.run(path, disk)
            return
        if names:
            disk.fail_power_before_names()
        else:
            disk.fail_power()
        found = Counter(left_in(path, *life.in_journal))
        assert all(found[request] >= known[request] for request in (A, B)), calls
    raise AssertionError("it does not come to an end")


def test_os_is_what_the_disk_counts(disk: LedgerDisk) -> None:
    disk.kill_at = 0
    with pytest.raises(Killed):
        os.open(disk.directory, os.O_RDONLY)
