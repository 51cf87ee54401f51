"""Changes of the keys of a writer's logs: rotated, added, turned off, lost; over a real storage."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.waiting import until
from server.keys.keyring import Keyring
from server.keys.store import KeyStore, KeyStoreError
from server.log.stored_log import LogUnusableError
from server.notary.checkpoint import open_checkpoint
from server.notary.findings import FindingKind
from server.notary.keys import VerifierKey
from server.notary.origin import Stream
from server.notary.signers import Ed25519Key
from server.notary.trust import fingerprint
from server.process.pools import Pool
from server.writer.owned_logs import reload_keys, settle_keys, signed_by
from storage.engine import Engine, EngineWrapper
from storage.evidence import read_batches_within
from tests.codec.building import rows

from .log_server import AUDIT, DAY, NAMES, Server, signers


class CrashError(BaseException):
    """The process ends here."""


class MortalEngine(EngineWrapper):
    """An engine whose process ends before or after some insert.

    Attributes:
        inserts_left: so many more are done, None for any number.
        applied: the one at which the process ends takes effect.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.inserts_left: int | None = None
        self.applied = False

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        if self.inserts_left is not None:
            self.inserts_left -= 1
        dies = self.inserts_left is not None and self.inserts_left < 0
        if not dies or self.applied:
            super().insert(table, columns, block, token)
        if dies:
            raise CrashError


