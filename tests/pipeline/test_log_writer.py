"""The writer of a log: what happens when storage fails at any step."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.notary.batch import Batch, LogState
from server.notary.chain import check_batch
from server.notary.checkpoint import open_checkpoint
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import MlDsa44Key, Signer
from server.notary.trust import TrustedKeys
from server.pipeline.errors import StorageRefusedError
from server.pipeline.journal import Journal
from server.pipeline.log_writer import LogWriter
from server.pipeline.statement_writer import StatementWriter
from storage.errors import NotAppliedError, OutcomeUnknownError, StorageError

from .building import PretendedEngine, follows, rows

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
KEYS = TrustedKeys(named=(SIGNER.verifier_key(NAME.origin),))
TABLES = ["audit_logs", "log_tiles", "log_batches"]
REFUSED = NotAppliedError("too many parts")
UNKNOWN = OutcomeUnknownError("connection reset")


class Patience(threading.Event):
    """An event that is waited for without waiting; sets itself after ``pauses_left`` pauses."""

    def __init__(self, pauses_left: int = 1000) -> None:
        super().__init__()
        self.pauses: list[float | None] = []
        self.writer: LogWriter | None = None
        self.blocked: list[bool] = []
        self._left = pauses_left

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        if self.writer is not None:
            self.blocked.append(self.writer.blocked)
        self._left -= 1
        if self._left < 0:
            self.set()
        return self.is_set()


class Log:
    """A log on a pretended engine."""

    def __init__(self, journal: Journal, give_up: Patience | None = None) -> None:
        self.engine = PretendedEngine()
        self.journal = journal
        self.committed: list[Batch] = []
        self.give_up = give_up or Patience()
        begin = LogState(NAME)
        self.writer = LogWriter(self.engine, journal, begin, begin, SIGNER, self.committed.append, self.give_up)
        self.give_up.writer = self.writer


@pytest.fixture
def log(journal: Journal) -> Log:
    return Log(journal)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "server.pipeline.log_writer")


def test_a_batch_is_its_records_then_its_tiles_then_its_row_under_one_token(log: Log) -> None:
    batch = log.writer.commit([rows(Stream.AUDIT, "a", "b"), rows(Stream.AUDIT, "c")])
    assert log.engine.attempts == [(table, str(batch.batch_id)) for table in TABLES]
    assert (batch.sequence, batch.first_leaf, batch.record_count) == (1, 0, 3)
    assert check_batch(batch, KEYS) is None
    assert log.committed == [batch]
    assert not log.writer.blocked


def test_batches_go_on_from_each_other(log: Log) -> None:
    assert log.writer.checkpoint.size == 0
    for text in "abc":
        batch = log.writer.commit([rows(Stream.AUDIT, text)])
        assert (log.writer.checkpoint.size, log.writer.checkpoint.root) == (batch.tree_size, batch.root_hash)
    first, second, third = log.committed
    assert follows(first, None)
    assert follows(second, first)
    assert follows(third, second)


def test_records_that_storage_refuses_are_refused_and_their_leaves_go_to_the_next_batch(log: Log) -> None:
    first = log.writer.commit([rows(Stream.AUDIT, "a")])
    log.engine.failures = [(REFUSED, False)]
    with pytest.raises(StorageRefusedError, match="too many parts") as refusal:
        log.writer.commit([rows(Stream.AUDIT, "b", "c")])
    assert refusal.value.retry_after > 0
    assert log.committed == [first]
    assert log.writer.checkpoint.size == 1
    assert not log.give_up.pauses
    second = log.writer.commit([rows(Stream.AUDIT, "d")])
    assert (second.sequence, second.first_leaf, second.tree_size) == (2, 1, 2)
    assert follows(second, first)


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("applied", [False, True])
def test_a_step_whose_outcome_is_unknown_is_repeated_with_the_same_token_until_done(
    log: Log, step: int, applied: bool
) -> None:
    failures = 1 if applied else 5  # what has taken effect is seen, and not sent again
    log.engine.failures = [*step * [None], *failures * [(UNKNOWN, applied)]]
    batch = log.writer.commit([rows(Stream.AUDIT, "a")])
    again = 0 if applied else 5
    tries = [table for number, table in enumerate(TABLES) for _ in range(1 + again * (number == step))]
    assert log.engine.attempts == [(table, str(batch.batch_id)) for table in tries]
    assert {table: list(tokens) for table, tokens in log.engine.tables.items()} == {
        table: [str(batch.batch_id)] for table in TABLES
    }
    assert log.committed == [batch]
    assert log.give_up.blocked == failures * [True]
    assert not log.writer.blocked


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("error", [REFUSED, UNKNOWN, StorageError("strange")])
def test_once_records_are_stored_every_later_failure_is_repeated(log: Log, step: int, error: StorageError) -> None:
    log.engine.failures = [*step * [None], (error, False), (error, False)]
    batch = log.writer.commit([rows(Stream.AUDIT, "a")])
    assert [table for table, _ in log.engine.attempts].count(TABLES[step]) == 3
    assert log.committed == [batch]


def test_after_an_unknown_outcome_even_a_refusal_is_repeated(log: Log) -> None:
    log.engine.failures = [(UNKNOWN, False), (REFUSED, False), (REFUSED, False)]
    batch = log.writer.commit([rows(Stream.AUDIT, "a")])
    assert [table for table, _ in log.engine.attempts] == [*3 * [TABLES[0]], *TABLES]
    assert log.committed == [batch]


def test_pauses_grow_to_a_bound(log: Log) -> None:
    log.engine.failures = 12 * [(UNKNOWN, False)]
    log.writer.commit([rows(Stream.AUDIT, "a")])
    pauses = [pause for pause in log.give_up.pauses if pause is not None]
    assert len(pauses) == 12
    assert pauses == sorted(pauses)
    assert 0 < pauses[0] < pauses[-1] == pauses[-2] <= 10


@pytest.mark.parametrize("step", range(3))
def test_at_shutdown_an_unfinished_batch_is_refused(journal: Journal, step: int) -> None:
    log = Log(journal, Patience(pauses_left=2))
    log.engine.failures = [*step * [None], *99 * [(UNKNOWN, False)]]
    with pytest.raises(StorageRefusedError, match="shut down"):
        log.writer.commit([rows(Stream.AUDIT, "a")])
    assert log.committed == []
    assert not log.writer.blocked
    assert [table for table, _ in log.engine.attempts].count(TABLES[step]) == 3


def test_nothing_takes_the_place_of_a_batch_that_was_left_unfinished(journal: Journal) -> None:
    log = Log(journal, Patience(pauses_left=0))
    log.engine.failures = [None, None, (UNKNOWN, True)]  # it was committed, and nobody knows
    with pytest.raises(StorageRefusedError):
        log.writer.commit([rows(Stream.AUDIT, "a")])
    attempts = list(log.engine.attempts)
    with pytest.raises(StorageRefusedError):
        log.writer.commit([rows(Stream.AUDIT, "b")])
    assert log.engine.attempts == attempts
    assert len(log.engine.tables["log_batches"]) == 1


def test_a_batch_is_committed_although_remembering_it_fails(journal: Journal) -> None:
    engine = PretendedEngine()
    remembered: list[Batch] = []

    def remember(batch: Batch) -> None:
        remembered.append(batch)
        if len(remembered) == 1:
            raise OSError("disk full")

    begin = LogState(NAME)
    writer = LogWriter(engine, journal, begin, begin, SIGNER, remember, Patience())
    assert writer.commit([rows(Stream.AUDIT, "a")]) == remembered[0]
    writer.commit([rows(Stream.AUDIT, "b")])
    first, second = remembered
    assert follows(second, first)


@pytest.mark.parametrize("step", range(3))
def test_rows_that_storage_lost_although_it_knows_their_token_are_inserted_anew(
    log: Log, journal: Journal, step: int
) -> None:
    # Every batch ID of this log is the same each time, as its key signs the same text the same way.
    token = str(Log(journal).writer.commit([rows(Stream.AUDIT, "a")]).batch_id)
    log.engine.lost = {(TABLES[step], token)}
    log.engine.failures = [*step * [None], (UNKNOWN, True)]
    batch = log.writer.commit([rows(Stream.AUDIT, "a")])
    assert str(batch.batch_id) == token
    assert list(log.engine.tables[TABLES[step]]) == [f"{token}/1"]
    assert log.committed == [batch]


@pytest.fixture
def statements(log: Log, tmp_path: Path) -> Iterator[StatementWriter]:
    with closing(Journal(tmp_path / "statements", 1 << 20)) as journal:
        yield StatementWriter(
            log.engine, None, SIGNER, lambda: log.writer.checkpoint, lambda _: None, log.give_up, journal
        )


def signers_of(batch: Batch, *signers: Signer) -> list[VerifierKey]:
    keys = [key for signer in signers for key in signer.verifier_keys(NAME.origin)]
    return open_checkpoint(batch.checkpoint)[1].verify(keys)


def test_other_keys_sign_from_when_that_is_stated(log: Log, statements: StatementWriter) -> None:
    new = Signer(SIGNER.ed25519, MlDsa44Key.generate())
    first = log.writer.commit([rows(Stream.AUDIT, "a")])
    assert log.writer.change_keys(statements, new)
    second = log.writer.commit([rows(Stream.AUDIT, "b")])
    assert [table for table, _ in log.engine.attempts] == [*TABLES, "log_statements", *TABLES]
    assert signers_of(first, new) == [*SIGNER.verifier_keys(NAME.origin)]
    assert signers_of(second, new) == [*new.verifier_keys(NAME.origin)]
    assert follows(second, first)


def test_nothing_is_stated_where_the_same_keys_sign_on(log: Log, statements: StatementWriter) -> None:
    assert not log.writer.change_keys(statements, Signer(SIGNER.ed25519))
    assert log.engine.attempts == []


def test_the_same_keys_sign_on_where_the_change_was_refused(log: Log, statements: StatementWriter) -> None:
    new = Signer.generate()
    log.engine.failures = [(REFUSED, False)]
    with pytest.raises(StorageRefusedError, match="too many parts"):
        log.writer.change_keys(statements, new)
    batch = log.writer.commit([rows(Stream.AUDIT, "a")])
    assert signers_of(batch, SIGNER, new) == [*SIGNER.verifier_keys(NAME.origin)]
