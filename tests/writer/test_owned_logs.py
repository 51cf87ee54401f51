"""Opening the logs of a writer: what is stated at the start, and how keys change, over a real storage."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from harness.waiting import until, wait_for
from server.data_dir.directory import DataDirectory
from server.errors.ingest import StorageRefusedError
from server.keys.store import KeyStore, KeyStoreError
from server.log.stored_log import LogUnusableError
from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key
from server.notary.statement import (
    KeyChange,
    ReceiptBound,
    StatementKind,
    open_statement,
    read_key_change,
    read_receipt_bound,
)
from server.notary.trust import TrustedKeys, fingerprint
from server.process.pools import Pool
from server.settings.settings import load_settings
from server.verification.scope import Scope
from server.verification.verification import verify
from server.writer.owned_log import OwnedLog
from server.writer.owned_logs import (
    keep_alive,
    open_logs,
    reload_keys,
    settle_keys,
    signed_by,
    state_changes,
)
from storage.engine import Engine
from storage.errors import StorageError
from storage.evidence import read_batches_within
from storage.statements import read_statements
from tests.codec.building import rows

NAMES = {stream: LogName("shop", stream, "vm") for stream in Stream}
AUDIT = NAMES[Stream.AUDIT]
DAY = 86_400

Logs = Mapping[Stream, OwnedLog]


class CrashError(BaseException):
    """The process ends here."""


class MortalEngine:
    """An engine whose process ends before or after some insert.

    Attributes:
        inserts_left: so many more are done, None for any number.
        applied: the one at which the process ends takes effect.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.inserts_left: int | None = None
        self.applied = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        if self.inserts_left is not None:
            self.inserts_left -= 1
        dies = self.inserts_left is not None and self.inserts_left < 0
        if not dies or self.applied:
            self._engine.insert(table, columns, block, token)
        if dies:
            raise CrashError


class Server:
    """A server's work on its logs, again and again on one data directory and one storage."""

    def __init__(self, engine: Engine, directory: Path, writer: str = "vm") -> None:
        self.engine = engine
        self.directory = directory
        self.names = {stream: LogName("shop", stream, writer) for stream in Stream}
        self._writer = writer
        self.written = 0

    def store(self, *, ml_dsa: bool = False) -> KeyStore:
        return KeyStore(self.directory / "keys", ml_dsa=ml_dsa)

    @contextlib.contextmanager
    def running(self, store: KeyStore | None = None, **settings: str) -> Iterator[Logs]:
        flags = {"data_dir": str(self.directory), "deployment": "shop", **settings}
        with DataDirectory(self.directory) as data:
            keys = store or self.store()
            give_up = threading.Event()
            settings = load_settings(flags, {})
            logs = open_logs(settings, self._writer, data, keys, self.engine, give_up)
            try:
                state_changes(settings, logs, keys)
                yield logs
            finally:
                for log in logs.values():
                    log.close()

    def start(self, store: KeyStore | None = None, **settings: str) -> None:
        with self.running(store, **settings):
            pass

    def write(self, logs: Logs) -> dict[Stream, Batch]:
        """Write a record to each log."""
        self.written += 1
        now = time.time_ns()
        return {
            stream: log.writer.commit([rows(stream, f"{self.written}", ingested_at=now)])
            for stream, log in logs.items()
        }

    def settle(self, logs: Logs) -> None:
        """Make what changes of keys can be made."""
        for log in logs.values():
            log.writer.stream.settle_keys()

    def stated(self, name: LogName = AUDIT) -> list[str]:
        """Return the kinds, and first words of retention, of all statements of a log."""
        read = [open_statement(row.note)[0] for row in read_statements(self.engine, name.log_id)]
        return [" ".join((said.kind.value, *said.words[:1] * (said.kind is StatementKind.RETENTION))) for said in read]

    def changes(self, name: LogName = AUDIT) -> list[KeyChange]:
        stored = read_statements(self.engine, name.log_id, StatementKind.KEYS)
        return [read_key_change(*open_statement(row.note)) for row in stored]

    def findings(self, *public_keys: bytes) -> list[FindingKind]:
        """Verify everything with one public key, or with all that the server has."""
        keys = TrustedKeys(unnamed=public_keys) if public_keys else self.store().trusted()
        return [step.kind for step in verify(self.engine, keys, Scope()) if isinstance(step, Finding)]


