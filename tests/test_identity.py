from __future__ import annotations

from pathlib import Path

from server.config import load_settings
from server.datadir import DataDirectory, worker_directory
from server.identity import Identity, identify
from server.notary.keys import VerifierKey


def identity_of(directory: Path, workers: int) -> Identity:
    flags = {"data_dir": str(directory), "writer": "vm", "storage": "http://host/logs", "workers": str(workers)}
    with DataDirectory(directory) as data:
        return identify(load_settings(flags, {}), data)


def published(directory: Path) -> list[str]:
    lines = (directory / "keys" / "verifier-keys.txt").read_text().splitlines()
    return [VerifierKey.parse(line).name for line in lines]


def origins(*writers: str) -> list[str]:
    return [f"lognotary/{stream}/{writer}" for writer in writers for stream in ("audit", "operational")]


def test_a_server_alone_has_the_logs_of_its_name(tmp_path: Path) -> None:
    identity = identity_of(tmp_path, 1)
    assert [log.origin for log in identity.logs] == origins("vm") == published(tmp_path)
    assert identity.workers_logs == ()


def test_workers_write_under_numbered_names_and_sign_with_the_servers_key(tmp_path: Path) -> None:
    identity = identity_of(tmp_path, 2)
    assert [identity.writer_of(number) for number in (1, 2)] == ["vm-1", "vm-2"]
    assert [log.origin for log in identity.workers_logs] == origins("vm-1", "vm-2")
    assert published(tmp_path) == origins("vm", "vm-1", "vm-2")
    for origin in published(tmp_path):
        assert identity.keys.for_origin(origin) == [identity.signer.verifier_key(origin)]


def test_workers_that_are_no_longer_started_still_have_their_logs(tmp_path: Path) -> None:
    DataDirectory(worker_directory(tmp_path, 3)).close()
    assert [log.origin for log in identity_of(tmp_path, 1).workers_logs] == origins("vm-3")
    assert published(tmp_path) == origins("vm", "vm-3")
    assert [log.origin for log in identity_of(tmp_path, 2).workers_logs] == origins("vm-1", "vm-2", "vm-3")
