"""The journal: what was acknowledged is met again, whatever happens to the disk, and what was refused is not."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors.ingest import JournalDamagedError, JournalFailedError, JournalFullError
from server.log.journal import Journal
from server.log.journal_frames import FRAME_HEADER, SEGMENT_HEADER
from server.log.journal_segments import segment_files

from .disk import Disk

LIMIT = 1 << 20


@contextmanager
def opened(directory: Path, limit: int = LIMIT, segment_bytes: int = LIMIT) -> Iterator[Journal]:
    with closing(Journal(directory, limit, segment_bytes=segment_bytes)) as journal:
        yield journal


def entries(journal: Journal) -> list[bytes]:
    return [journal.read(number) for number in journal.waiting]


def written(directory: Path, *payloads: bytes, segment_bytes: int = LIMIT) -> list[Path]:
    """Write a journal; returns its segments."""
    with opened(directory, segment_bytes=segment_bytes) as journal:
        for payload in payloads:
            journal.append([payload])
    return [path for _, path in segment_files(directory)]


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


class TestCrash:
    """Starts after a crash, or after damage."""

    @given(st.data(), st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.sampled_from([0, 120, LIMIT]))
    def test_after_a_cut_anywhere_all_before_it_is_there_and_appends_go_on(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, payloads: list[bytes], segment_bytes: int
    ) -> None:
        directory = tmp_path_factory.mktemp("journal")
        last = written(directory, *payloads, segment_bytes=segment_bytes)[-1]
        first = int(last.stem)
        cut = data.draw(st.integers(0, last.stat().st_size))
        os.truncate(last, cut)
        ends = [SEGMENT_HEADER]
        for payload in payloads[first - 1 :]:
            ends.append(ends[-1] + FRAME_HEADER + len(payload))
        left = payloads[: first - 1 + sum(end <= cut for end in ends[1:])]
        with opened(directory, segment_bytes=segment_bytes) as journal:
            assert entries(journal) == left
            journal.append([b"goes on"])
        with opened(directory, segment_bytes=segment_bytes) as journal:
            assert entries(journal) == [*left, b"goes on"]

    @given(st.data(), st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.sampled_from([0, 120, LIMIT]))
    def test_a_changed_byte_stops_the_start_unless_it_is_in_the_last_entry(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, payloads: list[bytes], segment_bytes: int
    ) -> None:
        directory = tmp_path_factory.mktemp("journal")
        segments = written(directory, *payloads, segment_bytes=segment_bytes)
        damaged = data.draw(st.sampled_from(segments))
        content = bytearray(damaged.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        damaged.write_bytes(content)
        before = {path: path.read_bytes() for path in segments}
        try:
            with opened(directory, segment_bytes=segment_bytes) as journal:
                # A crash can have left this, while the last one was written.
                assert entries(journal) == payloads[:-1]
                journal.append([b"goes on"])
        except JournalDamagedError as error:
            assert str(damaged) in str(error)  # noqa: PT017 - it need not be raised
            assert "journal inspect" in str(error)  # noqa: PT017
            assert {path: path.read_bytes() for path in segments} == before
        else:
            with opened(directory, segment_bytes=segment_bytes) as journal:
                assert entries(journal) == [*payloads[:-1], b"goes on"]

    @given(
        st.lists(st.binary(max_size=40), min_size=1, max_size=5),
        st.one_of(st.integers(1, 5000).map(bytes), st.binary(min_size=1, max_size=300)),
    )
    def test_what_stands_behind_the_last_entry_is_cut_off_and_reported(
        self, tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], tail: bytes
    ) -> None:
        directory = tmp_path_factory.mktemp("journal")
        [segment] = written(directory, *payloads)
        with segment.open("ab") as file:
            file.write(tail)
        with opened(directory) as journal:
            assert entries(journal) == payloads
            journal.append([b"goes on"])
        with opened(directory) as journal:
            assert entries(journal) == [*payloads, b"goes on"]

    def test_what_is_cut_off_is_reported(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        [segment] = written(tmp_path, b"whole", b"torn")
        os.truncate(segment, segment.stat().st_size - 1)
        with opened(tmp_path):
            [record] = caplog.records
        assert (record.levelno, str(segment) in record.message) == (logging.WARNING, True)
        assert f"({FRAME_HEADER + 3} bytes)" in record.message

    def test_a_segment_that_had_only_begun_is_begun_anew(self, tmp_path: Path) -> None:
        *_, last = written(tmp_path, b"a", b"b", segment_bytes=0)
        last.write_bytes(bytes(SEGMENT_HEADER))
        with opened(tmp_path, segment_bytes=0) as journal:
            assert entries(journal) == [b"a"]
            assert journal.append([b"c"]) == 2
        with opened(tmp_path, segment_bytes=0) as journal:
            assert entries(journal) == [b"a", b"c"]

    def test_a_segment_that_is_missing_stops_the_start(self, tmp_path: Path) -> None:
        _, second, third = written(tmp_path, b"a", b"b", b"c", segment_bytes=0)
        second.unlink()
        with pytest.raises(JournalDamagedError, match="frames 2 to 2 are missing before it") as error:
            Journal(tmp_path, LIMIT)
        assert str(third) in str(error.value)

    def test_those_that_had_left_may_be_missing_at_the_beginning(self, tmp_path: Path) -> None:
        first, *_ = written(tmp_path, b"a", b"b", b"c", segment_bytes=0)
        first.unlink()
        with opened(tmp_path) as journal:
            assert (journal.waiting, entries(journal)) == ([2, 3], [b"b", b"c"])

    def test_whoever_is_killed_has_on_disk_what_it_acknowledged(self, tmp_path: Path) -> None:
        program = (
            "import pathlib, sys\n"
            "from server.log.journal import Journal\n"
            "journal = Journal(pathlib.Path(sys.argv[1]), 1 << 30, segment_bytes=20_000)\n"
            "while True:\n"
            "    number = journal.append([b'%d ' % (journal.waiting[-1] + 1 if len(journal) else 1)] * 1000)\n"
            "    print(number, flush=True)\n"
        )
        with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            acknowledged = [int(process.stdout.readline()) for _ in range(30)]
            process.send_signal(signal.SIGKILL)
            acknowledged += map(int, process.stdout.read().split())
        with opened(tmp_path, limit=1 << 30) as journal:
            assert journal.waiting[: len(acknowledged)] == acknowledged
            assert entries(journal) == [b"%d " % number * 1000 for number in journal.waiting]

    @pytest.mark.parametrize("segment_bytes", [0, LIMIT])
    def test_what_a_killed_process_had_not_synced_is_durable_before_it_is_used(
        self, tmp_path: Path, segment_bytes: int
    ) -> None:
        written(tmp_path, b"a", b"b", segment_bytes=segment_bytes)  # of which this disk was not told
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, LIMIT, sync=disk.sync)) as journal:
            assert list(disk.durable_frames())[-1] == journal.read(2)


class TestFaults:
    """Failures of a disk while the journal is written."""

    def test_a_failed_sync_refuses_the_entry_and_it_never_comes_back(self, tmp_path: Path) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, LIMIT, sync=disk.sync)) as journal:
            journal.append([b"before"])
            for failing in (1, 2, 5):  # more than one: what it left behind cannot be cut off at once either
                disk.failing = failing
                with pytest.raises(JournalFailedError, match="input/output error") as refusal:
                    journal.append([b"refused %d" % failing])
                assert refusal.value.retry_after > 0
                while disk.failing:
                    with pytest.raises(JournalFailedError):
                        journal.append([b"refused too"])
                journal.append([b"after %d" % failing])
            expected = [b"before", b"after 1", b"after 2", b"after 5"]
            assert entries(journal) == expected
            assert journal.waiting == [1, 2, 3, 4]
        disk.crash(lambda most: most)
        with opened(tmp_path) as journal:
            assert entries(journal) == expected

    @pytest.mark.parametrize("failing", [1, 2, 3])
    def test_a_segment_whose_beginning_is_not_synced_gets_no_entry(self, tmp_path: Path, failing: int) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, LIMIT, segment_bytes=0, sync=disk.sync)) as journal:
            journal.append([b"first"])
            disk.failing = failing
            for _ in range(failing):
                with pytest.raises(JournalFailedError):
                    journal.append([b"refused"])
            journal.append([b"second"])
        disk.crash(lambda _: 0)
        with opened(tmp_path) as journal:
            assert entries(journal) == [b"first", b"second"]

    def test_an_entry_that_cannot_be_taken_back_now_is_before_the_next_is_written(self, tmp_path: Path) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, LIMIT, sync=disk.sync)) as journal:
            journal.append([b"stays"])
            number = journal.append([b"refused"])
            disk.failing = 2
            with pytest.raises(JournalFailedError):
                journal.retract(number)
            assert entries(journal) == [b"stays"]
            with pytest.raises(JournalFailedError):
                journal.append([b"too early"])
            journal.append([b"next"])
        disk.crash(lambda most: most)
        with opened(tmp_path) as journal:
            assert entries(journal) == [b"stays", b"next"]

    @pytest.mark.parametrize("room", [10_000, 10_011, 12_345])
    def test_on_a_full_disk_entries_are_refused_until_there_is_room(self, tmp_path: Path, room: int) -> None:
        # In a process of its own: the limit counts for all files that a process writes.
        program = (
            "import pathlib, resource, sys\n"
            "from server.errors.ingest import JournalFailedError\n"
            "from server.log.journal import Journal\n"
            "journal = Journal(pathlib.Path(sys.argv[1]), 1 << 20)\n"
            "unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), unlimited[1]))\n"
            "refused = 0\n"
            "while refused < 3:\n"
            "    try:\n"
            "        journal.append([b'x' * 1000])\n"
            "    except JournalFailedError:\n"
            "        refused += 1\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)\n"
            "journal.append([b'room'])\n"
            "print(len(journal))\n"
        )
        done = subprocess.run([sys.executable, "-c", program, tmp_path, str(room)], check=True, capture_output=True)
        whole = (room - SEGMENT_HEADER) // (FRAME_HEADER + 1000)
        assert int(done.stdout) == whole + 1
        with opened(tmp_path) as journal:
            assert entries(journal) == [*[b"x" * 1000] * whole, b"room"]
