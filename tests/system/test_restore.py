"""Backups that are restored as docs/operations.md says, and what a server says of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.lognotary_server import LognotaryServer, ServerNotReadyError
from harness.otlp_load import log_record, send


def _write(server: LognotaryServer, *bodies: str) -> None:
    with server:
        for body in bodies:
            send(server.otlp_grpc, log_record(body))


def test_an_older_copy_of_the_data_directory_continues_the_logs(lognotary: LognotaryServer, tmp_path: Path) -> None:
    _write(lognotary, "before the backup")
    shutil.copytree(lognotary.data_dir, tmp_path / "backup")
    _write(lognotary, "after it", "and again")

    shutil.rmtree(lognotary.data_dir)
    shutil.copytree(tmp_path / "backup", lognotary.data_dir)
    _write(lognotary, "after the restore")

    with lognotary:
        findings, summary = lognotary.verify()
    assert (findings, summary.logs, summary.records) == ([], 1, 4)


def test_the_keys_and_the_name_are_enough_to_continue_the_logs(lognotary: LognotaryServer, tmp_path: Path) -> None:
    _write(lognotary, "before the disk was lost")
    kept = tmp_path / "kept"
    shutil.copytree(lognotary.data_dir / "keys", kept / "keys")
    shutil.copy(lognotary.data_dir / "writer", kept)

    shutil.rmtree(lognotary.data_dir)
    shutil.copytree(kept, lognotary.data_dir)
    _write(lognotary, "after the restore")

    with lognotary:
        findings, summary = lognotary.verify()
    assert (findings, summary.logs, summary.records) == ([], 1, 2)


@pytest.fixture
def rolled_back(tmp_path: Path) -> LognotaryServer:
    """A server that is stopped, on embedded storage from before its last record."""
    storage = tmp_path / "chdb"
    server = LognotaryServer(f"chdb://{storage}", tmp_path / "data", batch_age=0.02)
    _write(server, "before the backup")
    shutil.copytree(storage, tmp_path / "backup", symlinks=True)
    _write(server, "after it")
    shutil.rmtree(storage)
    (tmp_path / "backup").rename(storage)
    return server


def test_what_storage_lost_is_stored_again_from_the_journal(rolled_back: LognotaryServer) -> None:
    with rolled_back:
        findings, summary = rolled_back.verify()
    assert (findings, summary.logs, summary.records) == ([], 1, 2)


def test_storage_that_lost_records_is_refused_until_the_server_has_a_new_name(rolled_back: LognotaryServer) -> None:
    shutil.rmtree(rolled_back.data_dir / "journal")
    with pytest.raises(
        ServerNotReadyError, match=r"status 2 (?s:.*)storage has lost (records|statements)(?s:.*)\(--writer\)"
    ):
        rolled_back.start()

    renamed = LognotaryServer(rolled_back.storage_url, rolled_back.data_dir, batch_age=0.02, writer="restored")
    with renamed:
        send(renamed.otlp_grpc, log_record("after the restore"))
        findings, summary = renamed.verify()
    assert (findings, summary.logs, summary.records) == ([], 2, 2)
