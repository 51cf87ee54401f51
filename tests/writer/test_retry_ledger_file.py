"""Requests that were left behind are known after a restart."""

from __future__ import annotations

import contextlib
import logging
import resource
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.data_dir.errors import DataDirectoryError
from server.pipeline.retry_ledger import REMEMBERED_SECONDS
from server.writer.retry_ledger_file import RetryLedgerFile
from tests.writer.ledger_files import ENTRY, A, B, C, left_in, opened

LEFT = 1
NOW = 1_790_000_000.0


def test_what_was_left_and_not_taken_over_comes_back_at_every_start_until_it_is(tmp_path: Path) -> None:
    path = tmp_path / "left"
    with opened(path) as (file, left):
        assert left == []
        for request, is_left in ((A, True), (B, True), (A, True), (A, False)):
            file.note(request, is_left)
    for _ in range(3):
        assert left_in(path) == [A, B]
    with opened(path) as (file, _):
        file.note(B, False)
    assert left_in(path) == [A]


def test_a_ledger_that_cannot_be_read_is_an_error_that_names_it_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "left"
    path.mkdir()
    file = RetryLedgerFile(path)
    with pytest.raises(
        DataDirectoryError, match=r"left cannot be read: is a directory\. .* move the file away"
    ) as raised:
        file.open()
    file.close()
    assert raised.value.exit_status == 2


def test_a_note_is_in_the_file_when_its_future_is_done(tmp_path: Path) -> None:
    path = tmp_path / "left"
    with opened(path) as (file, _):
        for number in range(1, 5):
            file.note(A, True).result(60)
            assert path.read_bytes()[(number - 1) * ENTRY :][: ENTRY - 9] == A


def test_what_is_noted_after_it_was_closed_is_in_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "left"
    with opened(path) as (file, _):
        file.note(A, True)
    file.note(B, True).result(60)
    assert left_in(path) == [A, B]


def test_what_is_long_ago_is_forgotten_and_the_rest_is_as_old_as_it_was(tmp_path: Path) -> None:
    now = [NOW]
    with opened(tmp_path / "left", now=lambda: now[0]) as (file, _):
        file.note(A, True).result(60)
        now[0] += REMEMBERED_SECONDS - 1
        file.note(B, True).result(60)
        now[0] += 2
    with opened(tmp_path / "left", now=lambda: now[0]):
        pass
    now[0] += 5
    file = RetryLedgerFile(tmp_path / "left", lambda: now[0])
    assert [(one.request, one.age) for one in file.open()] == [(B, 7.0)]
    file.close()


def test_the_oldest_is_taken_over_though_its_own_time_is_over_as_in_the_ledger(tmp_path: Path) -> None:
    now = [NOW]
    with opened(tmp_path / "left", now=lambda: now[0]) as (file, _):
        for age, is_left in ((0, True), (800, True), (850, False)):
            now[0] = NOW + age
            file.note(A, is_left).result(60)
    now[0] = NOW + 1000
    with opened(tmp_path / "left", now=lambda: now[0]) as (_, left):
        assert left == [A]


