"""Changes of a log's keys: in the order of its batches, and stated before storage has signatures of the new keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from harness.waiting import wait_for
from server.errors.ingest import StorageRefusedError
from server.log.journal import Journal
from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import SigningError
from server.notary.keys import VerifierKey
from server.notary.origin import Stream
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from storage.errors import StorageError
from tests.codec.building import follows, rows

from .disk import Disk
from .failures import REFUSED, UNKNOWN
from .pretended_log import NAME, SIGNER, TABLES, Log

pytestmark = pytest.mark.usefixtures("quiet")


class TestKeys:
    """Keys change in the log's own order, and are stated before storage has any signature of the new keys."""

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
            "server.log.statement_store.are_stated", lambda engine, _: "log_statements" in engine.tables
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


def signers_of(batch: Batch, *signers: Signer) -> list[VerifierKey]:
    keys = [key for signer in signers for key in signer.verifier_keys(NAME.origin)]
    return open_checkpoint(batch.checkpoint)[1].verify(keys)
