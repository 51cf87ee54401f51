"""Resuming a log from its journal: which batches are stored or kept, and when the start is refused."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from server.errors.ingest import JournalDamagedError
from server.log.journal import Journal
from server.log.journal_entry import Entry, decode_entry
from server.log.log_writer import LogWriter
from server.log.stored_log import LogUnusableError
from server.notary.batch import Batch, LogState
from server.notary.checkpoint import Checkpoint
from server.notary.keys import VerifierKey
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.commit import insert_batches, insert_records, insert_tiles
from storage.engine import Engine
from storage.evidence import read_batches_within
from storage.stored_records import read_records
from tests.codec.building import follows, rows

from .recovered import KEY, NAME, SIGNER, checkpoint, write
from .writers import BatchMemory, log_writer, only_batch, open_log


class Restart:
    """A writer that restarts with the same journal and storage."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine = engine
        self.directory = directory
        self.batches: list[Batch] = []

    @property
    def known(self) -> Checkpoint | None:
        """The last checkpoint that was remembered."""
        return checkpoint(self.batches[-1]) if self.batches else None

    @contextmanager
    def life(self, name: LogName = NAME, keys: Collection[VerifierKey] = (), signer: Signer = SIGNER) -> Iterator[Life]:
        with closing(Journal(self.directory / "journal", 1 << 20)) as journal:
            committed, head, _ = open_log(
                self.engine, name, keys or signer.verifier_keys(name.origin), self.known, journal
            )
            memory = BatchMemory(journal, self.batches)
            writer = log_writer(self.engine, journal, committed, signer, head=head, memory=memory)
            yield Life(writer, committed, head)

    def write(self, *bodies: str, waiting: Sequence[str] = ()) -> list[Batch]:
        """Commit a batch for each body, and leave others in the journal; return the latter batches."""
        with self.life() as life:
            for body in bodies:
                life.writer.commit([rows(Stream.AUDIT, body)])
            return [life.writer.append([rows(Stream.AUDIT, body)], [body.encode() * 32]) for body in waiting]

    def continue_elsewhere(self, journal: Journal, same: int, others: Sequence[str]) -> None:
        """Let another server with the same keys store some of the batches that wait here, and then its own."""
        with closing(Journal(self.directory / "journal", 1 << 20)) as left:
            state, _, _ = open_log(self.engine, NAME, [KEY], self.known, left)
            for number in left.waiting[:same]:
                entry = decode_entry(left.read(number))
                state, fragments = entry.signed[0].extend(state)
                insert_records(self.engine, NAME.stream, entry.batches, entry.block)
                insert_tiles(self.engine, entry.batches, [fragments])
                insert_batches(self.engine, entry.batches)
        write(self.engine, journal, state, *([body] for body in others))

    def segments(self) -> dict[str, bytes]:
        """Return the files of the journal."""
        return {path.name: path.read_bytes() for path in (self.directory / "journal").iterdir()}

    def lose(self, *sequences: int) -> None:
        """Let storage lose batches."""
        for batch in [batch for batch in self.batches if batch.sequence in sequences]:
            for table in ("audit_logs", "log_tiles", "log_batches"):
                self.engine.execute(
                    f"ALTER TABLE {table} DELETE WHERE BatchId = '{batch.batch_id}' SETTINGS mutations_sync = 2"
                )


@dataclass
class Life:
    writer: LogWriter
    committed: LogState
    head: LogState


@pytest.fixture
def restart(engine: Engine, tmp_path: Path) -> Restart:
    return Restart(engine, tmp_path / "server")


def living_entries() -> list[Entry]:
    """The entries of journals in memory, in any order."""
    return [one for one in gc.get_objects() if isinstance(one, Entry)]


class LookingJournal(Journal):
    """A journal that counts its entries in memory at each read."""

    def __init__(self, directory: Path, limit: int) -> None:
        super().__init__(directory, limit)
        # Other tests of this process may hold entries; they are kept here so that no new entry gets their identities.
        self._others = living_entries()
        self.most = 0

    def read(self, number: int) -> bytes:
        others = {id(other) for other in self._others}
        self.most = max(self.most, sum(id(entry) not in others for entry in living_entries()))
        return super().read(number)


