from __future__ import annotations

import stat
from pathlib import Path

import pytest

from server.datadir import (
    DataDirectory,
    DataDirectoryError,
    read_checkpoints,
    read_public_key,
    read_signer,
    worker_directory,
)
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream

NAME = LogName("shop", Stream.AUDIT, "writer-1")


def test_the_signing_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        first = data.signer().public_pem()
        assert data.signer().public_pem() == first
    assert stat.S_IMODE((tmp_path / "keys" / "signing-key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_second_server_on_one_directory_is_refused(tmp_path: Path) -> None:
    with DataDirectory(tmp_path), pytest.raises(DataDirectoryError, match="another server runs"):
        DataDirectory(tmp_path)
    DataDirectory(tmp_path).close()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryError, match="cannot be used"):
        DataDirectory(tmp_path / "file")


def test_the_writer_keeps_its_name(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        name = data.writer()
        assert data.writer() == name
        assert data.writer("chosen") == "chosen"
        assert data.writer() == "chosen"
    LogName("shop", Stream.AUDIT, name)  # a name that origins can carry


def test_two_directories_get_different_writer_names(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "a") as one, DataDirectory(tmp_path / "b") as other:
        assert one.writer() != other.writer()


def test_a_damaged_signing_key_is_refused(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "signing-key.pem").write_text("nonsense")
        with pytest.raises(DataDirectoryError, match=r"signing-key\.pem cannot be used"):
            data.signer()


def test_public_keys_are_published_as_pem_and_as_verifier_keys(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        signer = data.signer()
        data.publish_keys(signer, [NAME])
    assert read_public_key(tmp_path).encode() == signer.public_pem()
    line = (tmp_path / "keys" / "verifier-keys.txt").read_text()
    assert VerifierKey.parse(line) == signer.verifier_key(NAME.origin)


def test_a_missing_public_key_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryError, match="--public-key"):
        read_public_key(tmp_path)


def test_the_last_checkpoint_is_remembered_for_its_log_only(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        assert data.last_checkpoint(NAME) is None
        checkpoint = Checkpoint(NAME.origin, 3, bytes(32))
        note = str(sign_checkpoint(checkpoint, data.signer()))
        data.remember_checkpoint(Stream.AUDIT, note)
        assert data.last_checkpoint(NAME) == checkpoint
        assert data.last_checkpoint(LogName("shop", Stream.AUDIT, "writer-2")) is None
    assert read_checkpoints(tmp_path) == [note]


def test_what_workers_remember_is_known_to_their_server(tmp_path: Path) -> None:
    logs = [LogName("shop", Stream.AUDIT, writer) for writer in ("vm", "vm-1", "vm-10")]
    with DataDirectory(tmp_path) as data:
        assert data.workers() == []
        signer = data.signer()
        for log, directory in zip(logs, (tmp_path, *(worker_directory(tmp_path, n) for n in (1, 10))), strict=True):
            note = str(sign_checkpoint(Checkpoint(log.origin, 3, bytes(32)), signer))
            if log.writer == "vm":
                data.remember_checkpoint(Stream.AUDIT, note)
            else:
                with DataDirectory(directory) as worker:
                    worker.remember_checkpoint(Stream.AUDIT, note)
        (tmp_path / "workers" / "notes.txt").write_text("not a worker's")
        assert data.workers() == [1, 10]
        assert [checkpoint.origin for checkpoint in data.checkpoints(logs)] == [log.origin for log in logs]
        assert [checkpoint.origin for checkpoint in data.checkpoints(logs[1:2])] == [logs[1].origin]
        assert data.checkpoints([]) == []
    assert len(read_checkpoints(tmp_path)) == 3


def test_a_worker_reads_its_servers_key_and_has_none(tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryError, match=r"signing-key\.pem cannot be used"):
        read_signer(tmp_path)
    with DataDirectory(tmp_path) as data, DataDirectory(worker_directory(tmp_path, 1)):
        assert data.signer().public_pem() == read_signer(tmp_path).public_pem()
    assert len(list(tmp_path.rglob("keys"))) == 1


def test_a_damaged_checkpoint_of_a_worker_is_noticed(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data, DataDirectory(worker_directory(tmp_path, 2)):
        file = worker_directory(tmp_path, 2) / "checkpoints" / "audit"
        file.write_text("nonsense")
        with pytest.raises(DataDirectoryError, match=f"{file} is damaged"):
            data.checkpoints([NAME])


def test_a_damaged_checkpoint_stops_the_start(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        (tmp_path / "checkpoints" / "audit").write_text("nonsense")
        with pytest.raises(DataDirectoryError, match="damaged"):
            data.last_checkpoint(NAME)
