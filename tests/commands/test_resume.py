from __future__ import annotations

from pathlib import Path

import pytest

from server.commands.resume import ResumeFile
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.settings.settings import ConfigError

SIGNER = Signer(Ed25519Key.generate(), MlDsa44Key.generate())
ORIGINS = ("shop/audit/a", "shop/operational/a")


def note(origin: str, size: int) -> str:
    return str(sign_checkpoint(Checkpoint(origin, size, bytes(32)), SIGNER))


def test_a_file_that_is_not_there_yet_has_no_checkpoints(tmp_path: Path) -> None:
    assert ResumeFile.read(tmp_path / "resume").notes == {}
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_of_several_logs_are_read_as_they_were_kept(tmp_path: Path) -> None:
    file = ResumeFile.read(tmp_path / "resume")
    for origin in ORIGINS:
        file.keep(origin, note(origin, 5))
    file.keep(ORIGINS[0], note(ORIGINS[0], 7))
    kept = ResumeFile.read(tmp_path / "resume")
    assert kept == file
    assert kept.notes.keys() == set(ORIGINS)
    assert kept.notes[ORIGINS[0]].startswith(f"{ORIGINS[0]}\n7\n")
    kept.keep(ORIGINS[1], note(ORIGINS[1], 9))
    assert ResumeFile.read(tmp_path / "resume") == kept


def test_what_changes_nothing_is_not_written(tmp_path: Path) -> None:
    file = ResumeFile.read(tmp_path / "resume")
    file.keep(ORIGINS[0], "")
    assert not file.path.exists()
    same = note(ORIGINS[0], 5)
    file.keep(ORIGINS[0], same)
    file.path.unlink()
    file.keep(ORIGINS[0], same)
    file.keep(ORIGINS[0], "")
    assert not file.path.exists()
    assert file.notes == {ORIGINS[0]: same}


@pytest.mark.parametrize("content", [b"nonsense", b"\xff\xfe", b"shop/audit/a\n5\n", b"========\n========\nx\n"])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "resume"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"--resume: .*resume (is not a resume file|cannot be read: it is not text)"):
        ResumeFile.read(path)
    assert path.read_bytes() == content


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory: name a file"):
        ResumeFile.read(tmp_path)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    file = ResumeFile.read(tmp_path / "nowhere" / "resume")
    with pytest.raises(ConfigError, match="cannot be written"):
        file.keep(ORIGINS[0], note(ORIGINS[0], 5))
