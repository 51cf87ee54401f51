"""Batches that are appended to the journal, and stored in the background."""

from __future__ import annotations

import logging
import threading

import pytest

from harness.waiting import wait_for
from server.errors.ingest import StorageRefusedError
from server.log.journal import Journal
from server.log.journal_segments import segment_files
from server.notary.origin import Stream
from storage.errors import StorageError
from tests.codec.building import follows, rows

from .failures import REFUSED, UNKNOWN, Patience
from .pretended_log import TABLES, Log, reopened

pytestmark = pytest.mark.usefixtures("quiet")


class TestAppending:
    """Batches that are appended to the journal, and stored in the background."""

    def test_batches_go_on_from_each_other_before_any_is_stored(self, log: Log) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "abc"]
        assert [follows(*pair) for pair in zip(batches, [None, *batches], strict=False)] == 3 * [True]
        assert log.engine.attempts == []
        assert log.writer.checkpoint.size == 0  # none of them is in storage
        log.writer.stream.store_waiting()
        assert [table for table, _ in log.engine.attempts] == TABLES  # all of them together
        assert len({token for _, token in log.engine.attempts}) == 1
        assert log.committed == batches
        assert log.writer.checkpoint.size == 3
        assert len(log.journal) == 0

    @pytest.mark.parametrize(("error", "waiting"), [(REFUSED, "a"), (UNKNOWN, "a"), (UNKNOWN, "ab")])
    def test_what_storage_does_not_take_is_repeated_and_nothing_overtakes_it(
        self, log: Log, error: StorageError, waiting: str
    ) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in waiting]
        log.engine.failures = [(error, False)] * 4
        log.writer.stream.store_waiting()
        assert log.engine.attempts[:5] == 5 * [log.engine.attempts[0]]
        assert [table for table, _ in log.engine.attempts[4:]] == TABLES
        assert log.committed == batches
        assert log.give_up.blocked == 4 * [True]

    def test_a_thread_stores_what_comes_until_it_is_to_end(self, log: Log) -> None:
        thread = threading.Thread(target=log.writer.stream.store_appended)
        thread.start()
        batches = []
        for text in "abc":
            batches.append(log.writer.append([rows(Stream.AUDIT, text)]))
            wait_for(lambda: log.committed == batches)
        log.give_up.set()
        log.writer.stream.wake()
        thread.join(60)
        assert not thread.is_alive()
        with pytest.raises(StorageRefusedError, match="shutting down"):
            log.writer.append([rows(Stream.AUDIT, "d")])

    def test_batches_that_are_not_stored_at_shutdown_stay_in_the_journal(self, journal: Journal) -> None:
        log = Log(journal, Patience(pauses_left=1))
        log.writer.append([rows(Stream.AUDIT, "a")])
        log.engine.failures = [(UNKNOWN, False)] * 9
        log.writer.stream.store_appended()  # returns, since the writer gave up
        assert len(reopened(journal)) == 1
        assert log.writer.stream.trouble == ""

    def test_where_the_journal_is_not_what_was_written_nothing_more_is_taken(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        log.writer.append([rows(Stream.AUDIT, "a")])
        [(_, segment)] = segment_files(log.journal.directory)
        segment.write_bytes(segment.read_bytes()[:-1] + b"x")
        caplog.set_level(logging.ERROR, "server.log.storing_loop")
        log.writer.stream.store_appended()
        assert "does not match what was written" in log.writer.stream.trouble
        assert log.writer.stream.journal_trouble == log.writer.stream.trouble
        assert "cannot be stored" in caplog.text
        with pytest.raises(StorageRefusedError, match="does not match what was written"):
            log.writer.append([rows(Stream.AUDIT, "b")])
        assert log.engine.attempts == []
