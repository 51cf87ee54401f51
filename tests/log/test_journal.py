"""The journal: its entries and their order, what leaves it, its limit, and what is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors.ingest import JournalDamagedError, JournalFullError
from server.log.journal import Journal
from server.log.journal_frames import FRAME_HEADER
from server.log.journal_segments import segment_files

from .journals import LIMIT, entries, opened, written


class TestEntries:
    @given(st.lists(st.lists(st.binary(max_size=50), max_size=4), max_size=8), st.integers(0, 300))
    def test_what_was_appended_is_read_and_met_again_in_its_order(
        self, tmp_path_factory: pytest.TempPathFactory, payloads: list[list[bytes]], segment_bytes: int
    ) -> None:
        directory = tmp_path_factory.mktemp("journal")
        expected = [b"".join(pieces) for pieces in payloads]
        with opened(directory, segment_bytes=segment_bytes) as journal:
            assert [journal.append(pieces) for pieces in payloads] == list(range(1, len(payloads) + 1))
            assert entries(journal) == expected
        with opened(directory, segment_bytes=segment_bytes) as journal:
            assert journal.waiting == list(range(1, len(payloads) + 1))
            assert entries(journal) == expected
            assert journal.append([b"one more"]) == len(payloads) + 1

    def test_an_entry_may_come_in_more_pieces_than_one_write_takes(self, tmp_path: Path) -> None:
        pieces = [b"%d," % number for number in range(5000)]
        with opened(tmp_path) as journal:
            journal.append(pieces)
        with opened(tmp_path) as journal:
            assert entries(journal) == [b"".join(pieces)]

    def test_others_may_not_read_it(self, tmp_path: Path) -> None:
        [segment] = written(tmp_path / "new" / "journal", b"a")
        assert segment.stat().st_mode & 0o777 == 0o600
        assert segment.parent.stat().st_mode & 0o777 == 0o700

    def test_other_files_in_its_directory_are_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "notes.journal").write_text("mine")
        written(tmp_path, b"a")
        with opened(tmp_path) as journal:
            assert entries(journal) == [b"a"]
        assert (tmp_path / "notes.journal").read_text() == "mine"

    def test_a_directory_that_cannot_be_made_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(JournalDamagedError, match="cannot be used"):
            Journal(tmp_path / "file" / "journal", LIMIT)

    def test_an_entry_that_the_disk_changed_is_not_taken_for_what_was_written(self, tmp_path: Path) -> None:
        with opened(tmp_path) as journal:
            number = journal.append([b"payload"])
            [(_, segment)] = segment_files(tmp_path)
            segment.write_bytes(segment.read_bytes().replace(b"payload", b"pay1oad"))
            with pytest.raises(JournalDamagedError, match="does not match what was written") as error:
                journal.read(number)
            assert str(segment) in str(error.value)
            segment.unlink()
            with pytest.raises(JournalDamagedError, match="cannot be read"):
                journal.read(number)


class TestLeaving:
    def test_entries_leave_in_their_order_and_segments_are_deleted_behind_them(self, tmp_path: Path) -> None:
        with opened(tmp_path, segment_bytes=0) as journal:
            for _ in range(5):
                journal.append([bytes(100)])
            size = journal.size
            journal.release(2)
            assert journal.waiting == [3, 4, 5]
            assert [first for first, _ in segment_files(tmp_path)] == [3, 4, 5]
            assert journal.size == size * 3 // 5
            journal.release(5)
            assert len(journal) == 0
            assert [first for first, _ in segment_files(tmp_path)] == [5]  # the last one stays
            assert journal.append([b"next"]) == 6

    def test_a_segment_stays_as_long_as_one_of_its_entries_waits(self, tmp_path: Path) -> None:
        with opened(tmp_path) as journal:
            for _ in range(3):
                journal.append([b"x"])
            journal.release(2)
        with opened(tmp_path) as journal:
            assert journal.waiting == [1, 2, 3]  # they are met again: what is done of it storage tells

    def test_a_segment_that_cannot_be_deleted_is_deleted_later_and_none_before_it(self, tmp_path: Path) -> None:
        with opened(tmp_path, segment_bytes=0) as journal:
            for _ in range(4):
                journal.append([b"x"])
            first = segment_files(tmp_path)[0][1]
            first.unlink()
            first.mkdir()  # no unlink removes it
            journal.release(2)
            assert [number for number, _ in segment_files(tmp_path)] == [1, 2, 3, 4]
            first.rmdir()
            journal.release(3)
            assert [number for number, _ in segment_files(tmp_path)] == [4]

    def test_nothing_is_released_of_an_empty_journal(self, tmp_path: Path) -> None:
        with opened(tmp_path) as journal:
            journal.release(7)
            assert journal.append([b"a"]) == 1


class TestLimit:
    def test_a_full_journal_refuses_until_entries_leave(self, tmp_path: Path) -> None:
        with opened(tmp_path, limit=8000) as journal:
            while journal.size + FRAME_HEADER + 700 <= 8000:
                journal.append([bytes(700)])
            with pytest.raises(JournalFullError, match="full") as refusal:
                journal.append([bytes(700)])
            assert refusal.value.retry_after > 0
            kept = len(journal)
            journal.release(kept // 2)
            journal.append([b"again"])
            assert len(journal) == kept - kept // 2 + 1

    def test_an_entry_larger_than_the_limit_is_taken_when_it_is_alone(self, tmp_path: Path) -> None:
        with opened(tmp_path, limit=100) as journal:
            assert journal.append([bytes(1000)]) == 1
            with pytest.raises(JournalFullError):
                journal.append([b""])
            journal.release(1)
            assert journal.append([bytes(1000)]) == 2

    def test_segments_are_small_enough_that_what_has_left_never_fills_it(self, tmp_path: Path) -> None:
        with opened(tmp_path, limit=8000) as journal:
            for _ in range(100):
                journal.release(journal.append([bytes(700)]) - 3)  # some wait, always

    def test_a_large_entry_that_has_left_takes_no_room_from_those_after_it(self, tmp_path: Path) -> None:
        with opened(tmp_path, limit=8000) as journal:
            journal.release(journal.append([bytes(7500)]))
            for _ in range(3):  # 900 bytes of 8000 wait
                journal.append([bytes(300)])
            assert journal.trouble == ""

    def test_what_it_says_when_it_is_full_are_the_batches_that_wait(self, tmp_path: Path) -> None:
        with opened(tmp_path, limit=8192) as journal:
            first = journal.append([bytes(3000)])
            journal.append([bytes(3000)])
            assert journal.trouble == ""
            with pytest.raises(JournalFullError, match=r"2 batches wait to be stored \(5\.9 KiB\).* of 8 KiB") as full:
                journal.append([bytes(3000)])
            assert journal.trouble == str(full.value)
            journal.release(first)
            assert journal.trouble == ""

    def test_a_disk_without_room_is_trouble_before_anything_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with opened(tmp_path) as journal:
            monkeypatch.setattr("server.log.journal.free_bytes", lambda _: 4096)
            assert journal.trouble == (
                f"the disk of the journal is full: 4 KiB are free in {tmp_path}, and the server takes no records while "
                "less than 64 KiB are free. Free some space"
            )


class TestRetracting:
    def test_the_last_entry_is_taken_back_and_its_number_used_again(self, tmp_path: Path) -> None:
        with opened(tmp_path) as journal:
            journal.append([b"stays"])
            journal.retract(journal.append([b"is taken back, and is longer than what takes its place"]))
            assert entries(journal) == [b"stays"]
        with opened(tmp_path) as journal:
            assert entries(journal) == [b"stays"]
            assert journal.append([b"instead"]) == 2
        with opened(tmp_path) as journal:
            assert entries(journal) == [b"stays", b"instead"]

    def test_a_segments_only_entry_may_be_taken_back(self, tmp_path: Path) -> None:
        with opened(tmp_path, segment_bytes=0) as journal:
            journal.append([b"stays"])
            journal.retract(journal.append([b"is taken back"]))
        with opened(tmp_path, segment_bytes=0) as journal:
            assert entries(journal) == [b"stays"]
            journal.append([b"instead"])
            assert entries(journal) == [b"stays", b"instead"]

    def test_only_the_last_entry_can_be_taken_back(self, tmp_path: Path) -> None:
        with opened(tmp_path) as journal:
            journal.append([b"a"])
            journal.append([b"b"])
            with pytest.raises(ValueError, match="not the last"):
                journal.retract(1)
            assert entries(journal) == [b"a", b"b"]
