"""The writer of a log: what happens when storage fails at any step."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.native_block import count_rows
from harness.waiting import wait_for
from server.errors.ingest import (
    BatchOutcomeUnknownError,
    JournalDamagedError,
    JournalFailedError,
    JournalFullError,
    StorageRefusedError,
)
from server.log.committed_log import CommittedLog
from server.log.group_mark import GroupMark
from server.log.journal import Journal, segment_files
from server.log.log_writer import LogWriter
from server.notary.batch import Batch, LogState, notarize
from server.notary.chain import check_batch
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import SigningError
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.trust import TrustedKeys
from storage.errors import NotAppliedError, OutcomeUnknownError, StorageError
from storage.rowbinary import uuid_bytes
from tests.codec.building import PretendedEngine, follows, rows

from .disk import Disk
from .writers import BatchMemory, log_writer, only_batch, statement_writer

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
        self.pauses_left = pauses_left
        self.on_wait: Callable[[], object] = lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        if self.writer is not None:
            self.blocked.append(self.writer.stream.blocked)
        self.on_wait()
        self.pauses_left -= 1
        if self.pauses_left < 0:
            self.set()
        return self.is_set()


class Log:
    """A log on a pretended engine."""

    def __init__(self, journal: Journal, give_up: Patience | None = None, stated: Journal | None = None) -> None:
        self.engine = PretendedEngine()
        self.journal = journal
        self.memory = BatchMemory(journal)
        self.give_up = give_up or Patience()
        at = CommittedLog(LogState(NAME))
        self.statements = None
        self.now = 0.0  # of the monotonic clock
        if stated is not None:
            self.statements = statement_writer(self.engine, stated, at, SIGNER, give_up=self.give_up)
        self.writer = log_writer(
            self.engine,
            journal,
            at,
            SIGNER,
            memory=self.memory,
            give_up=self.give_up,
            statements=self.statements,
            clock=lambda: self.now,
        )
        self.give_up.writer = self.writer

    @property
    def committed(self) -> list[Batch]:
        return self.memory.batches


@pytest.fixture
def log(journal: Journal) -> Log:
    return Log(journal)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    for module in ("batch_committer", "stream_writer"):
        caplog.set_level(logging.CRITICAL, f"server.log.{module}")


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


def signers_of(batch: Batch, *signers: Signer) -> list[VerifierKey]:
    keys = [key for signer in signers for key in signer.verifier_keys(NAME.origin)]
    return open_checkpoint(batch.checkpoint)[1].verify(keys)


def reopened(journal: Journal) -> list[bytes]:
    """The entries of a journal at the next start."""
    with closing(Journal(journal.directory, journal.limit)) as again:
        return [again.read(number) for number in again.waiting]


class TestJournal:
    """Signed batches are in the journal before they go to storage, and until they are known to be there."""

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


class TestAppending:
    """Batches that are kept in the journal, and stored behind that."""

    def test_batches_go_on_from_each_other_before_any_is_stored(self, log: Log) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "abc"]
        assert [follows(*pair) for pair in zip(batches, [None, *batches], strict=False)] == 3 * [True]
        assert log.engine.attempts == []
        assert log.writer.checkpoint.size == 0  # in storage there is none of them
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
        log.engine.failures = 4 * [(error, False)]
        log.writer.stream.store_waiting()
        assert log.engine.attempts[:5] == 5 * [log.engine.attempts[0]]
        assert [table for table, _ in log.engine.attempts[4:]] == TABLES
        assert log.committed == batches
        assert log.give_up.blocked == 4 * [True]

    def sizes(self, log: Log) -> list[int]:
        """Return the number of batches in each insert of records that was accepted."""
        return [count_rows(block) for block in log.engine.tables[TABLES[0]].values()]

    def test_a_group_that_storage_refuses_is_halved_until_storage_takes_it_and_later_ones_grow_again(
        self, log: Log, journal: Journal
    ) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "abcdefghij"]
        log.engine.failures = 2 * [(REFUSED, False)]
        log.writer.stream.store_waiting()
        assert self.sizes(log) == [2, 4, 4]
        assert log.committed == batches
        assert log.give_up.pauses == []

    def test_no_more_than_one_insert_is_refused_for_a_batch_that_storage_does_not_take(self, log: Log) -> None:
        batches = [log.writer.append([rows(Stream.AUDIT, text)]) for text in "abcd"]
        log.engine.failures = 5 * [(REFUSED, False)]
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
        log.engine.failures = 9 * [(UNKNOWN, False)]
        log.writer.stream.store_appended()  # returns, for it was given up
        assert len(reopened(journal)) == 1
        assert log.writer.stream.trouble == ""

    def test_where_the_journal_is_not_what_was_written_nothing_more_is_taken(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        log.writer.append([rows(Stream.AUDIT, "a")])
        [(_, segment)] = segment_files(log.journal.directory)
        segment.write_bytes(segment.read_bytes()[:-1] + b"x")
        caplog.set_level(logging.ERROR, "server.log.stream_writer")
        log.writer.stream.store_appended()
        assert "does not match what was written" in log.writer.stream.trouble
        assert log.writer.stream.journal_trouble == log.writer.stream.trouble
        assert "cannot be stored" in caplog.text
        with pytest.raises(StorageRefusedError, match="does not match what was written"):
            log.writer.append([rows(Stream.AUDIT, "b")])
        assert log.engine.attempts == []


class TestInherited:
    """Batches that an earlier process has left in the journal."""

    @pytest.fixture
    def left(self, journal: Journal) -> tuple[PretendedEngine, list[Batch]]:
        """Two of them, and the storage of the process that left them."""
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
        log.engine.failures = 99 * [(REFUSED, False)]
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


class TestKeys:
    """Keys change in the log's own order, and are stated before storage has anything that the new ones signed."""

    @pytest.fixture
    def log(self, journal: Journal, tmp_path: Path) -> Iterator[Log]:
        with closing(Journal(tmp_path / "statements", 1 << 20)) as stated:
            yield Log(journal, stated=stated)

    def tables(self, log: Log) -> list[str]:
        return [table for table, _ in log.engine.attempts]

    def signs(self, batch: Batch, *signers: Signer) -> None:
        """Check that the last of some signers signed a batch, and the others did not."""
        assert signers_of(batch, *signers) == [*signers[-1].verifier_keys(NAME.origin)]

    def test_the_next_batch_to_be_committed_is_signed_by_the_new_ones(self, log: Log) -> None:
        new = Signer(SIGNER.ed25519, MlDsa44Key.generate())
        first = log.writer.commit([rows(Stream.AUDIT, "a")])
        assert log.writer.change_keys(new)
        assert log.writer.keys.pending
        second = log.writer.commit([rows(Stream.AUDIT, "b")])
        assert not log.writer.keys.pending
        assert self.tables(log) == [*TABLES, "log_statements", *TABLES]
        assert signers_of(first, new) == [*SIGNER.verifier_keys(NAME.origin)]
        self.signs(second, new)
        assert follows(second, first)

    def test_they_change_though_nothing_comes_to_the_log(self, log: Log) -> None:
        new = Signer.generate()
        log.writer.change_keys(new)
        log.writer.stream.settle_keys()
        assert (self.tables(log), log.writer.keys.pending) == (["log_statements"], False)
        log.writer.stream.settle_keys()
        self.signs(log.writer.commit([rows(Stream.AUDIT, "a")]), SIGNER, new)
        assert self.tables(log) == ["log_statements", *TABLES]

    def test_nothing_is_stated_where_the_same_keys_sign_on(self, log: Log) -> None:
        assert not log.writer.change_keys(Signer(SIGNER.ed25519))
        log.writer.stream.settle_keys()
        log.writer.commit([rows(Stream.AUDIT, "a")])
        assert self.tables(log) == TABLES

    def test_a_change_that_is_taken_back_before_it_is_made_is_none(self, log: Log) -> None:
        log.writer.change_keys(Signer.generate())
        assert not log.writer.change_keys(SIGNER)
        log.writer.commit([rows(Stream.AUDIT, "a")])
        assert self.tables(log) == TABLES

    def test_while_storage_refuses_the_change_batches_are_committed_with_the_old_ones(self, log: Log) -> None:
        new = Signer.generate()
        log.engine.failures = [(REFUSED, False), None, None, None, (REFUSED, False)]
        log.writer.change_keys(new)
        first = log.writer.commit([rows(Stream.AUDIT, "a")])
        self.signs(first, new, SIGNER)
        log.now += 60
        log.writer.stream.settle_keys()
        assert log.writer.keys.pending
        log.now += 60
        second = log.writer.commit([rows(Stream.AUDIT, "b")])
        self.signs(second, SIGNER, new)
        assert follows(second, first)
        assert not log.writer.keys.pending

    def test_commits_do_not_repeat_a_refused_change_before_a_pause_that_grows(self, log: Log) -> None:
        log.engine.refusing = {"log_statements"}
        log.writer.change_keys(Signer.generate())
        attempts = []
        for _ in range(240):
            before = len(log.engine.attempts)
            log.writer.commit([rows(Stream.AUDIT, "a")])
            if "log_statements" in self.tables(log)[before:]:
                attempts.append(log.now)
            log.now += 0.125
        pauses = [later - earlier for earlier, later in pairwise(attempts)]
        assert pauses == sorted(pauses)
        assert (pauses[0], pauses[-1]) == (0.125, 5.0)
        log.engine.refusing = set()
        log.now += 5.0
        log.writer.commit([rows(Stream.AUDIT, "a")])
        assert not log.writer.keys.pending

    def test_a_change_that_is_requested_anew_is_tried_at_once(self, log: Log) -> None:
        log.engine.failures = [(REFUSED, False)]
        log.writer.change_keys(Signer.generate())
        log.writer.stream.settle_keys()
        log.writer.stream.settle_keys()
        assert self.tables(log) == ["log_statements"]
        log.writer.change_keys(Signer.generate())
        log.writer.stream.settle_keys()
        assert not log.writer.keys.pending

    def test_a_key_that_cannot_sign_now_does_not_stop_the_one_that_signs(
        self, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        new = Signer.generate()
        with monkeypatch.context() as patch:
            patch.setattr(Ed25519Key, "sign", failing_for(new))
            log.writer.change_keys(new)
            self.signs(log.writer.commit([rows(Stream.AUDIT, "a")]), new, SIGNER)
            self.signs(log.writer.append([rows(Stream.AUDIT, "b")]), new, SIGNER)
            log.writer.stream.store_waiting()
            assert log.writer.keys.pending
        self.signs(log.writer.append([rows(Stream.AUDIT, "c")]), SIGNER, new)

    def test_batches_that_wait_stop_no_change_and_are_stored_before_it(self, log: Log) -> None:
        newer, newest = Signer.generate(), Signer.generate()
        first = log.writer.append([rows(Stream.AUDIT, "a")])
        log.writer.change_keys(newer)
        second = log.writer.append([rows(Stream.AUDIT, "b")])
        log.writer.change_keys(newest)
        third = log.writer.append([rows(Stream.AUDIT, "c")])
        self.signs(first, newer, newest, SIGNER)
        self.signs(second, SIGNER, newest, newer)
        self.signs(third, SIGNER, newer, newest)
        assert log.writer.keys.pending
        assert log.engine.attempts == []
        log.writer.stream.store_waiting()
        assert self.tables(log) == [*TABLES, "log_statements", *TABLES, "log_statements", *TABLES]
        assert not log.writer.keys.pending

    @pytest.mark.parametrize("error", [REFUSED, UNKNOWN])
    def test_behind_a_journal_the_change_is_repeated_and_nothing_overtakes_it(
        self, log: Log, error: StorageError, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "server.log.statement_writer.is_stated", lambda engine, _: "log_statements" in engine.tables
        )
        log.writer.append([rows(Stream.AUDIT, "a")])
        log.writer.change_keys(Signer.generate())
        log.writer.append([rows(Stream.AUDIT, "b")])
        log.engine.failures = [None, None, None, *5 * [(error, False)]]
        log.writer.stream.store_waiting()
        assert self.tables(log) == [*TABLES, *6 * ["log_statements"], *TABLES]
        assert log.give_up.blocked == 5 * [True]
        assert not log.writer.stream.blocked

    def test_a_shutdown_ends_the_attempts(self, log: Log) -> None:
        log.writer.append([rows(Stream.AUDIT, "a")])
        log.writer.change_keys(Signer.generate())
        log.writer.append([rows(Stream.AUDIT, "b")])
        log.engine.failures = [None, None, None, *99 * [(REFUSED, False)]]
        log.give_up.pauses_left = 3
        with pytest.raises(StorageRefusedError, match="shut down"):
            log.writer.stream.store_waiting()
        assert len(log.journal) == 1
        assert log.writer.keys.pending

    def test_a_thread_makes_it_where_nothing_comes(self, log: Log) -> None:
        thread = threading.Thread(target=log.writer.stream.store_appended)
        thread.start()
        log.writer.change_keys(Signer.generate())
        wait_for(lambda: not log.writer.keys.pending)
        log.give_up.set()
        log.writer.stream.wake()
        thread.join(60)
        assert not thread.is_alive()
        assert self.tables(log) == ["log_statements"]

    def test_a_shutdown_while_storage_may_have_the_statement_lets_nothing_be_signed_past_it(self, log: Log) -> None:
        log.writer.change_keys(Signer.generate())
        log.engine.failures = [(UNKNOWN, False)]
        log.give_up.pauses_left = 0
        with pytest.raises(StorageRefusedError, match="shut"):
            log.writer.commit([rows(Stream.AUDIT, "a")])
        assert log.give_up.is_set()
        assert self.tables(log) == ["log_statements"]
        assert (len(log.journal), log.committed) == (0, [])

    def test_a_disk_that_may_have_kept_the_statement_lets_nothing_be_signed_past_it(
        self, journal: Journal, tmp_path: Path
    ) -> None:
        disk = Disk(tmp_path / "statements")
        with closing(Journal(tmp_path / "statements", 1 << 20, sync=disk.sync)) as stated:
            log = Log(journal, stated=stated)
            log.writer.change_keys(Signer.generate())
            disk.failing = 1
            with pytest.raises(StorageRefusedError, match="change of keys"):
                log.writer.commit([rows(Stream.AUDIT, "a")])
            assert (log.engine.attempts, len(log.journal)) == ([], 0)
            log.writer.commit([rows(Stream.AUDIT, "a")])
        assert self.tables(log) == ["log_statements", *TABLES]


def failing_for(signer: Signer) -> Callable[[Ed25519Key, bytes], bytes]:
    sign = Ed25519Key.sign

    def fail(key: Ed25519Key, message: bytes) -> bytes:
        if key is signer.ed25519:
            raise SigningError("the token was pulled out")
        return sign(key, message)

    return fail


def test_a_refusal_is_told_as_trouble_until_a_batch_is_committed(log: Log) -> None:
    assert log.writer.stream.trouble == ""
    log.engine.failures = [(REFUSED, False)]
    with pytest.raises(StorageRefusedError):
        log.writer.commit([rows(Stream.AUDIT, "a")])
    assert "too many parts" in log.writer.stream.trouble
    log.writer.commit([rows(Stream.AUDIT, "b")])
    assert log.writer.stream.trouble == ""


def test_a_key_that_cannot_sign_now_refuses_the_batch_and_nothing_is_kept_of_it(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SigningError("the token was pulled out")

    monkeypatch.setattr("server.notary.batch.sign_checkpoint", fail)
    for refuse in (log.writer.commit, log.writer.append):
        with pytest.raises(StorageRefusedError, match="pulled out"):
            refuse([rows(Stream.AUDIT, "a")])
        assert "pulled out" in log.writer.stream.trouble
        assert "pulled out" in log.writer.stream.journal_trouble
    assert len(log.journal) == 0
    assert log.engine.attempts == []
    monkeypatch.undo()
    log.writer.commit([rows(Stream.AUDIT, "a")])
    assert log.writer.stream.trouble == ""


def test_a_journal_that_cannot_be_written_is_told_as_trouble_until_a_batch_is_taken(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
        log = Log(journal)
        for append in (log.writer.commit, log.writer.append):
            disk.failing = 2
            with pytest.raises(JournalFailedError):
                append([rows(Stream.AUDIT, "a")])
            assert "the journal cannot be written" in log.writer.stream.trouble
            assert "the journal cannot be written" in log.writer.stream.journal_trouble
            disk.failing = 0
            append([rows(Stream.AUDIT, "a")])
            assert log.writer.stream.trouble == ""
            assert log.writer.stream.journal_trouble == ""
