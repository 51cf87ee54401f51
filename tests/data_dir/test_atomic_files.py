from __future__ import annotations

import stat
from pathlib import Path

import pytest

from server.data_dir.atomic_files import replace_file


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_made_and_replaced_and_nothing_else_is_left(tmp_path: Path, durable: bool) -> None:
    file = tmp_path / "file"
    for text in ("old\n", "new Ω\n", ""):
        replace_file(file, text, durable=durable)
        assert file.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_its_permissions_are_as_wanted_whatever_they_were(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "file"
    file.touch(0o666)
    replace_file(file, "text", mode=mode)
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_who_reads_it_meanwhile_sees_the_old_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    replace_file(file, "old")
    with file.open() as reader:
        replace_file(file, "new")
        assert reader.read() == "old"


def test_what_a_crash_left_does_not_disturb(tmp_path: Path) -> None:
    (tmp_path / ".file.new").write_text("half of a much longer text")
    replace_file(tmp_path / "file", "text")
    assert (tmp_path / "file").read_text() == "text"


def test_what_a_crash_left_gives_nobody_else_access(tmp_path: Path) -> None:
    (tmp_path / ".key.new").touch(0o644)
    replace_file(tmp_path / "key", "secret", mode=0o600)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        replace_file(tmp_path / "nowhere" / "file", "text")
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "directory", "text")