@pytest.fixture
def server(engine: Engine, tmp_path: Path) -> Server:
    return Server(engine, tmp_path)


def signers(batch: Batch, *known: VerifierKey) -> list[VerifierKey]:
    return open_checkpoint(batch.checkpoint)[1].verify(known)


class TestRetention:
    def test_the_first_start_states_how_long_records_are_kept(self, server: Server) -> None:
        server.start()
        assert server.stated() == [f"retention {400 * DAY}"]
        assert server.stated(NAMES[Stream.OPERATIONAL]) == [f"retention {30 * DAY}"]

    def test_a_restart_states_nothing_again(self, server: Server) -> None:
        for _ in range(3):
            server.start()
        assert server.stated() == [f"retention {400 * DAY}"]

    def test_another_time_is_stated_once(self, server: Server) -> None:
        for days in ("30d", "30d", "forever", "forever", "30d"):
            server.start(retention_audit=days)
        assert server.stated() == [f"retention {30 * DAY}", "retention forever", f"retention {30 * DAY}"]
        assert server.stated(NAMES[Stream.OPERATIONAL]) == [f"retention {30 * DAY}"]
        assert server.findings() == []


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
            reload_keys(logs.values(), store)
            server.settle(logs)
            assert server.changes() == []
            old, new = store.rotate()
            server.write(logs)  # it has not been told yet
            assert signed_by(logs.values()) == old.fingerprint
            reload_keys(logs.values(), store)
            reload_keys(logs.values(), store)
            assert signed_by(logs.values()) == ""
            server.settle(logs)
            assert signed_by(logs.values()) == new.fingerprint
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
            reload_keys(logs.values(), store)
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
            reload_keys(logs.values(), store)
            settling = asyncio.create_task(settle_keys(Pool("housekeeping", 1), logs.values(), in_commits=True))
            await until(lambda: all(log.statements.signed > 2 for log in logs.values()))  # it was tried
            server.engine.execute("RENAME TABLE away TO log_statements")
            await until(lambda: signed_by(logs.values()) == new.fingerprint)
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
                reload_keys(logs.values(), store)
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
                assert signed_by(logs.values()) == new.fingerprint
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
                reload_keys(logs.values(), store)
        with server.running(store, ack="journal") as logs:
            for log in logs.values():
                log.writer.append([rows(log.name.stream, "d", ingested_at=time.time_ns())])
                log.writer.stream.store_waiting()
            assert signed_by(logs.values()) == last.fingerprint
        assert [change.size for change in server.changes()] == [1, 2, 3]
        for key in (first, last.public_key):
            assert server.findings(key) == []

    def test_a_journal_whose_key_is_gone_is_refused_with_what_to_do(self, server: Server) -> None:
        store = server.store(ml_dsa=True)
        with server.running(store, ack="journal") as logs:
            store.rotate()
            reload_keys(logs.values(), store)
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
            reload_keys(logs.values(), store)
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


class TestStart:
    def test_statements_that_storage_has_lost_are_stored_again_from_the_journal(self, server: Server) -> None:
        server.start()
        stated = list(read_statements(server.engine))
        server.engine.execute("TRUNCATE TABLE log_statements")
        server.start()
        assert list(read_statements(server.engine)) == stated

    def test_statements_that_storage_has_lost_and_the_journal_too_stop_the_start(self, server: Server) -> None:
        server.start()
        server.engine.execute("TRUNCATE TABLE log_statements")
        shutil.rmtree(server.directory / "journal")
        with pytest.raises(LogUnusableError, match="storage has lost statements"):
            server.start()

    def test_storage_that_takes_no_statement_stops_the_start(self, server: Server) -> None:
        server.engine.execute("ALTER TABLE log_statements ADD CONSTRAINT full CHECK 0")
        with pytest.raises(StorageError, match="a statement was not stored"):
            server.start()

    def test_a_store_from_before_there_were_statements_is_gone_on_with(self, server: Server) -> None:
        with server.running() as logs:
            server.write(logs)
        server.engine.execute("TRUNCATE TABLE log_statements")
        for file in (server.directory / "checkpoints").glob("*-statement"):
            file.unlink()
        shutil.rmtree(server.directory / "journal")
        old, _ = server.store().rotate()
        with server.running() as logs:
            server.write(logs)
        assert server.stated() == ["keys", f"retention {400 * DAY}"]
        assert server.findings(old.public_key) == []


