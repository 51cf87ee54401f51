"""Commits and the journal: the journal has a signed batch until storage is known to have it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from server.errors.ingest import JournalFailedError, JournalFullError, StorageRefusedError
from server.log.journal import Journal
from server.notary.origin import Stream
from tests.codec.building import follows, rows

from .disk import Disk
from .failures import REFUSED, UNKNOWN, Patience
from .pretended_log import Log, reopened
from .writers import only_batch

pytestmark = pytest.mark.usefixtures("quiet")


class TestJournal:
    """The journal has signed batches before they are sent to storage, and until storage is known to have them."""

    def test_a_batch_is_in_the_journal_while_it_is_on_its_way(self, log: Log) -> None:
        seen: list[bytes] = []
        log.engine.before_insert = lambda: seen.extend(map(log.journal.read, log.journal.waiting))
        batch = log.writer.commit([rows(Stream.AUDIT, "a")], [b"d" * 32])
        assert [only_batch(payload).batch for payload in seen] == 3 * [batch]
        assert only_batch(seen[0]).requests == (b"d" * 32,)
        assert len(log.journal) == 0

    def test_a_refused_batch_is_taken_out_again(self, log: Log) -> None:
        log.engine.failures = [(REFUSED, False)]
        with pytest.raises(StorageRefusedError):
            log.writer.commit([rows(Stream.AUDIT, "a")])
        assert reopened(log.journal) == []

    @pytest.mark.parametrize("failing", [1, 3])
    def test_what_the_disk_does_not_take_is_refused_and_goes_nowhere(self, tmp_path: Path, failing: int) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
            log = Log(journal)
            first = log.writer.commit([rows(Stream.AUDIT, "a")])
            disk.failing = failing
            for _ in range(failing // 2 + 1):
                with pytest.raises(JournalFailedError):
                    log.writer.commit([rows(Stream.AUDIT, "b")])
            second = log.writer.commit([rows(Stream.AUDIT, "c")])
            assert follows(second, first)
            assert len(log.engine.attempts) == 6

    def test_a_refused_batch_that_cannot_be_taken_out_now_is_before_the_next(self, tmp_path: Path) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
            log = Log(journal)
            log.engine.failures = [(REFUSED, False)]
            log.engine.before_insert = lambda: setattr(disk, "failing", 1)
            with pytest.raises(JournalFailedError):
                log.writer.commit([rows(Stream.AUDIT, "a")])
            log.engine.before_insert = lambda: None
            batch = log.writer.commit([rows(Stream.AUDIT, "b")])
            assert follows(batch, None)
            assert [only_batch(payload).batch for payload in reopened(journal)] == [batch]

    def test_a_batch_for_which_there_is_no_room_is_refused(self, tmp_path: Path) -> None:
        with closing(Journal(tmp_path, 1000)) as journal:
            log = Log(journal)
            first = log.writer.append([rows(Stream.AUDIT, "a")])
            with pytest.raises(JournalFullError):
                log.writer.append([rows(Stream.AUDIT, "b")])
            assert re.fullmatch(
                r"the journal is full: 1 batch waits to be stored \(2(\.\d)? KiB\), and the journal's files "
                r"have 2(\.\d)? KiB of 1000 bytes \(--journal-bytes\)",
                log.writer.stream.journal_trouble,
            )
            log.writer.stream.store_waiting()
            assert log.writer.stream.journal_trouble == ""
            assert follows(log.writer.append([rows(Stream.AUDIT, "c")]), first)

    def test_a_batch_that_was_left_at_shutdown_is_in_the_journal(self, journal: Journal) -> None:
        log = Log(journal, Patience(pauses_left=0))
        log.engine.failures = [(UNKNOWN, False)]
        with pytest.raises(StorageRefusedError):
            log.writer.commit([rows(Stream.AUDIT, "a")])
        [payload] = reopened(journal)
        assert follows(only_batch(payload).batch, None)
