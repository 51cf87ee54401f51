"""Opening the logs of a writer: what is stated at the start and while it runs, over a real storage."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from pathlib import Path

import pytest

from harness.waiting import wait_for
from server.errors.ingest import StorageRefusedError
from server.log.stored_log import LogUnusableError
from server.notary.origin import Stream
from server.notary.statement import ReceiptBound, StatementKind, read_receipt_bound
from server.process.pools import Pool
from server.writer.owned_logs import keep_alive
from storage.errors import StorageError
from storage.statements import read_statements
from tests.codec.building import rows

from .log_server import DAY, NAMES, Server


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

    def test_rules_are_stated_with_the_shortest_time(self, server: Server, tmp_path: Path) -> None:
        file = tmp_path / "lognotary.toml"
        file.write_text('[[retention]]\nstream = "audit"\ncategory = "data"\ndays = 30\n')
        for _ in range(2):
            server.start(config=str(file))
        server.start()
        days = [30 * DAY, 400 * DAY]
        assert server.stated() == [f"retention {each}" for each in days]
        first, second = read_statements(server.engine, NAMES[Stream.AUDIT].log_id)
        assert first.data == b'{"days":400,"rules":[{"days":30,"category":"data"}]}'
        assert second.data == b""
        assert server.findings() == []


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
            said = log.default.statements.state(StatementKind.HEARTBEAT)
            assert said.checkpoint.size == 0
            assert read_receipt_bound(said) == ReceiptBound(1, said.time - 3600)
            with pytest.raises(StorageRefusedError, match="waited too long"):
                log.writer.append([rows(Stream.AUDIT, "older", ingested_at=(said.time - 3601) * 10**9)])
            log.writer.stream.store_waiting()
        server.engine.execute("TRUNCATE TABLE log_batches")  # whatever else is known of the time
        for directory in ("journal", "checkpoints"):
            shutil.rmtree(server.directory / directory)
        with server.running() as logs:
            assert logs[Stream.AUDIT].default.latest == said.time * 10**9

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
