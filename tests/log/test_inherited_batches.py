"""Batches in the journal that this process did not write: from an earlier process, or from another history."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.native_block import count_rows
from server.errors.ingest import BatchOutcomeUnknownError, JournalDamagedError, StorageRefusedError
from server.log.group_mark import GroupMark
from server.log.journal import Journal
from server.notary.batch import Batch, LogState, notarize
from server.notary.origin import Stream
from storage.rowbinary import uuid_bytes
from tests.codec.building import PretendedEngine, follows, rows

from .disk import Disk
from .failures import REFUSED, UNKNOWN, Patience
from .pretended_log import NAME, SIGNER, TABLES, Log, reopened
from .writers import log_writer, only_batch

pytestmark = pytest.mark.usefixtures("quiet")


class TestInherited:
    """Batches that an earlier process has left in the journal."""

    @pytest.fixture
    def left(self, journal: Journal) -> tuple[PretendedEngine, list[Batch]]:
        """Two batches in a journal, and the storage of the process that left them."""
        earlier = Log(journal)
        batches = [earlier.writer.append([rows(Stream.AUDIT, text)], [text.encode() * 32]) for text in "ab"]
        return earlier.engine, batches

    def restart(self, journal: Journal, left: tuple[PretendedEngine, list[Batch]]) -> Log:
        engine, _ = left
        log = Log(journal)
        log.engine = engine
        begin = head = LogState(NAME)
        for number in journal.waiting:
            head, _ = only_batch(journal.read(number)).extend(head)
        log.writer = log_writer(engine, journal, begin, SIGNER, head=head, memory=log.memory, give_up=log.give_up)
        log.give_up.writer = log.writer
        return log

    def test_they_are_stored_before_those_that_come(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]]
    ) -> None:
        log = self.restart(journal, left)
        own = log.writer.append([rows(Stream.AUDIT, "c")])
        log.writer.stream.store_waiting()
        assert log.committed == [*left[1], own]

    def test_requests_whose_senders_were_told_ok_are_not_named(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]]
    ) -> None:
        assert self.restart(journal, left).writer.stream.inherited_requests == []

    def test_requests_whose_senders_were_not_told_ok_are_named_until_their_batch_is_stored(
        self, journal: Journal
    ) -> None:
        earlier = Log(journal, Patience(pauses_left=0))
        earlier.engine.failures = [(UNKNOWN, False)]
        with pytest.raises(BatchOutcomeUnknownError):
            earlier.writer.commit([rows(Stream.AUDIT, "a")], [b"a" * 32, b"b" * 32])
        log = self.restart(journal, (earlier.engine, []))
        own = log.writer.append([rows(Stream.AUDIT, "c")])
        assert log.writer.stream.inherited_requests == [b"a" * 32, b"b" * 32]
        log.writer.stream.store_waiting()
        assert [batch.sequence for batch in log.committed] == [1, own.sequence]
        assert log.writer.stream.inherited_requests == []

    @pytest.mark.parametrize("stored", range(4))
    def test_what_is_stored_of_them_is_not_sent_again(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]], stored: int
    ) -> None:
        engine, [first, second] = left
        for table in TABLES[:stored]:
            engine.tables[table] = {str(first.batch_id): uuid_bytes(first.batch_id)}
        log = self.restart(journal, left)
        log.writer.stream.store_waiting()
        assert engine.attempts == [
            *((table, str(first.batch_id)) for table in TABLES[stored:]),
            *((table, str(second.batch_id)) for table in TABLES),
        ]
        assert log.committed == [first, second]

    def test_a_group_that_was_on_its_way_is_sent_as_the_same_again(self, journal: Journal) -> None:
        earlier = Log(journal, Patience(pauses_left=0))
        batches = [earlier.writer.append([rows(Stream.AUDIT, text)]) for text in "ab"]
        earlier.engine.failures = [(UNKNOWN, False)]
        with pytest.raises(StorageRefusedError):
            earlier.writer.stream.store_waiting()
        sent = earlier.engine.attempts.copy()
        log = self.restart(journal, (earlier.engine, batches))
        batches.append(log.writer.append([rows(Stream.AUDIT, "c")]))
        log.writer.stream.store_waiting()
        assert log.engine.attempts[1] == sent[0]  # the same two, although three wait
        assert [table for table, _ in log.engine.attempts] == [TABLES[0], *TABLES, *TABLES]
        assert log.committed == batches

    def test_a_batch_that_was_sent_alone_is_not_sent_again_though_the_mark_of_a_group_came_back(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]]
    ) -> None:
        engine, [first, second] = left
        engine.tables[TABLES[0]] = {str(first.batch_id): uuid_bytes(first.batch_id)}
        GroupMark(journal.directory).write(1, 2)
        log = self.restart(journal, left)
        log.writer.stream.store_waiting()
        assert engine.attempts == [
            *((table, str(first.batch_id)) for table in TABLES[1:]),
            *((table, str(second.batch_id)) for table in TABLES),
        ]
        assert log.committed == [first, second]

    def test_a_mark_is_believed_only_once_storage_answers(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine, [first, second] = left
        engine.tables[TABLES[0]] = {str(first.batch_id): uuid_bytes(first.batch_id)}
        GroupMark(journal.directory).write(1, 2)
        log = self.restart(journal, left)
        silent = [UNKNOWN, UNKNOWN, UNKNOWN]
        query = engine.query

        def silent_at_first(*args: Any, **kwargs: Any) -> bytes:
            if silent:
                raise silent.pop()
            return query(*args, **kwargs)

        monkeypatch.setattr(engine, "query", silent_at_first)
        log.writer.stream.store_waiting()
        assert log.give_up.blocked == 3 * [True]
        assert log.writer.stream.trouble == ""
        assert log.committed == [first, second]
        assert engine.attempts[0] == (TABLES[1], str(first.batch_id))

    def test_a_shutdown_ends_the_wait_for_an_answer_about_a_mark(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine, _ = left
        GroupMark(journal.directory).write(1, 2)
        log = self.restart(journal, left)
        log.give_up.pauses_left = 0

        def silent(*_: Any, **__: Any) -> bytes:
            raise UNKNOWN

        monkeypatch.setattr(engine, "query", silent)
        with pytest.raises(StorageRefusedError, match="shut down"):
            log.writer.stream.store_waiting()
        assert engine.attempts == []

    @pytest.mark.parametrize("stays", [False, True])
    def test_a_batch_that_went_alone_since_its_group_could_not_be_marked_goes_alone_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: bool
    ) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
            log = Log(journal, Patience(pauses_left=0))
            batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "ab"]
            disk.failing = 2  # the mark's own sync, and its removal's
            if stays:
                monkeypatch.setattr(GroupMark, "remove", lambda _: False)
            log.engine.failures = [None, (UNKNOWN, False)]
            with pytest.raises(StorageRefusedError):
                log.writer.stream.store_waiting()
            assert len(list(tmp_path.glob("*.group"))) == int(stays)
            log.give_up.clear()
            log.writer.stream.store_waiting()
            assert [count_rows(block) for block in log.engine.tables[TABLES[0]].values()] == [1, 1]
            assert log.committed == batches

    def test_the_next_batch_is_committed_after_them(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]]
    ) -> None:
        log = self.restart(journal, left)
        batch = log.writer.commit([rows(Stream.AUDIT, "c")])
        assert log.committed == [*left[1], batch]
        assert follows(batch, left[1][-1])

    def test_they_are_repeated_until_storage_takes_them(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]]
    ) -> None:
        log = self.restart(journal, left)
        log.engine.failures = [(REFUSED, False), (UNKNOWN, False), None, (REFUSED, False)]
        log.writer.stream.store_waiting()
        assert log.committed == left[1]

    def test_a_shutdown_leaves_them_where_they_are(
        self, journal: Journal, left: tuple[PretendedEngine, list[Batch]]
    ) -> None:
        log = self.restart(journal, left)
        log.engine.failures = [(REFUSED, False)] * 99
        log.give_up.pauses_left = 3
        with pytest.raises(StorageRefusedError, match="shut down"):
            log.writer.stream.store_waiting()
        assert len(reopened(journal)) == 2


def test_a_batch_that_this_process_did_not_commit_is_not_taken_for_one_that_it_did(log: Log) -> None:
    log.writer.append([rows(Stream.AUDIT, "a")])
    others = notarize(LogState(NAME), bytes(32), SIGNER, min_timestamp=0, max_timestamp=0, ingested_at=0)
    writer = log_writer(log.engine, log.journal, others.state, SIGNER)
    with pytest.raises(JournalDamagedError, match="does not continue the log"):
        writer.stream.store_waiting()
    assert len(log.journal) == 1
    assert log.engine.attempts == []
