"""Statements that wait in the journal: each is stored by the next process, once, before any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.errors.ingest import JournalDamagedError, JournalFailedError, StorageRefusedError
from server.log.journal import Journal
from server.log.waiting_statements import store_waiting_statements
from server.notary.batch import notarize
from storage.commit import insert_batches
from storage.engine import Engine
from storage.statements import decode_statements, insert_statement

from .disk import Disk
from .failures import REFUSED, UNKNOWN, Patience
from .stated_log import HEARTBEAT, NEW, OLD, RETENTION, Log, at


@pytest.fixture
def log(engine: Engine, journal: Journal) -> Log:
    return Log(engine, journal)


@pytest.fixture
def left(engine: Engine, journal: Journal) -> Log:
    """A log of which one statement is stored and another is left in the journal."""
    log = Log(engine, journal, give_up=Patience(pauses_left=0))
    log.writer.state(HEARTBEAT)
    log.engine.failures = [(UNKNOWN, False)]
    with pytest.raises(StorageRefusedError, match="shut down"):
        log.writer.state(RETENTION, "86400")
    return log


def reopen(log: Log) -> Iterator[Journal]:
    with closing(Journal(log.journal.directory, log.journal.limit)) as journal:
        yield journal


@pytest.mark.parametrize("stored", [False, True])
def test_a_waiting_statement_is_stored_once_whether_or_not_storage_had_it(left: Log, stored: bool) -> None:
    [number] = left.journal.waiting
    [row] = decode_statements(left.journal.read(number))
    if stored:
        insert_statement(left.engine, row)
    left.engine.tokens.clear()
    for journal in reopen(left):
        store_waiting_statements(left.engine, journal)
        assert len(journal) == 0
    assert [stored.note for stored in left.rows()] == [*left.memory.statements, row.note]
    assert len(left.engine.tokens) == (0 if stored else 1)  # of those before it, none is sent again
    assert left.findings() == 0


def test_a_refused_statement_does_not_wait(log: Log) -> None:
    log.engine.failures = [(REFUSED, False)]
    with pytest.raises(StorageRefusedError):
        log.writer.state(HEARTBEAT)
    for journal in reopen(log):
        assert len(journal) == 0


def test_a_waiting_statement_is_stored_anew_if_storage_lost_it_and_knows_its_token(left: Log) -> None:
    left.engine.losing = "/0"
    for journal in reopen(left):
        store_waiting_statements(left.engine, journal)
    assert len(left.rows()) == 2


def test_a_waiting_statement_that_storage_does_not_take_now_is_an_error_and_stays(left: Log) -> None:
    for error in (REFUSED, UNKNOWN):
        left.engine.failures = [(error, False)]
        for journal in reopen(left):
            with pytest.raises(type(error)):
                store_waiting_statements(left.engine, journal)
            assert len(journal) == 1


def test_no_waiting_statement_is_stored_if_those_before_it_are_lost(left: Log) -> None:
    left.engine.execute("TRUNCATE TABLE log_statements")
    # The segment that stays has the first one still: both are stored again.
    for journal in reopen(left):
        store_waiting_statements(left.engine, journal)
    assert [row.number for row in left.rows()] == [1, 2]
    left.engine.execute("TRUNCATE TABLE log_statements")
    for journal in reopen(left):
        journal.release(1)
        with pytest.raises(JournalDamagedError, match="storage has lost statements"):
            store_waiting_statements(left.engine, journal)
    assert left.rows() == []


def test_another_statement_of_the_same_number_in_storage_is_refused(left: Log, tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "another", 1 << 20)) as another:
        Log(left.engine.engine, another, last=left.writer.last).writer.state(HEARTBEAT)
    for journal in reopen(left):
        with pytest.raises(JournalDamagedError, match="a different statement 2"):
            store_waiting_statements(left.engine, journal)


def test_a_statement_that_others_have_replaced_in_storage_stays_in_the_journal(left: Log, tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "another", 1 << 20)) as another:
        replacing = Log(left.engine.engine, another, last=left.writer.last)
        for _ in range(3):
            replacing.writer.state(HEARTBEAT)
    for journal in reopen(left):
        waiting = journal.waiting
        with pytest.raises(JournalDamagedError, match=r"a different statement 2 .* Nothing was deleted"):
            store_waiting_statements(left.engine, journal)
        assert journal.waiting == waiting
    assert len(left.rows()) == 4


@pytest.mark.parametrize("further", [False, True])
def test_a_change_of_keys_is_not_stored_once_others_have_signed_past_it(
    engine: Engine, journal: Journal, further: bool
) -> None:
    log = Log(engine, journal, give_up=Patience(pauses_left=0))
    log.engine.failures = [(UNKNOWN, False)]
    with pytest.raises(StorageRefusedError, match="shut down"):
        log.writer.change_keys(OLD, NEW)
    before = at(log.checkpoint.size + (0 if further else -1))
    last = notarize(before, bytes(32), OLD, min_timestamp=0, max_timestamp=0, ingested_at=0)
    insert_batches(engine, [last.batch])
    for reopened in reopen(log):
        if further:
            with pytest.raises(JournalDamagedError, match="a key change at 3 entries"):
                store_waiting_statements(engine, reopened)
        else:
            store_waiting_statements(engine, reopened)
        assert len(reopened) == (1 if further else 0)
    assert len(log.rows()) == (0 if further else 1)


def test_what_is_no_statement_is_refused(engine: Engine, journal: Journal) -> None:
    journal.append([b"something else"])
    with pytest.raises(JournalDamagedError, match="not a statement"):
        store_waiting_statements(engine, journal)


def test_a_statement_that_the_disk_does_not_take_is_refused_and_not_sent(engine: Engine, tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
        log = Log(engine, journal)
        disk.failing = 1
        with pytest.raises(JournalFailedError):
            log.writer.state(HEARTBEAT)
        assert log.engine.tokens == []
        assert log.writer.state(HEARTBEAT).number == 1