class TestHeartbeats:
    async def test_logs_are_stated_to_be_alive_again_and_again(self, server: Server) -> None:
        with server.running() as logs:
            beating = asyncio.create_task(keep_alive(Pool("housekeeping", 1), logs.values(), 0.01))
            await asyncio.to_thread(wait_for, lambda: all(len(server.stated(name)) > 3 for name in NAMES.values()))
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
        assert set(server.stated()[1:]) == {"heartbeat"}
        assert server.findings() == []

    def test_they_say_which_entries_came_after_which_time_and_no_record_of_the_next_start_is_older(
        self, server: Server
    ) -> None:
        with server.running() as logs:
            log = logs[Stream.AUDIT]
            log.writer.append([rows(Stream.AUDIT, "acknowledged", ingested_at=time.time_ns())])
            said = log.statements.state(StatementKind.HEARTBEAT)
            assert said.checkpoint.size == 0
            assert read_receipt_bound(said) == ReceiptBound(1, said.time - 3600)
            with pytest.raises(StorageRefusedError, match="waited too long"):
                log.writer.append([rows(Stream.AUDIT, "older", ingested_at=(said.time - 3601) * 10**9)])
            log.writer.stream.store_waiting()
        server.engine.execute("TRUNCATE TABLE log_batches")  # whatever else is known of the time
        for directory in ("journal", "checkpoints"):
            shutil.rmtree(server.directory / directory)
        with server.running() as logs:
            assert logs[Stream.AUDIT].latest == said.time * 10**9

    async def test_a_heartbeat_that_fails_is_logged_and_the_next_one_comes(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        with server.running() as logs:
            server.engine.execute("ALTER TABLE log_statements ADD CONSTRAINT full CHECK 0")
            beating = asyncio.create_task(keep_alive(Pool("housekeeping", 1), logs.values(), 0.01))
            await asyncio.to_thread(wait_for, lambda: "the heartbeat failed" in caplog.text)
            server.engine.execute("ALTER TABLE log_statements DROP CONSTRAINT full")
            await asyncio.to_thread(wait_for, lambda: "heartbeat" in server.stated())
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
        assert server.findings() == []


def test_a_stream_that_is_not_signed_has_no_log(server: Server) -> None:
    with server.running(signed_streams="audit") as logs:
        assert list(logs) == [Stream.AUDIT]
    assert server.stated(NAMES[Stream.OPERATIONAL]) == []


def test_of_a_log_whose_stream_is_no_longer_signed_only_retention_is_stated(server: Server) -> None:
    name = NAMES[Stream.OPERATIONAL]
    with server.running() as logs:
        server.write(logs)
    before = server.stated(name)
    server.start(signed_streams="audit,spans")
    assert server.stated(name) == before
    server.store().rotate()
    server.start(signed_streams="audit,spans", retention_operational="7d")
    assert server.stated(name) == [*before, "retention 604800"]
    with server.running(retention_operational="7d") as logs:  # it goes on, with the new key
        server.settle(logs)
        batch = logs[Stream.OPERATIONAL].writer.commit([rows(Stream.OPERATIONAL, "b", ingested_at=time.time_ns())])
    assert (batch.sequence, batch.first_leaf) == (2, 1)
    assert server.stated(name)[len(before) + 1 :] == ["keys"]