@given(st.integers(0, 3 * ENTRY))
def test_a_file_that_is_cut_off_has_what_is_whole(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "left"
    with opened(path) as (file, _):
        for request in (A, B, A):
            file.note(request, True)
    path.write_bytes(path.read_bytes()[:length])
    assert left_in(path) == sorted([A, B, A][: length // ENTRY])


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "left"
    entry = struct.Struct("<32sdB")
    with opened(path) as (file, _):
        file.note(A, True).result(60)
        _, noted_at, _ = entry.unpack(path.read_bytes()[:ENTRY])
    path.write_bytes(entry.pack(B, noted_at, LEFT) + bytes(100 * ENTRY))
    assert left_in(path) == [B]


def test_a_directory_that_cannot_be_written_is_no_error_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "nowhere" / "left"
    with opened(path) as (file, left):
        assert left == []
        file.note(A, True).result(60)
        assert "may be stored twice" in caplog.text
        path.parent.mkdir()
        file.note(B, True).result(60)  # what was not noted before is noted now
    assert left_in(path) == [A, B]


class TestFullDisk:
    """The file cannot grow: it has the room that was allocated before."""

    @pytest.fixture(autouse=True)
    def _quiet(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.CRITICAL, "server.writer.retry_ledger_file")

    @contextlib.contextmanager
    def full(self, size: int) -> Iterator[None]:
        """No file can be larger."""
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    def test_there_is_room_that_was_allocated_before(self, tmp_path: Path) -> None:
        path = tmp_path / "left"
        with opened(path) as (file, _), self.full(path.stat().st_size):
            for _ in range(100):
                file.note(A, True).result(60)
        assert left_in(path) == 100 * [A]

    def test_what_did_not_fit_is_written_when_there_is_room_and_nothing_is_torn(self, tmp_path: Path) -> None:
        path = tmp_path / "left"
        with opened(path, room=3 * ENTRY) as (file, _):
            with self.full(3 * ENTRY + 10):  # the fourth is written in part
                for request in (A, B, A, C, B):
                    file.note(request, True).result(60)
            file.note(C, True).result(60)
        assert left_in(path) == sorted([A, B, A, C, B, C])

    def test_a_start_goes_on_with_the_file_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "left"
        with opened(path, B, room=100 * ENTRY) as (file, _):
            file.note(A, True).result(60)
        with self.full(ENTRY), opened(path, B, C, room=100 * ENTRY) as (file, left):
            assert left == [A]
        with opened(path, B, C) as (file, left):
            assert left == [A]
        assert left_in(path) == [A, B, C]


def test_it_does_not_grow_beyond_what_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "left"
    room = 64 * ENTRY
    with opened(path, room=room) as (file, _):
        for _ in range(1000):
            file.note(A, True).result(60)
            file.note(A, False).result(60)
            file.note(B, True).result(60)
            file.note(B, False).result(60)
        file.note(C, True).result(60)
        assert path.stat().st_size <= 2 * room
    assert left_in(path) == [C]


class TestWaitingBatches:
    """Requests in batches that wait in the journal at a start are left behind once these are stored, and only then."""

    def test_they_are_not_returned_while_their_batch_waits_however_often_it_starts(self, tmp_path: Path) -> None:
        for _ in range(3):
            assert left_in(tmp_path / "left", A, A, B) == []
        assert left_in(tmp_path / "left") == [A, A, B]  # they were stored, and the process ended at once

    def test_they_are_beside_equal_ones_that_were_left_behind(self, tmp_path: Path) -> None:
        path = tmp_path / "left"
        with opened(path) as (file, _):
            file.note(A, True)
        for _ in range(3):
            assert left_in(path, A) == [A]
        assert left_in(path) == [A, A]

    def test_once_they_are_stored_another_batch_with_an_equal_one_is_another(self, tmp_path: Path) -> None:
        path = tmp_path / "left"
        with opened(path, A) as (file, _):
            file.waiting_stored()
        assert left_in(path, A) == [A]

    def test_they_are_remembered_from_when_they_are_stored(self, tmp_path: Path) -> None:
        now = [NOW]
        with opened(tmp_path / "left", A, now=lambda: now[0]) as (file, _):
            now[0] += 899  # storage was away
            file.waiting_stored()
        now[0] += 899
        with opened(tmp_path / "left", now=lambda: now[0]) as (_, left):
            assert left == [A]

    def test_they_do_not_expire_while_storage_is_away(self, tmp_path: Path) -> None:
        now = [NOW]
        for _ in range(2):  # killed once before they were stored
            with opened(tmp_path / "left", A, now=lambda: now[0]) as (file, left):
                assert left == []
                now[0] += 3600
        with opened(tmp_path / "left", A, now=lambda: now[0]) as (file, _):
            now[0] += 3600
            file.waiting_stored()
        now[0] += 899
        with opened(tmp_path / "left", now=lambda: now[0]) as (_, left):
            assert left == [A]

    def test_they_count_from_the_next_start_if_it_is_not_known_when_they_were_stored(self, tmp_path: Path) -> None:
        now = [NOW]
        with opened(tmp_path / "left", A, now=lambda: now[0]):
            now[0] += 3600
        with opened(tmp_path / "left", now=lambda: now[0]) as (_, left):
            assert left == [A]
        now[0] += 901
        with opened(tmp_path / "left", now=lambda: now[0]) as (_, left):
            assert left == []
