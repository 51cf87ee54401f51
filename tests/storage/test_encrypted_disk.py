"""Embedded storage on an encrypted disk: nothing is in clear, and every wrong key is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.keys.journal_key import create_key_file

# In processes of their own: a process can open one directory only.
_PROGRAM = """
import json, pathlib, sys, os
from contextlib import closing
from storage.clickhouse import connect
from storage.disk_encryption import encryption_of_disks
from storage.errors import StorageConfigError
from storage.url import EmbeddedUrl

path, key_files, *statements = sys.argv[1:]
first, *retired = [pathlib.Path(file) for file in key_files.split(",")] if key_files else [None]
url = EmbeddedUrl(pathlib.Path(path), key_file=first, retired_key_files=tuple(retired))
try:
    with closing(connect(url, clients=2)) as engine:
        answers = [engine.query(one).decode("latin-1") if one[:6] in ("SELECT", "SHOW C") else str(engine.execute(one))
                   for one in statements] + [encryption_of_disks(engine)]
except StorageConfigError as error:
    print(json.dumps({"error": str(error), "environ": dict(os.environ)}))
else:
    print(json.dumps({"answers": answers, "environ": dict(os.environ)}))
"""
MARK = "mark-in-a-record"
_FILL = (
    "CREATE TABLE lognotary.t (a String, b UInt64) ENGINE = MergeTree ORDER BY b",
    f"INSERT INTO lognotary.t SELECT concat('{MARK}', toString(number)), number FROM numbers(1000)",
)


def run(
    directory: Path, key_file: Path | None, *statements: str, retired: Sequence[Path] = ()
) -> tuple[list[str], str]:
    """Open storage in a process of its own; return the answers, and the error if it cannot be opened."""
    files = [key_file, *retired] if key_file else []
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(directory), ",".join(map(str, files)), *statements],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert not any("LOGNOTARY_ENGINE" in name for name in result["environ"])
    return result.get("answers", []), result.get("error", "")


def found_in_files(directory: Path, text: str) -> list[Path]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return [path for path in files if text.encode() in path.read_bytes() or text in path.name]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "storage.key"
    create_key_file(file)
    return file


def test_nothing_of_a_record_is_in_clear_and_the_key_is_in_no_file_statement_or_table(
    tmp_path: Path, key_file: Path
) -> None:
    directory = tmp_path / "chdb"
    key = key_file.read_text().strip()
    answers, error = run(
        directory,
        key_file,
        *_FILL,
        "SHOW CREATE TABLE lognotary.t",
        "SELECT arrayStringConcat(groupArray(concat(name, toString(is_encrypted)))) FROM system.disks",
        "SELECT toString(groupArray(concat(name, value))) FROM system.server_settings",
        "SELECT toString(groupArray(tuple(*))) FROM system.disks",
    )
    assert error == ""
    assert "encrypted1" in answers[3]
    assert answers[-1] == "all"
    assert key not in "".join(answers).lower()
    assert found_in_files(directory, MARK) == []
    assert found_in_files(directory, key) == []
    answers, _ = run(directory, key_file, "SELECT count(), min(a) FROM lognotary.t")
    assert MARK in answers[0]


def test_another_key_or_none_is_refused_and_nothing_is_changed(tmp_path: Path, key_file: Path) -> None:
    directory, other = tmp_path / "chdb", tmp_path / "other.key"
    create_key_file(other)
    run(directory, key_file, *_FILL)
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    assert "is encrypted with the key" in run(directory, other)[1]
    assert "is encrypted: give the file of its key" in run(directory, None)[1]
    assert "there is no file" in run(directory, tmp_path / "lost.key")[1]
    key_file.chmod(0o644)
    assert "can be read by others (mode 0644)" in run(directory, key_file)[1]
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def keys_of_parts(directory: Path) -> set[bytes]:
    """Return the fingerprints of the keys that columns of parts are encrypted with, from the headers of the files."""
    return {path.read_bytes()[5:21] for path in directory.rglob("data.bin")}


def test_a_replaced_key_still_reads_what_it_encrypted_and_encrypts_nothing_new(tmp_path: Path, key_file: Path) -> None:
    directory, new, third = tmp_path / "chdb", tmp_path / "new.key", tmp_path / "third.key"
    create_key_file(new)
    create_key_file(third)
    run(directory, key_file, *_FILL)
    [old] = keys_of_parts(directory)
    insert = "INSERT INTO lognotary.t SELECT 'later', 2000"
    count = "SELECT toString(count()) FROM lognotary.t"
    answers, error = run(directory, new, insert, "SELECT max(a) FROM lognotary.t", retired=[key_file])
    assert (error, MARK in answers[1], answers[-1]) == ("", True, "all")
    assert len(keys_of_parts(directory)) == 2
    assert "is encrypted with the key" in run(directory, new)[1]
    assert "storage_encryption_retired_keys" in run(directory, key_file)[1]
    before = keys_of_parts(directory)
    answers, error = run(directory, third, "OPTIMIZE TABLE lognotary.t FINAL", count, retired=[new, key_file])
    assert (error, answers[1].strip("\x04")) == ("", "1001")
    assert old in before
    assert len(keys_of_parts(directory) - before) == 1  # the merged part has the third key
    for path in (key_file, new, third):
        assert found_in_files(directory, path.read_text().strip()) == []
    assert found_in_files(directory, MARK) == []


def test_storage_that_is_not_encrypted_stays_so_and_says_how_to_move(tmp_path: Path, key_file: Path) -> None:
    directory = tmp_path / "chdb"
    run(directory, None, *_FILL)
    _, error = run(directory, key_file)
    assert "is not encrypted, and encryption begins with new storage" in error
    answers, error = run(directory, None, "SELECT min(a) FROM lognotary.t")
    assert (error, MARK in answers[0], answers[1]) == ("", True, "none")
