"""Groups of waiting batches: the number stored together when storage refuses some, or does not answer."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from harness.native_block import count_rows
from server.log.journal import Journal
from server.notary.origin import Stream
from tests.codec.building import rows

from .disk import Disk
from .failures import REFUSED, UNKNOWN
from .pretended_log import TABLES, Log

pytestmark = pytest.mark.usefixtures("quiet")


class TestGroups:
    """Batches of a journal that are stored with one INSERT."""

    def sizes(self, log: Log) -> list[int]:
        """Return the number of batches in each insert of records that was accepted."""
        return [count_rows(block) for block in log.engine.tables[TABLES[0]].values()]

    def test_a_group_that_storage_refuses_is_halved_until_storage_takes_it_and_later_ones_grow_again(
        self, log: Log, journal: Journal
    ) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "abcdefghij"]
        log.engine.failures = [(REFUSED, False)] * 2
        log.writer.stream.store_waiting()
        assert self.sizes(log) == [2, 4, 4]
        assert log.committed == batches
        assert log.give_up.pauses == []

    def test_no_more_than_one_insert_is_refused_for_a_batch_that_storage_does_not_take(self, log: Log) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "abcd"]
        log.engine.failures = [(REFUSED, False)] * 5
        log.writer.stream.store_waiting()
        assert self.sizes(log) == [1, 2, 1]
        assert len(log.give_up.pauses) == 3  # for one batch alone, after two groups
        assert log.committed == batches

    def test_a_group_of_unknown_outcome_stays_the_same_even_if_storage_refuses_it_then(self, log: Log) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "abcd"]
        log.engine.failures = [(UNKNOWN, False), (REFUSED, False)]
        log.writer.stream.store_waiting()
        assert self.sizes(log) == [4]
        assert log.committed == batches

    def test_a_group_whose_mark_cannot_be_removed_for_good_is_sent_as_it_is(self, tmp_path: Path) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
            log = Log(journal)
            batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "ab"]
            log.engine.failures = [(REFUSED, False)]
            log.engine.before_insert = lambda: setattr(disk, "failing", int(not log.engine.attempts))
            log.writer.stream.store_waiting()
            assert self.sizes(log) == [2]
            assert [file.name for file in tmp_path.glob("*.group")] == [f"{1:020d}-{2:020d}.group"]
            assert log.committed == batches