class TestRotation:
    def test_a_rotated_key_is_taken_over_at_the_start_signed_by_both(self, server: Server) -> None:
        with server.running() as logs:
            before = server.write(logs)[Stream.AUDIT]
        old, new = server.store().rotate()
        with server.running() as logs:
            after = server.write(logs)[Stream.AUDIT]
        old_key, new_key = (VerifierKey(AUDIT.origin, key.public_key) for key in (old, new))
        [change] = server.changes()
        assert (change.before, change.after, change.size) == ((old_key,), (new_key,), 1)
        assert signers(before, old_key, new_key) == [old_key]
        assert signers(after, old_key, new_key) == [new_key]
        for key in (old, new):
            assert server.findings(key.public_key) == []

    def test_a_server_starts_again_although_nothing_came_since_the_rotation(self, server: Server) -> None:
        with server.running() as logs:
            server.write(logs)
        server.store().rotate()
        for _ in range(2):
            server.start()
        with server.running() as logs:
            server.write(logs)
        assert server.stated() == [f"retention {400 * DAY}", "keys"]
        assert server.findings() == []

    def test_a_key_that_has_signed_only_statements_is_replaced_by_a_statement_too(self, server: Server) -> None:
        server.start()
        old, new = server.store().rotate()
        server.start()
        [change] = server.changes()
        assert change.before == (VerifierKey(AUDIT.origin, old.public_key),)
        with server.running() as logs:
            server.write(logs)
        for key in (old, new):
            assert server.findings(key.public_key) == []

    def test_several_rotations_while_no_server_ran_are_one_change(self, server: Server) -> None:
        with server.running() as logs:
            server.write(logs)
        first, _ = server.store().rotate()
        _, last = server.store().rotate()
        server.start()
        [change] = server.changes()
        assert [key.public_key for key in (*change.before, *change.after)] == [first.public_key, last.public_key]

    def test_a_running_server_takes_it_over_when_it_is_told(self, server: Server) -> None:
        store = server.store()
        with server.running(store) as logs:
            server.write(logs)
            reload_keys(logs.values(), Keyring(store))
            server.settle(logs)
            assert server.changes() == []
            old, new = store.rotate()
            server.write(logs)  # it has not been told yet
            assert signed_by(logs.values(), Keyring(store))[""] == old.fingerprint
            reload_keys(logs.values(), Keyring(store))
            reload_keys(logs.values(), Keyring(store))
            assert signed_by(logs.values(), Keyring(store))[""] == ""
            server.settle(logs)
            assert signed_by(logs.values(), Keyring(store))[""] == new.fingerprint
            after = server.write(logs)
            for stream, name in NAMES.items():
                [change] = server.changes(name)
                assert change.size == 2
                assert signers(after[stream], *change.before, *change.after) == [*change.after]
        server.start()
        assert len(server.changes()) == 1
        for key in (old, new):
            assert server.findings(key.public_key) == []

    def test_a_rotation_that_cannot_be_stated_is_told_once_and_made_up_for_at_the_next_start(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = server.store()
        with server.running(store) as logs:
            old, _ = store.rotate()
            server.engine.execute("RENAME TABLE log_statements TO away")
            reload_keys(logs.values(), Keyring(store))
            for _ in range(3):
                server.settle(logs)
            assert caplog.text.count("the key change is pending and cannot be made now") == 3
            old_key = VerifierKey(AUDIT.origin, old.public_key)
            assert signers(server.write(logs)[Stream.AUDIT], old_key) == [old_key]
            server.engine.execute("RENAME TABLE away TO log_statements")
        server.start()
        assert len(server.changes()) == 1
        assert server.findings(old.public_key) == []

    async def test_a_rotation_that_could_not_be_stated_is_made_up_for_though_nothing_comes(
        self, server: Server
    ) -> None:
        store = server.store()
        with server.running(store) as logs:
            _, new = store.rotate()
            server.engine.execute("RENAME TABLE log_statements TO away")
            reload_keys(logs.values(), Keyring(store))
            settling = asyncio.create_task(settle_keys(Pool("housekeeping", 1), logs.values(), in_commits=True))
            await until(lambda: all(log.default.statements.signed > 2 for log in logs.values()))  # it was tried
            server.engine.execute("RENAME TABLE away TO log_statements")
            await until(lambda: signed_by(logs.values(), Keyring(store))[""] == new.fingerprint)
            settling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await settling
        assert server.findings(new.public_key) == []

    @pytest.mark.parametrize("module_engine", ["embedded"], indirect=True)  # nothing of it is the engine's
    @pytest.mark.parametrize("applied", [False, True], ids=["before an insert", "after an insert"])
    def test_a_crash_at_any_point_leaves_a_log_that_verifies_and_a_change_that_is_made(
        self, engine: Engine, tmp_path: Path, applied: bool
    ) -> None:
        """Behind a journal: two batches that the old keys signed, the change, two that the new ones signed."""
        olds, news = list[bytes](), list[bytes]()
        for crash_at in range(2 * 6 + 2):
            mortal = MortalEngine(engine)
            server = Server(mortal, tmp_path / f"{crash_at}", f"vm{crash_at}")
            store = server.store()
            audit = server.names[Stream.AUDIT]
            with server.running(store, ack="journal") as logs:
                writer = logs[Stream.AUDIT].writer
                batches = [writer.append([rows(Stream.AUDIT, text, ingested_at=time.time_ns())]) for text in "ab"]
                old, new = store.rotate()
                reload_keys(logs.values(), Keyring(store))
                batches += [writer.append([rows(Stream.AUDIT, text, ingested_at=time.time_ns())]) for text in "cd"]
                mortal.inserts_left, mortal.applied = crash_at, applied
                with contextlib.suppress(CrashError):
                    writer.stream.store_waiting()
                mortal.inserts_left = None
            with server.running(store, ack="journal") as logs:
                for log in logs.values():
                    log.writer.stream.store_waiting()
                    log.writer.append([rows(log.name.stream, "e", ingested_at=time.time_ns())])
                    log.writer.stream.store_waiting()
                assert signed_by(logs.values(), Keyring(store))[""] == new.fingerprint
            [change] = server.changes(audit)
            assert change.size == 2
            stored = [*read_batches_within(engine, audit.log_id, 0, 100)]
            assert stored[:4] == batches
            assert [signers(batch, *change.before, *change.after) for batch in stored] == [
                *2 * [[*change.before]],
                *3 * [[*change.after]],
            ]
            olds.append(old.public_key)
            news.append(new.public_key)
        for keys in (olds, news):
            assert server.findings(*keys) == []

    def test_keys_that_change_again_before_storage_is_back_follow_on_each_other(self, server: Server) -> None:
        store = server.store()
        with server.running(store, ack="journal") as logs:
            writer = logs[Stream.AUDIT].writer
            first = store.signer().ed25519.public_key
            for text in "abc":
                writer.append([rows(Stream.AUDIT, text, ingested_at=time.time_ns())])
                _, last = store.rotate()
                reload_keys(logs.values(), Keyring(store))
        with server.running(store, ack="journal") as logs:
            for log in logs.values():
                log.writer.append([rows(log.name.stream, "d", ingested_at=time.time_ns())])
                log.writer.stream.store_waiting()
            assert signed_by(logs.values(), Keyring(store))[""] == last.fingerprint
        assert [change.size for change in server.changes()] == [1, 2, 3]
        for key in (first, last.public_key):
            assert server.findings(key) == []

    def test_a_journal_whose_key_is_gone_is_refused_with_what_to_do(self, server: Server) -> None:
        store = server.store(ml_dsa=True)
        with server.running(store, ack="journal") as logs:
            store.rotate()
            reload_keys(logs.values(), Keyring(store))
            logs[Stream.AUDIT].writer.append([rows(Stream.AUDIT, "a", ingested_at=time.time_ns())])
        (server.directory / "keys" / "ml-dsa-44-key.pem").unlink()
        with pytest.raises(LogUnusableError, match="put the key back"), server.running(server.store()):
            pass

    def test_a_damaged_key_does_not_stop_a_running_server(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = server.store()
        with server.running(store) as logs:
            (server.directory / "keys" / "signing-key.pem").write_text("nonsense")
            reload_keys(logs.values(), Keyring(store))
            server.write(logs)
        assert "signing-key.pem cannot be used" in caplog.text

    def test_a_key_that_was_put_in_the_place_of_another_is_refused_with_what_to_do(self, server: Server) -> None:
        with server.running() as logs:
            server.write(logs)
        file = server.directory / "keys" / "signing-key.pem"
        old = file.read_bytes()
        file.write_bytes(Ed25519Key.generate().to_pem())
        with pytest.raises(LogUnusableError):
            server.start()
        # With the old one beside it, it is a rotation made by hand.
        (server.directory / "keys" / "retired").mkdir()
        (server.directory / "keys" / "retired" / "old.pem").write_bytes(old)
        (server.directory / "keys" / "retired" / "old.pem").chmod(0o600)
        server.start()
        assert len(server.changes()) == 1
        assert server.findings() == []

    def test_a_second_key_that_was_lost_is_named(self, server: Server) -> None:
        server.start(server.store(ml_dsa=True))
        file = server.directory / "keys" / "ml-dsa-44-key.pem"
        lost = KeyStore(server.directory / "keys", ml_dsa=True).signer().verifier_keys(AUDIT.origin)[1]
        file.unlink()
        with pytest.raises(KeyStoreError, match=fingerprint(lost.public_key)):
            server.start()


class TestMlDsa:
    def test_from_the_first_start_it_is_stated_before_anything_else(self, server: Server) -> None:
        store = server.store(ml_dsa=True)
        with server.running(store) as logs:
            batch = server.write(logs)[Stream.AUDIT]
        assert server.stated() == ["keys", f"retention {400 * DAY}"]
        [change] = server.changes()
        assert (change.size, len(change.before), len(change.after)) == (0, 1, 2)
        assert signers(batch, *change.after) == [*change.after]
        assert server.findings(change.before[0].public_key) == []

    def test_it_may_be_turned_on_rotated_and_turned_off_later(self, server: Server) -> None:
        with server.running() as logs:
            server.write(logs)
        first = server.store().signer().ed25519.public_key
        for _ in range(2):
            with server.running(server.store(ml_dsa=True)) as logs:
                server.write(logs)
        server.store().rotate()
        with server.running(server.store(ml_dsa=True)) as logs:
            server.write(logs)
        with server.running() as logs:
            batch = server.write(logs)[Stream.AUDIT]
        assert [(len(change.before), len(change.after)) for change in server.changes()] == [(1, 2), (2, 2), (2, 1)]
        assert len(open_checkpoint(batch.checkpoint)[1].signatures) == 1
        assert server.findings(first) == []
        assert server.findings(server.store().signer().ed25519.public_key) == []

    def test_a_batch_that_lacks_the_second_signature_is_a_finding(self, server: Server) -> None:
        with server.running(server.store(ml_dsa=True)) as logs:
            server.write(logs)
        # The last line of a note is the signature of the second key.
        server.engine.execute(
            "ALTER TABLE log_batches UPDATE Checkpoint = replaceRegexpOne(Checkpoint, '[^\\n]+\\n$', '') "
            f"WHERE LogId = '{AUDIT.log_id}' SETTINGS mutations_sync = 2"
        )
        assert server.findings() == [FindingKind.BATCH_ALTERED]