class TestJournal:
    """A log resumes at the size in its journal, once storage has the batches of the journal."""

    def test_what_storage_does_not_have_is_stored_and_gone_on_from(self, restart: Restart) -> None:
        left = restart.write("a", waiting=["b", "c"])
        with restart.life() as life:
            assert (life.committed.sequence, life.head.sequence) == (1, 3)
            assert life.head.range.root() == left[-1].root_hash
            assert life.writer.checkpoint == restart.known
            life.writer.stream.store_waiting()
            last = life.writer.commit([rows(Stream.AUDIT, "d")])
        stored = read_batches_within(restart.engine, NAME.log_id, 0, 100)
        assert stored[1:] == [*left, last]
        assert follows(last, left[-1])
        records = list(read_records(restart.engine, Stream.AUDIT, NAME.log_id, 0, 10))
        assert [record.batch_id for record in records] == [batch.batch_id for batch in stored]

    @pytest.mark.parametrize("steps", [0, 1, 2, 3])
    def test_a_batch_of_which_storage_has_a_part_is_completed(
        self, restart: Restart, steps: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        [left] = restart.write("a", waiting=["b"])
        with closing(Journal(restart.directory / "journal", 1 << 20)) as journal:
            entry = decode_entry(journal.read(journal.waiting[-1]))
        before, _ = CompactRange().extend(rows(Stream.AUDIT, "a").leaf_hashes)
        _, fragments = entry.signed[0].extend(LogState(NAME, 1, before))
        insert_records(restart.engine, NAME.stream, [left], entry.block)
        inserts: tuple[Callable[[], None], ...] = (
            lambda: insert_tiles(restart.engine, [left], [fragments]),
            lambda: insert_batches(restart.engine, [left]),
        )
        for insert in inserts[: steps - 1 if steps else 0]:
            insert()
        with restart.life() as life:
            assert life.head.sequence == 2
            life.writer.stream.store_waiting()
        assert "never committed" not in caplog.text
        assert read_batches_within(restart.engine, NAME.log_id, 0, 100)[1:] == [left]
        assert [record.batch_id for record in read_records(restart.engine, Stream.AUDIT, NAME.log_id, 1, 9)] == [
            left.batch_id
        ]

    def test_a_start_has_one_entry_of_a_journal_in_memory_at_a_time(self, restart: Restart) -> None:
        left = restart.write("a", waiting=[f"waiting {number}" for number in range(20)])
        with closing(LookingJournal(restart.directory / "journal", 1 << 20)) as journal:
            _, head, _ = open_log(restart.engine, NAME, [KEY], restart.known, journal)
            assert journal.most <= 1
        assert head.range.root() == left[-1].root_hash

    def test_what_storage_has_leaves_the_journal(self, restart: Restart) -> None:
        restart.write("a", "b")
        with restart.life() as life:
            assert (life.committed, len(life.writer.stream.journal)) == (life.head, 0)

    def test_what_storage_has_lost_is_stored_again(self, restart: Restart) -> None:
        restart.write("a", "b", "c")
        restart.lose(2, 3)
        with restart.life() as life:
            assert (life.committed.sequence, life.head.sequence) == (1, 3)
            life.writer.stream.store_waiting()
        assert read_batches_within(restart.engine, NAME.log_id, 0, 100) == restart.batches[:3]
        assert len(list(read_records(restart.engine, Stream.AUDIT, NAME.log_id, 0, 9))) == 3

    def test_storage_that_has_lost_more_than_the_journal_has_is_refused(self, restart: Restart) -> None:
        restart.write("a", "b")
        shutil.rmtree(restart.directory / "journal")
        restart.write(waiting=["c"])
        restart.lose(2)
        with pytest.raises(JournalDamagedError, match="does not continue the log"), restart.life():
            pass

    def test_a_journal_that_is_behind_what_this_writer_remembers_is_refused(self, restart: Restart) -> None:
        restart.write("a", "b")
        restart.lose(2)
        shutil.rmtree(restart.directory / "journal")
        with pytest.raises(LogUnusableError, match="storage has lost records"), restart.life():
            pass

    def test_another_history_in_storage_is_refused(self, restart: Restart, journal: Journal) -> None:
        restart.write(waiting=["a"])
        write(restart.engine, journal, LogState(NAME), ["written elsewhere"])
        with pytest.raises(LogUnusableError, match="storage has another history: batch 1"), restart.life():
            pass

    @pytest.mark.parametrize(
        ("same", "others"),
        [
            pytest.param(0, ["p", "q", "r", "s"], id="others_that_go_further"),
            pytest.param(0, ["p", "q"], id="as_many_others"),
            pytest.param(0, ["p"], id="fewer_others"),
            pytest.param(1, ["q"], id="the_second_differs"),
            pytest.param(1, ["q", "r", "s"], id="the_second_differs_and_others_go_further"),
        ],
    )
    def test_batches_that_others_have_replaced_in_storage_stay_in_the_journal(
        self, restart: Restart, journal: Journal, same: int, others: list[str]
    ) -> None:
        left = restart.write("a", waiting=["b", "c"])
        restart.continue_elsewhere(journal, same, others)
        segments = restart.segments()
        message = rf"another history: batch {2 + same} .* Nothing was deleted: 'lognotary journal inspect"
        for _ in range(2):
            with pytest.raises(LogUnusableError, match=message), restart.life():
                pass
            assert restart.segments() == segments
        with closing(Journal(restart.directory / "journal", 1 << 20)) as kept:
            assert [only_batch(kept.read(number)).batch for number in kept.waiting[1:]] == left

    def test_where_others_took_over_a_server_starts_once_its_journal_is_moved_away(
        self, restart: Restart, journal: Journal
    ) -> None:
        restart.write("a", waiting=["b", "c"])
        restart.continue_elsewhere(journal, 0, ["p", "q", "r"])
        (restart.directory / "journal").rename(restart.directory / "kept")
        with restart.life() as life:
            assert life.head.sequence == 4

    @pytest.mark.parametrize("further", [[], ["x", "y"]])
    def test_what_storage_has_as_it_was_signed_leaves_the_journal(
        self, restart: Restart, journal: Journal, further: list[str]
    ) -> None:
        restart.write("a", waiting=["b", "c"])
        restart.continue_elsewhere(journal, 2, further)
        with restart.life() as life:
            assert (life.committed, len(life.writer.stream.journal)) == (life.head, 0)
            assert life.head.sequence == 3 + len(further)

    def test_nothing_leaves_the_journal_if_storage_lacks_a_batch_before_its_last_one(self, restart: Restart) -> None:
        restart.write("a", "b", "c")
        restart.lose(2)
        segments = restart.segments()
        with pytest.raises(LogUnusableError, match=r"storage has lost records: .* but not batch 2"), restart.life():
            pass
        assert restart.segments() == segments

    def test_nothing_leaves_the_journal_if_the_log_is_refused_for_another_reason(self, restart: Restart) -> None:
        batches = restart.batches
        restart.write("a", "b")
        batches.append(replace(batches[-1], root_hash=bytes(32)))  # which this writer remembers
        with closing(Journal(restart.directory / "journal", 1 << 20)) as journal:
            waiting = journal.waiting
            with pytest.raises(LogUnusableError, match="is not the one whose checkpoint"):
                open_log(restart.engine, NAME, [KEY], restart.known, journal)
            assert journal.waiting == waiting

    def test_batches_that_none_of_its_keys_signed_are_refused(self, restart: Restart) -> None:
        restart.write(waiting=["a"])
        with pytest.raises(LogUnusableError, match="by none of the log's keys"), restart.life(signer=Signer.generate()):
            pass

    def test_batches_of_another_log_that_are_stored_leave_it(self, restart: Restart) -> None:
        restart.write("a")
        restart.batches.clear()
        with restart.life(LogName("example.org", Stream.AUDIT, "node-2")) as life:
            assert life.head.sequence == 0
            assert len(life.writer.stream.journal) == 0

    def test_batches_of_another_log_that_are_not_stored_are_not_dropped(self, restart: Restart) -> None:
        restart.write(waiting=["a"])
        with (
            pytest.raises(LogUnusableError, match="records of another log"),
            restart.life(LogName("example.org", Stream.AUDIT, "node-2")),
        ):
            pass
        with restart.life() as life:
            assert life.head.sequence == 1

    def test_a_journal_of_something_else_is_refused(self, restart: Restart) -> None:
        with closing(Journal(restart.directory / "journal", 1 << 20)) as journal:
            journal.append([b"something else"])
        with pytest.raises(JournalDamagedError), restart.life():
            pass
