"""The last checkpoints of logs that were seen only grow."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.data_dir.errors import DataDirectoryError
from server.data_dir.seen_logs import read_seen, read_seen_notes, remember_seen
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.signers import Signer

SIGNER = Signer.generate()


def note(size: int, writer: str = "node-1") -> str:
    checkpoint = Checkpoint(f"shop/audit/{writer}", size, size.to_bytes(32, "big"))
    return str(sign_checkpoint(checkpoint, SIGNER))


def test_the_last_checkpoint_of_each_log_is_kept(tmp_path: Path) -> None:
    assert read_seen(tmp_path) == []
    for each in (note(3), note(7, "node-2"), note(9)):
        remember_seen(tmp_path, each)
    assert sorted(checkpoint.size for checkpoint in read_seen(tmp_path)) == [7, 9]
    assert sorted(read_seen_notes(tmp_path)) == sorted([note(7, "node-2"), note(9)])


def test_a_smaller_checkpoint_does_not_replace_a_larger(tmp_path: Path) -> None:
    remember_seen(tmp_path, note(105))
    remember_seen(tmp_path, note(3))
    assert [checkpoint.size for checkpoint in read_seen(tmp_path)] == [105]


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    remember_seen(tmp_path, note(3))
    (file,) = (tmp_path / "checkpoints" / "seen").iterdir()
    file.write_text("")
    with pytest.raises(DataDirectoryError, match=file.name):
        read_seen(tmp_path)
