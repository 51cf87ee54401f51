from __future__ import annotations

import contextlib
import os
import socket
import stat
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from server.data_dir.directory import DataDirectory, boot_id
from server.data_dir.errors import DataDirectoryError
from server.data_dir.kept_notes import read_checkpoints, worker_directory
from server.data_dir.public_key import read_own_public_keys
from server.keys.store import KeyStore
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, sign_statement
from tests.commands.rights import without_privileges

NAME = LogName("shop", Stream.AUDIT, "writer-1")
SIGNER = Signer.generate()


def checkpoint_note(name: LogName, size: int) -> str:
    return str(sign_checkpoint(Checkpoint(name.origin, size, bytes(32)), SIGNER))


def statement_note(name: LogName, number: int) -> str:
    said = Statement(Checkpoint(name.origin, 3, bytes(32)), number, 5, StatementKind.HEARTBEAT)
    return sign_statement(said, [SIGNER]).note


def place(path: Path, boot: str = "") -> str:
    with DataDirectory(path, boot) as data:
        return data.place


def test_a_place_is_the_same_after_a_restart_and_differs_after_a_reboot_or_on_another_machine(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    first = place(directory)
    assert first == place(directory)
    other = place(directory, "another boot")
    assert other != first
    assert first.startswith(f"{socket.gethostname()}:{directory} [")
    assert first.rpartition(" [")[0] == other.rpartition(" [")[0]


def test_two_directories_of_one_path_are_two_places(tmp_path: Path) -> None:
    """The path of two containers on one machine, for instance: their locks do not exclude each other."""
    directory = tmp_path / "data"
    first = place(directory)
    directory.rename(tmp_path / "moved away")
    assert place(directory) != first


def test_a_boot_has_one_identifier_and_a_new_one_where_the_system_has_none(tmp_path: Path) -> None:
    kept = tmp_path / "boot_id"
    kept.write_text("b6d1c2a4\n")
    assert boot_id(kept) == "b6d1c2a4"
    missing = tmp_path / "missing"
    assert boot_id(missing) != boot_id(missing)


def test_a_second_server_on_one_directory_is_refused(tmp_path: Path) -> None:
    with DataDirectory(tmp_path), pytest.raises(DataDirectoryError, match="another server is running"):
        DataDirectory(tmp_path)
    DataDirectory(tmp_path).close()


def test_the_lock_says_which_process_holds_it(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("a much longer text than a number\n")
    with DataDirectory(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_no_other_user_can_hold_the_lock_or_read_which_tenants_there_are(tmp_path: Path) -> None:
    made = tmp_path / "data"
    name = LogName("shop", Stream.AUDIT, "writer-1", tenant="acme")
    with DataDirectory(made) as data:
        data.writer()
        data.remember_checkpoints({each: checkpoint_note(each, 3) for each in (name, replace(name, tenant=""))})
        files = [made / "lock", made / "writer", *(made / "checkpoints").iterdir()]
        assert len(files) == 6
        for file in files:
            assert (file.name, stat.S_IMODE(file.stat().st_mode)) == (file.name, 0o600)
    assert {stat.S_IMODE(place.stat().st_mode) for place in (made, made / "checkpoints")} == {0o700}


def test_files_that_an_earlier_version_let_everybody_read_are_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    name = LogName("shop", Stream.AUDIT, "writer-1", tenant="acme")
    files = [tmp_path / "lock", tmp_path / "checkpoints" / "tenants.sqlite"]
    for file in files:
        file.touch(0o644)
    with DataDirectory(tmp_path) as data:
        data.remember_checkpoints({name: checkpoint_note(name, 3)})
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


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


@pytest.mark.parametrize("workers", [False, True])
def test_a_lost_name_is_not_replaced_when_there_are_checkpoints_of_its_logs(tmp_path: Path, workers: bool) -> None:
    with DataDirectory(tmp_path) as data:
        name = data.writer()
        log = LogName("shop", Stream.AUDIT, f"{name}-1" if workers else name)
        with DataDirectory(worker_directory(tmp_path, 1)) if workers else contextlib.nullcontext(data) as keeper:
            keeper.remember_checkpoints({log: checkpoint_note(log, 3)})
        (tmp_path / "writer").unlink()
        with pytest.raises(
            DataDirectoryError, match=f"checkpoints of {log.origin}: restore the file, or give the name"
        ):
            data.writer()
        assert not (tmp_path / "writer").exists()
        assert data.writer(name) == name


def test_two_directories_get_different_writer_names(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "a") as one, DataDirectory(tmp_path / "b") as other:
        assert one.writer() != other.writer()


def test_the_public_key_that_was_published_is_read(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys")
    keys.publish([NAME])
    assert read_own_public_keys(tmp_path) == [keys.signer().public_pem().decode()]


def test_a_missing_public_key_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryError, match="--public-key"):
        read_own_public_keys(tmp_path)


def test_a_public_key_that_may_not_be_read_is_not_called_a_missing_one() -> None:
    with TemporaryDirectory() as made:  # not tmp_path, which only root may enter
        Path(made).chmod(0o755)
        keys = Path(made) / "keys"
        keys.mkdir(mode=0)
        with without_privileges(), pytest.raises(DataDirectoryError, match="cannot be read: Permission denied"):
            read_own_public_keys(Path(made))
        keys.chmod(0o700)


def test_the_last_checkpoint_is_remembered_for_its_log_only(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        assert data.last_checkpoint(NAME) is None
        data.remember_checkpoints({NAME: checkpoint_note(NAME, 3)})
        assert data.last_checkpoint(NAME) == Checkpoint(NAME.origin, 3, bytes(32))
        assert data.last_checkpoint(LogName("shop", Stream.AUDIT, "writer-2")) is None
        assert data.last_statement(NAME) is None
    assert read_checkpoints(tmp_path) == [checkpoint_note(NAME, 3)]


def test_the_last_statement_is_remembered_beside_it(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        assert data.last_statement(NAME) is None
        data.remember_checkpoints({NAME: checkpoint_note(NAME, 3)})
        for number in (1, 2):
            data.remember_statements({NAME: statement_note(NAME, number)})
        last = data.last_statement(NAME)
        assert last is not None
        assert last.number == 2
        assert data.last_statement(LogName("shop", Stream.AUDIT, "writer-2")) is None
        assert data.last_statement(LogName("shop", Stream.OPERATIONAL, "writer-1")) is None
        assert data.kept([NAME]) == [data.last_checkpoint(NAME), last]
    assert read_checkpoints(tmp_path) == [checkpoint_note(NAME, 3), statement_note(NAME, 2)]


def test_what_workers_remember_is_known_to_their_server(tmp_path: Path) -> None:
    logs = [LogName("shop", Stream.AUDIT, writer) for writer in ("vm", "vm-1", "vm-10")]
    with DataDirectory(tmp_path) as data:
        assert data.workers() == []
        for log, directory in zip(logs, (tmp_path, *(worker_directory(tmp_path, n) for n in (1, 10))), strict=True):
            with contextlib.nullcontext(data) if log.writer == "vm" else DataDirectory(directory) as its:
                its.remember_checkpoints({log: checkpoint_note(log, 3)})
                its.remember_statements({log: statement_note(log, 1)})
        (tmp_path / "workers" / "notes.txt").write_text("not a worker's")
        assert data.workers() == [1, 10]
        assert origins_of(data.kept(logs)) == 2 * [log.origin for log in logs]
        assert origins_of(data.kept(logs[1:2])) == 2 * [logs[1].origin]
        assert data.kept([]) == []
    assert len(read_checkpoints(tmp_path)) == 6


def origins_of(kept: list[Checkpoint | Statement]) -> list[str]:
    return [one.checkpoint.origin if isinstance(one, Statement) else one.origin for one in kept]


@pytest.mark.parametrize("name", ["audit", "operational", "audit-statement", "operational-statement"])
def test_a_damaged_checkpoint_or_statement_of_a_worker_is_noticed(tmp_path: Path, name: str) -> None:
    with DataDirectory(tmp_path) as data, DataDirectory(worker_directory(tmp_path, 2)):
        file = worker_directory(tmp_path, 2) / "checkpoints" / name
        file.write_text("nonsense")
        with pytest.raises(DataDirectoryError, match=f"{file} is damaged"):
            data.kept([NAME])


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff"])
def test_a_damaged_checkpoint_or_statement_stops_the_start(tmp_path: Path, content: bytes) -> None:
    with DataDirectory(tmp_path) as data:
        (tmp_path / "checkpoints" / "audit").write_bytes(content)
        (tmp_path / "checkpoints" / "audit-statement").write_bytes(content)
        with pytest.raises(DataDirectoryError, match="audit is damaged"):
            data.last_checkpoint(NAME)
        with pytest.raises(DataDirectoryError, match="audit-statement is damaged"):
            data.last_statement(NAME)


def test_a_checkpoint_in_the_place_of_a_statement_counts_as_damage(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        data.remember_statements({NAME: checkpoint_note(NAME, 3)})
        with pytest.raises(DataDirectoryError, match="damaged"):
            data.last_statement(NAME)


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\xff\xfe", b"-----BEGIN PUBLIC KEY-----"])
def test_a_damaged_public_key_is_not_called_a_missing_one(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "public-key.pem").write_bytes(damage)
    with pytest.raises(DataDirectoryError, match=r"public-key\.pem is damaged: start the server, which"):
        read_own_public_keys(tmp_path)


TENANT = LogName("shop", Stream.AUDIT, "writer-1", "acme")


def test_a_checkpoint_and_a_statement_of_each_log_of_a_tenant_are_remembered(tmp_path: Path) -> None:
    other = LogName("shop", Stream.AUDIT, "writer-1", "umbrella")
    with DataDirectory(tmp_path) as data:
        assert data.last_checkpoint(TENANT) is None
        assert data.last_statement(TENANT) is None
        data.remember_checkpoints({TENANT: checkpoint_note(TENANT, 2), NAME: checkpoint_note(NAME, 7)})
        data.remember_checkpoints({TENANT: checkpoint_note(TENANT, 3), other: checkpoint_note(other, 5)})
        data.remember_statements({TENANT: statement_note(TENANT, 1)})
    with DataDirectory(tmp_path) as data:
        sizes = {name: data.last_checkpoint(name) for name in (TENANT, other, NAME)}
        assert [one.size if one else 0 for one in sizes.values()] == [3, 5, 7]
        last = data.last_statement(TENANT)
        assert last is not None
        assert last.number == 1
        assert data.last_statement(other) is None
        # While a server has it open, too.
        notes = [checkpoint_note(NAME, 7), checkpoint_note(TENANT, 3), statement_note(TENANT, 1)]
        assert read_checkpoints(tmp_path) == [*notes, checkpoint_note(other, 5)]


def test_what_is_kept_of_a_writer_has_its_tenants_logs_and_those_of_no_other(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        strangers = [
            LogName(*of, "acme") for of in (("shop", Stream.AUDIT, "w2"), ("shop/eu", Stream.AUDIT, "writer-1"))
        ]
        data.remember_checkpoints({name: checkpoint_note(name, 3) for name in (TENANT, *strangers)})
        assert origins_of(data.kept([NAME])) == [TENANT.origin]


def test_a_damaged_file_of_tenants_is_noticed(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as data:
        (tmp_path / "checkpoints" / "tenants.sqlite").write_bytes(b"nonsense" * 1000)
        for read in (
            lambda: data.kept([NAME]),
            lambda: data.last_checkpoint(TENANT),
            lambda: read_checkpoints(tmp_path),
        ):
            with pytest.raises(DataDirectoryError, match=r"tenants\.sqlite is damaged"):
                read()
        with pytest.raises(OSError, match=r"tenants\.sqlite"):
            data.remember_checkpoints({TENANT: checkpoint_note(TENANT, 3)})
