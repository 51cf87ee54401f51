"""Commits of a log: their steps, and what happens when storage fails at any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from server.errors.ingest import BatchOutcomeUnknownError, StorageRefusedError
from server.log.journal import Journal
from server.notary.batch import Batch, LogState
from server.notary.chain import check_batch
from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from storage.errors import StorageError
from tests.codec.building import PretendedEngine, follows, rows

from .failures import REFUSED, UNKNOWN, Patience
from .pretended_log import NAME, SIGNER, TABLES, Log
from .writers import BatchMemory, log_writer

pytestmark = pytest.mark.usefixtures("quiet")

KEYS = TrustedKeys(named=(SIGNER.verifier_key(NAME.origin),))


def test_a_batch_is_its_records_then_its_tiles_then_its_row_under_one_token(log: Log) -> None:
    batch = log.writer.commit([rows(Stream.AUDIT, "a", "b"), rows(Stream.AUDIT, "c")])
    assert log.engine.attempts == [(table, str(batch.batch_id)) for table in TABLES]
    assert (batch.sequence, batch.first_leaf, batch.record_count) == (1, 0, 3)
    assert check_batch(batch, KEYS) is None
    assert log.committed == [batch]
    assert not log.writer.stream.blocked


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
    assert not log.writer.stream.blocked


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
    log.engine.failures = [(UNKNOWN, False)] * 12
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
    assert not log.writer.stream.blocked
    assert [table for table, _ in log.engine.attempts].count(TABLES[step]) == 3


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("error", [MemoryError(), KeyError("no such column")])
def test_an_unforeseen_error_does_not_tell_whether_a_step_took_effect_so_it_is_repeated(
    log: Log, step: int, applied: bool, error: Exception
) -> None:
    log.engine.failures = [*step * [None], (error, applied)]
    batch = log.writer.commit([rows(Stream.AUDIT, "a")])
    assert [list(log.engine.tables[table]) for table in TABLES] == 3 * [[str(batch.batch_id)]]
    assert follows(log.writer.commit([rows(Stream.AUDIT, "b")]), batch)


@pytest.mark.parametrize("refused", [False, True])
def test_a_batch_that_is_in_the_journal_after_an_unforeseen_error_is_stored_once_and_before_the_next(
    log: Log, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    def fail(_: int) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(log.journal, "retract" if refused else "release", fail)
        log.engine.failures = [(REFUSED, False)] if refused else []
        with pytest.raises(BatchOutcomeUnknownError, match="may be stored: MemoryError"):
            log.writer.commit([rows(Stream.AUDIT, "a")])
    assert len(log.journal) == 1
    second = log.writer.commit([rows(Stream.AUDIT, "b")])
    first, _ = log.committed
    assert follows(first, None)
    assert follows(second, first)
    tokens = [str(batch.batch_id) for batch in (first, second)]
    assert [list(log.engine.tables[table]) for table in TABLES] == 3 * [tokens]
    assert len(log.journal) == 0


class ReplacedWhileRead(LogState):
    """A state that another takes the place of as its range is read."""

    replace: ClassVar[Callable[[], object] | None] = None

    def __getattribute__(self, name: str) -> Any:
        replace = ReplacedWhileRead.replace
        if name == "range" and replace is not None:
            ReplacedWhileRead.replace = None
            replace()
        return super().__getattribute__(name)


def test_a_checkpoint_is_of_one_state_though_a_batch_is_committed_while_it_is_read(journal: Journal) -> None:
    writer = log_writer(PretendedEngine(), journal, ReplacedWhileRead(NAME), SIGNER, head=LogState(NAME))
    committed: list[Batch] = []
    ReplacedWhileRead.replace = lambda: committed.append(writer.commit([rows(Stream.AUDIT, "a")]))
    read = writer.checkpoint
    assert len(committed) == 1
    assert read == Checkpoint(NAME.origin, 0, LogState(NAME).range.root())
    assert writer.checkpoint == Checkpoint(NAME.origin, 1, committed[0].root_hash)


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
    class FullDisk(BatchMemory):
        def remember_checkpoints(self, notes: Mapping[LogName, str]) -> None:
            super().remember_checkpoints(notes)
            if len(self.batches) == 1:
                raise OSError("disk full")

    memory = FullDisk(journal)
    writer = log_writer(PretendedEngine(), journal, LogState(NAME), SIGNER, memory=memory)
    assert writer.commit([rows(Stream.AUDIT, "a")]) == memory.batches[0]
    writer.commit([rows(Stream.AUDIT, "b")])
    first, second = memory.batches
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
