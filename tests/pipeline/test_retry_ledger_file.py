"""What was left behind is known after a restart."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.pipeline.retry_ledger import REMEMBERED_SECONDS
from server.pipeline.retry_ledger_file import RetryLedgerFile

A, B = b"a" * 32, b"b" * 32


def test_what_was_left_and_not_taken_over_comes_back_once(tmp_path: Path) -> None:
    file = RetryLedgerFile(tmp_path / "left")
    assert file.restart() == []
    for request, left in ((A, True), (B, True), (A, True), (A, False)):
        file.note(request, left)
    assert sorted(RetryLedgerFile(tmp_path / "left").restart()) == [A, B]
    assert RetryLedgerFile(tmp_path / "left").restart() == []


def test_what_is_long_ago_is_forgotten(tmp_path: Path) -> None:
    now = [1000.0]
    file = RetryLedgerFile(tmp_path / "left", lambda: now[0])
    file.note(A, True)
    now[0] += REMEMBERED_SECONDS - 1
    file.note(B, True)
    now[0] += 2
    assert file.restart() == [B]


@given(st.integers(0, 3 * 41))
def test_a_file_that_is_cut_off_has_what_is_whole(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "left"
    file = RetryLedgerFile(path)
    for request in (A, B, A):
        file.note(request, True)
    path.write_bytes(path.read_bytes()[:length])
    assert sorted(file.restart()) == sorted([A, B, A][: length // 41])


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    RetryLedgerFile(tmp_path / "nowhere" / "left").note(A, True)


def test_on_a_full_disk_there_is_room_that_was_taken_before(tmp_path: Path) -> None:
    file = RetryLedgerFile(tmp_path / "left")
    file.restart()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (tmp_path / "left").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
    try:
        for _ in range(100):
            file.note(A, True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert len(file.restart()) == 100
