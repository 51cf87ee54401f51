"""The writer of a log's statements: their numbers and times, and what happens when storage fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.errors.ingest import StorageRefusedError
from server.log.journal import Journal
from server.log.receipt_floor import ReceiptFloor
from server.log.retention_statements import keep_for
from server.log.statement_store import StatementStore
from server.log.statement_writer import StatementWriter
from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.statement import (
    ReceiptBound,
    Statement,
    data_digest,
    open_statement,
    read_key_change,
    read_receipt_bound,
    read_retention,
)
from server.notary.statement_check import check_statements
from storage.engine import Engine
from storage.statements import insert_statement, last_statement, read_statements

from .failures import REFUSED, UNKNOWN, Patience
from .stated_log import HEARTBEAT, KEYS, NAME, NEW, OLD, RETENTION, WITNESSED, Log, at
from .writers import Memory, statement_writer


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "server.log.statement_writer")


@pytest.fixture
def log(engine: Engine, journal: Journal) -> Log:
    return Log(engine, journal)


def keep(log: Log, seconds: int | None, writer: StatementWriter | None = None, rules: str = "") -> None:
    store = StatementStore(log.engine, log.journal, threading.Event())
    keep_for(store, log.memory, [writer or log.writer], seconds, rules)


class TestStating:
    def test_heartbeats_and_retention_promise_how_old_later_records_can_be(
        self, engine: Engine, journal: Journal
    ) -> None:
        receipts = ReceiptFloor(end=7)
        log = Log(engine, journal, receipts=receipts)
        receipts.admit(received=0, end=9)
        bound = ReceiptBound(9, 1_790_000_000 - 3600)
        assert read_receipt_bound(log.writer.state(HEARTBEAT)) == bound
        assert log.writer.state(RETENTION, "forever").words == ("forever", *bound.words)
        assert log.writer.state_of(log.checkpoint, WITNESSED, b"").words == (data_digest(b""),)
        assert read_receipt_bound(log.writer.change_keys(OLD, NEW)) is None
        with pytest.raises(StorageRefusedError):
            receipts.admit(bound.earliest * 10**9 - 1, end=10)
        receipts.admit(bound.earliest * 10**9, end=10)
        assert log.findings() == 0

    def test_statements_are_numbered_from_one_and_say_where_the_log_stands(self, log: Log) -> None:
        assert log.writer.last is None
        before = log.checkpoint
        first = log.writer.state(HEARTBEAT)
        assert first == Statement(before, 1, 1_790_000_000, HEARTBEAT)
        log.committed.state = at(4)
        second = log.writer.state(RETENTION, "86400")
        assert second == Statement(log.checkpoint, 2, 1_790_000_000, RETENTION, ("86400",))
        assert log.writer.last == second
        assert [open_statement(row.note)[0] for row in log.rows()] == [first, second]
        assert [row.note for row in log.rows()] == log.memory.statements
        assert log.findings() == 0

    def test_a_log_goes_on_after_its_last_statement(self, engine: Engine, journal: Journal) -> None:
        last = Log(engine, journal).writer.state(HEARTBEAT)
        again = Log(engine, journal, last=last)
        assert again.writer.last == last
        assert again.writer.state(HEARTBEAT).number == 2

    def test_time_never_goes_back(self, log: Log) -> None:
        times = []
        for log.now in (1000.0, 1005.5, 990.0, 1005.9, 1007.0):
            times.append(log.writer.state(HEARTBEAT).time)
        assert times == [1000, 1005, 1005, 1005, 1007]

    def test_what_others_say_is_stated_of_the_checkpoint_they_said_it_of(self, log: Log) -> None:
        earlier = Checkpoint(NAME.origin, 2, b"2" * 32)
        said = log.writer.state_of(earlier, WITNESSED, b"lines")
        assert said.checkpoint == earlier
        assert log.rows()[0].data == b"lines"
        assert log.findings() == 0

    def test_several_threads_leave_no_gap(self, log: Log) -> None:
        with ThreadPoolExecutor(4) as threads:
            said = list(threads.map(lambda _: log.writer.state(HEARTBEAT).number, range(20)))
        assert sorted(said) == list(range(1, 21))
        assert log.findings() == 0

    def test_a_statement_counts_although_remembering_it_fails(self, engine: Engine, journal: Journal) -> None:
        class FullDisk(Memory):
            def remember_statements(self, _notes: Mapping[LogName, str]) -> None:
                raise OSError("disk full")

        writer = statement_writer(engine, journal, at(0), OLD, memory=FullDisk())
        assert [writer.state(HEARTBEAT).number for _ in range(2)] == [1, 2]


class TestFailures:
    def test_the_number_of_a_refused_statement_goes_to_the_next(self, log: Log) -> None:
        log.writer.state(HEARTBEAT)
        log.engine.failures = [(REFUSED, False)]
        with pytest.raises(StorageRefusedError, match="too many parts"):
            log.writer.state(RETENTION, "5")
        assert log.give_up.pauses == []
        assert log.writer.state(HEARTBEAT).number == 2
        assert [row.kind for row in log.rows()] == ["heartbeat", "heartbeat"]
        assert [row.note for row in log.rows()] == log.memory.statements

    @pytest.mark.parametrize("applied", [False, True])
    @pytest.mark.parametrize("failures", [1, 2, 3, 4, 7])
    def test_a_statement_whose_outcome_is_unknown_is_repeated_until_it_is_stored_once(
        self, log: Log, applied: bool, failures: int
    ) -> None:
        log.engine.failures = [(UNKNOWN, True)] if applied else [(UNKNOWN, False)] * failures
        said = log.writer.state(HEARTBEAT)
        assert [open_statement(row.note)[0] for row in log.rows()] == [said]
        assert len(log.engine.tokens) == (1 if applied else failures + 1)  # what has taken effect is not sent again
        assert len(set(log.engine.tokens)) == 1
        assert log.writer.state(HEARTBEAT).number == 2
        assert log.findings() == 0

    @pytest.mark.parametrize("applied", [False, True])
    def test_an_unforeseen_error_does_not_tell_whether_it_was_stored_so_it_is_repeated(
        self, log: Log, applied: bool
    ) -> None:
        log.engine.failures = [(MemoryError(), applied)]
        said = log.writer.state(HEARTBEAT)
        assert [open_statement(row.note)[0] for row in log.rows()] == [said]
        assert log.writer.state(HEARTBEAT).number == 2
        assert log.findings() == 0

    def test_after_an_unknown_outcome_even_a_refusal_is_repeated(self, log: Log) -> None:
        log.engine.failures = [(UNKNOWN, False), (REFUSED, False), (REFUSED, False)]
        assert log.writer.state(HEARTBEAT).number == 1
        assert log.findings() == 0
        assert len(log.rows()) == 1

    def test_a_row_that_storage_lost_although_it_knows_its_token_is_stored_anew(self, log: Log) -> None:
        log.engine.failures = [(UNKNOWN, False), (UNKNOWN, False)]
        log.engine.losing = "/0"
        log.writer.state(HEARTBEAT)
        assert [token.rpartition("/")[2] for token in log.engine.tokens] == ["0", "0", "0", "1"]
        assert len(log.rows()) == 1

    def test_pauses_grow_to_a_bound(self, log: Log) -> None:
        log.engine.failures = [(UNKNOWN, False)] * 10
        log.writer.state(HEARTBEAT)
        pauses = [pause for pause in log.give_up.pauses if pause is not None]
        assert pauses == sorted(pauses)
        assert len(pauses) == 10
        assert pauses[-1] == pauses[-2] > pauses[0] > 0

    @pytest.mark.parametrize("applied", [False, True])
    def test_at_shutdown_it_is_given_up_and_nothing_takes_its_place(
        self, engine: Engine, journal: Journal, applied: bool
    ) -> None:
        log = Log(engine, journal, give_up=Patience(pauses_left=2))
        log.engine.failures = [(UNKNOWN, False), (UNKNOWN, False), (UNKNOWN, applied)]
        with pytest.raises(StorageRefusedError, match="shut down"):
            log.writer.state(HEARTBEAT)
        assert len(log.engine.tokens) == 3
        with pytest.raises(StorageRefusedError, match="shutting down"):
            log.writer.state(HEARTBEAT)
        assert len(log.engine.tokens) == 3
        assert len(log.rows()) == applied
        assert log.writer.last is None
        assert log.memory.statements == []


class TestKeys:
    def test_a_change_is_signed_by_both_and_the_new_key_signs_from_then_on(self, log: Log) -> None:
        log.writer.state(HEARTBEAT)
        log.writer.change_keys(OLD, NEW)
        log.writer.state(HEARTBEAT)
        first, second, third = (open_statement(row.note) for row in log.rows())
        change = read_key_change(*second)
        assert (change.before, change.after) == (OLD.verifier_keys(NAME.origin), NEW.verifier_keys(NAME.origin))
        assert change.size == log.checkpoint.size
        assert first[1].verify(change.before) == [*change.before]
        assert third[1].verify(change.after) == [*change.after]
        assert log.findings() == 0

    def test_a_change_that_was_refused_changes_nothing(self, log: Log) -> None:
        log.engine.failures = [(REFUSED, False)]
        with pytest.raises(StorageRefusedError):
            log.writer.change_keys(OLD, NEW)
        log.writer.state(HEARTBEAT)
        assert open_statement(log.rows()[0].note)[1].verify(KEYS.named) == [*KEYS.named]

    def test_a_second_key_may_be_turned_on(self, log: Log) -> None:
        both = Signer(OLD.ed25519, MlDsa44Key.generate())
        log.writer.change_keys(OLD, both)
        other = Signer(Ed25519Key.generate(), MlDsa44Key.generate())
        log.writer.change_keys(both, other)
        log.writer.state(HEARTBEAT)
        assert [len(open_statement(row.note)[1].signatures) for row in log.rows()] == [1, 2, 1]
        assert log.findings() == 0


class TestRetention:
    def words(self, log: Log) -> list[str]:
        return [open_statement(row.note)[0].words[0] for row in log.rows()]

    def test_what_was_said_last_is_not_said_again(self, log: Log) -> None:
        for seconds in (86400, 86400, None, None, 86400):
            keep(log, seconds)
        assert self.words(log) == ["86400", "forever", "86400"]

    def test_other_logs_words_do_not_count(self, log: Log) -> None:
        elsewhere = LogName("example.org", Stream.AUDIT, "node-2")
        keep(log, 86400, statement_writer(log.engine, log.journal, at(0, elsewhere), OLD))
        keep(log, 86400)
        assert self.words(log) == ["86400"]

    def test_what_cannot_be_read_does_not_count(self, log: Log) -> None:
        keep(log, 86400)
        log.engine.execute("ALTER TABLE log_statements UPDATE Note = 'x' WHERE 1 SETTINGS mutations_sync = 2")
        keep(log, 86400)
        last = last_statement(log.engine, NAME.log_id)
        assert last is not None
        assert (last.number, open_statement(last.note)[0].words) == (2, ("86400",))


class TestLettingGo:
    @pytest.mark.parametrize(("seconds", "rules"), [(86400, ""), (None, ""), (86400, "[1]")])
    def test_records_are_let_go_of_and_later_ones_are_kept_as_before(
        self, log: Log, seconds: int | None, rules: str
    ) -> None:
        keep(log, seconds, rules=rules)
        made = log.writer.let_go(seconds, rules)
        rows = log.rows()
        assert [read_retention(open_statement(row.note)[0]) for row in rows] == [seconds, 1, seconds]
        assert [row.data.decode() for row in rows] == [rules, "", rules]
        assert (made.number, log.writer.last) == (3, made)
        assert log.findings() == 0
        stated = check_statements(rows, KEYS)[NAME.log_id]
        assert stated.expired_before(made.time * 10**9) == (made.time - 1) * 10**9
        keep(log, seconds, rules=rules)
        assert len(log.rows()) == 3

    def test_both_statements_are_stored_or_none(self, log: Log) -> None:
        keep(log, 86400)
        log.engine.failures = [(REFUSED, False)]
        with pytest.raises(StorageRefusedError):
            log.writer.let_go(86400)
        assert len(log.rows()) == 1
        log.writer.let_go(86400)
        assert log.findings() == 0


def test_one_statement_is_stored_once_however_often_it_is_sent(engine: Engine, journal: Journal) -> None:
    Log(engine, journal).writer.state(HEARTBEAT)
    [row] = read_statements(engine)
    for _ in range(3):
        insert_statement(engine, row)
    assert list(read_statements(engine)) == [row]
