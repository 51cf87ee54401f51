"""Segment files of a journal after crashes, damage and failures of the disk: what was acknowledged is met again."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors.ingest import JournalDamagedError, JournalFailedError
from server.log.journal import Journal
from server.log.journal_frames import FRAME_HEADER, SEGMENT_HEADER

from .disk import Disk
from .journals import LIMIT, entries, opened, written


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
