"""The writer of a stream: one entry and one INSERT for each table, with a batch of each log."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from harness.native_block import count_rows, read_block
from server.errors.ingest import BatchOutcomeUnknownError, JournalFullError, RefusedError, StorageRefusedError
from server.log.committed_log import CommittedLog
from server.log.group import GroupLimits
from server.log.journal import Journal
from server.log.key_changes import KeyChanges
from server.log.open_log import LogRecords, OpenLog
from server.log.stream_writer import StreamWriter
from server.notary.batch import Batch, LogState
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import SigningError
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, Signer
from storage.errors import NotAppliedError
from tests.codec.building import DAY, NOW, PretendedEngine, follows, rows

from .disk import Disk
from .failures import UNKNOWN
from .streams import NAMES, SIGNER, TABLES, A, B, C, Ended, Picky, records, taken
from .writers import Memory, stream_writer


def tables(engine: PretendedEngine) -> list[str]:
    return [table for table, _ in engine.attempts]


class TestCommit:
    @pytest.fixture
    def writer(self, picky: Picky, journal: Journal) -> StreamWriter:
        return stream_writer(picky, journal, NAMES, SIGNER)[0]

    def test_batches_of_many_logs_go_with_one_insert_for_each_table(self, picky: Picky, writer: StreamWriter) -> None:
        batches = taken(writer.commit(records({A: "ab", B: "c", C: "def"})))
        assert tables(picky) == TABLES
        assert len({token for _, token in picky.attempts}) == 1
        assert {name: batch.origin for name, batch in batches.items()} == {name: name.origin for name in (A, B, C)}
        [block] = picky.tables["audit_logs"].values()
        assert count_rows(block) == 6
        [committed] = picky.tables["log_batches"].values()
        assert [row["BatchId"] for row in read_block(committed)] == [batch.batch_id for batch in batches.values()]

    def test_each_log_goes_on_from_its_own_batches(self, writer: StreamWriter) -> None:
        last: dict[LogName, Batch] = {}
        for texts in ({A: "a", B: "b"}, {B: "c"}, {C: "d", A: "e"}, {A: "f", B: "g", C: "h"}):
            for name, batch in taken(writer.commit(records(texts))).items():
                assert follows(batch, last.get(name))
                last[name] = batch
        assert [last[name].sequence for name in (A, B, C)] == [3, 3, 2]

    def test_a_log_is_added_while_others_are_written(self, writer: StreamWriter) -> None:
        taken(writer.commit(records({A: "a"})))
        name = LogName("example.org", Stream.AUDIT, "later")
        with pytest.raises(KeyError):
            writer.commit(records({name: "a"}))
        writer.add(OpenLog(CommittedLog(LogState(name)), KeyChanges(name.origin, SIGNER)))
        assert follows(taken(writer.commit(records({A: "b", name: "c"})))[name], None)
        with pytest.raises(ValueError, match="is open already"):
            writer.add(OpenLog(CommittedLog(LogState(name)), KeyChanges(name.origin, SIGNER)))

    @pytest.mark.parametrize("way", ["commit", "append"])
    def test_a_log_that_cannot_be_signed_refuses_only_its_own_records(
        self, picky: Picky, journal: Journal, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        writer, logs = stream_writer(picky, journal, [A], SIGNER)
        other = Signer.generate()
        writer.add(OpenLog(CommittedLog(LogState(B)), KeyChanges(B.origin, other)))
        sign = Ed25519Key.sign

        def fail(key: Ed25519Key, message: bytes) -> bytes:
            if key is other.ed25519:
                raise SigningError("the token was pulled out")
            return sign(key, message)

        with monkeypatch.context() as patch:
            patch.setattr(Ed25519Key, "sign", fail)
            outcomes = getattr(writer, way)(records({B: "a", A: "b"}))
            assert isinstance(outcomes[A], Batch)
            assert isinstance(outcomes[B], StorageRefusedError)
            assert writer.trouble == ""
            outcomes = getattr(writer, way)(records({B: "a"}))
            assert isinstance(outcomes[B], StorageRefusedError)
            assert "pulled out" in writer.trouble
        writer.store_waiting()
        assert follows(taken(writer.commit(records({B: "c", A: "d"})))[B], None)
        assert logs[A].committed.state.sequence == 2

    def test_records_that_come_after_the_promise_of_one_log_refuse_no_other_log(
        self, picky: Picky, journal: Journal
    ) -> None:
        writer, logs = stream_writer(picky, journal, NAMES, SIGNER)
        logs[B].receipts.promise(1 << 62)
        outcomes = writer.commit(records({A: "a", B: "b", C: "c"}))
        assert [isinstance(outcomes[name], Batch) for name in (A, B, C)] == [True, False, True]

    def test_records_that_storage_refuses_do_not_keep_the_records_of_other_logs_out(
        self, picky: Picky, writer: StreamWriter, journal: Journal
    ) -> None:
        picky.words = [b"bad"]
        for number in range(1, 4):
            good = records({name: f"{number}" for name in NAMES if name != C})
            outcomes = writer.commit({**good, C: LogRecords([rows(Stream.AUDIT, "bad")])})
            assert isinstance(outcomes.pop(C), StorageRefusedError)
            assert {batch.sequence for batch in taken(outcomes).values()} == {number}
            assert (writer.trouble, len(journal)) == ("", 0)
        # From the second time on, the log goes alone.
        assert tables(picky)[-8:] == 2 * [*TABLES, TABLES[0]]
        picky.words = ()
        assert follows(taken(writer.commit(records({C: "c", A: "d"})))[C], None)

    def test_storage_that_refuses_everything_refuses_all_logs(
        self, picky: Picky, writer: StreamWriter, journal: Journal
    ) -> None:
        picky.refusing = {TABLES[0]}
        outcomes = writer.commit(records(dict.fromkeys(NAMES, "a")))
        assert all(isinstance(outcome, StorageRefusedError) for outcome in outcomes.values())
        assert "refused" in writer.trouble
        assert len(picky.attempts) <= 5
        picky.refusing = set()
        assert {batch.sequence for batch in taken(writer.commit(records(dict.fromkeys(NAMES, "a")))).values()} == {1}
        assert (writer.trouble, len(journal)) == ("", 0)

    def test_an_unknown_outcome_is_the_outcome_of_its_own_logs_only(self, picky: Picky, journal: Journal) -> None:
        give_up = Ended()
        writer, _ = stream_writer(picky, journal, [A, B, C], SIGNER, give_up=give_up)
        picky.failures = [(NotAppliedError("no"), False), (UNKNOWN, False)]
        outcomes = writer.commit(records({A: "a", B: "b", C: "c"}))
        kinds = {name: type(outcome) for name, outcome in outcomes.items()}
        assert kinds == {A: BatchOutcomeUnknownError, B: StorageRefusedError, C: StorageRefusedError}
        give_up.clear()
        batches = taken(writer.commit(records({A: "d", B: "e", C: "f"})))
        assert [batches[name].sequence for name in (A, B, C)] == [2, 1, 1]

    def test_an_entry_for_which_the_journal_has_no_room_refuses_all_logs(self, picky: Picky, tmp_path: Path) -> None:
        with closing(Journal(tmp_path, 1000)) as journal:
            writer, _ = stream_writer(picky, journal, NAMES, SIGNER)
            writer.append(records({A: "a"}))
            with pytest.raises(JournalFullError):
                writer.append(records({A: "b", B: "c"}))
            writer.store_waiting()
            assert taken(writer.append(records({A: "b", B: "c"})))[A].sequence == 2

    def test_a_disk_that_fails_refuses_all_logs(self, picky: Picky, tmp_path: Path) -> None:
        disk = Disk(tmp_path)
        with closing(Journal(tmp_path, 1 << 20, sync=disk.sync)) as journal:
            writer, _ = stream_writer(picky, journal, NAMES, SIGNER)
            disk.failing = 1
            outcomes = writer.commit(records({A: "a", B: "b"}))
            assert all(isinstance(outcome, RefusedError) for outcome in outcomes.values())
            assert "the journal cannot be written" in writer.trouble
            assert follows(taken(writer.commit(records({A: "a", B: "b"})))[B], None)

    def test_records_that_cannot_be_encoded_are_refused(
        self, writer: StreamWriter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise MemoryError

        with monkeypatch.context() as patch:
            patch.setattr("server.log.stream_writer.encode_records_block", fail)
            outcome = writer.commit(records({A: "a"}))[A]
        assert isinstance(outcome, StorageRefusedError)
        assert follows(taken(writer.commit(records({A: "a"})))[A], None)

    def test_every_log_is_remembered_with_its_last_checkpoint(self, picky: Picky, journal: Journal) -> None:
        memory = Memory()
        writer, _ = stream_writer(picky, journal, NAMES, SIGNER, memory=memory)
        writer.append(records({A: "a", B: "b"}))
        last = [taken(writer.append(records({A: "c"})))[A], taken(writer.append(records({B: "d"})))[B]]
        writer.store_waiting()
        assert tables(picky) == TABLES
        assert memory.checkpoints == [batch.checkpoint for batch in last]

    def test_records_of_two_days_are_not_committed_together(self, writer: StreamWriter) -> None:
        tomorrow = LogRecords([rows(Stream.AUDIT, "b", ingested_at=NOW + DAY)])
        with pytest.raises(ValueError, match="several days"):
            writer.append({**records({A: "a"}), B: tomorrow})
        assert follows(taken(writer.commit({B: tomorrow}))[B], None)


class TestWaiting:
    def test_entries_of_many_logs_go_together(self, picky: Picky, journal: Journal) -> None:
        writer, logs = stream_writer(picky, journal, NAMES, SIGNER)
        for texts in ({A: "a", B: "b"}, {B: "c"}, {C: "d", A: "e"}):
            writer.append(records(texts))
        writer.store_waiting()
        assert tables(picky) == TABLES
        assert [logs[name].committed.state for name in (A, B, C)] == [logs[name].head for name in (A, B, C)]

    def test_a_group_has_as_many_batches_as_it_may_have(self, picky: Picky, journal: Journal) -> None:
        writer, _ = stream_writer(picky, journal, NAMES, SIGNER, limits=GroupLimits(batches=5))
        for texts in ({A: "a", B: "b"}, {B: "c"}, {C: "d", A: "e"}, {A: "f"}, dict.fromkeys(NAMES, "g"), {A: "h"}):
            writer.append(records(texts))
        writer.store_waiting()
        assert [count_rows(block) for block in picky.tables[TABLES[0]].values()] == [5, 1, 5, 1]

    def test_a_key_change_of_one_log_stands_between_its_own_batches(
        self, picky: Picky, journal: Journal, tmp_path: Path
    ) -> None:
        with closing(Journal(tmp_path / "statements", 1 << 20)) as stated:
            writer, logs = stream_writer(picky, journal, [A, B], SIGNER, statements={A: stated})
            new = Signer.generate()
            writer.append(records({A: "a", B: "b"}))
            logs[A].keys.want(new)
            second = taken(writer.append(records({A: "c", B: "d"})))
            writer.append(records({B: "e"}))
            writer.store_waiting()
        assert tables(picky) == [*TABLES, "log_statements", *TABLES]
        assert open_checkpoint(second[A].checkpoint)[1].verify(new.verifier_keys(A.origin))
        assert open_checkpoint(second[B].checkpoint)[1].verify(SIGNER.verifier_keys(B.origin))

    def test_changes_of_keys_are_made_in_all_logs_though_one_of_them_fails(
        self, picky: Picky, journal: Journal, tmp_path: Path
    ) -> None:
        with ExitStack() as stack:
            disk = Disk(tmp_path / A.writer)
            stated = {
                name: stack.enter_context(closing(Journal(tmp_path / name.writer, 1 << 20, sync=sync)))
                for name, sync in ((A, disk.sync), (B, lambda _: None))
            }
            writer, logs = stream_writer(picky, journal, [A, B], SIGNER, statements=stated)
            new = Signer.generate()
            for name in (A, B):
                logs[name].keys.want(new)
            disk.failing = 1
            with pytest.raises(StorageRefusedError, match="change of keys"):
                writer.settle_keys()
            assert [logs[name].keys.pending for name in (A, B)] == [True, False]
            logs[A].keys.want(new)
            disk.failing = 1
            outcomes = writer.commit(records({A: "a", B: "b"}))
            assert [isinstance(outcomes[name], Batch) for name in (A, B)] == [False, True]
            writer.settle_keys()
