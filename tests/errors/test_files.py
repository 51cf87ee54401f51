from __future__ import annotations

import errno
from pathlib import Path

import pytest

from server.errors.files import reason_of, unreadable, unwritable


def error_of(path: Path) -> Exception:
    with pytest.raises((OSError, UnicodeDecodeError)) as caught:
        path.read_text(encoding="utf-8")
    return caught.value


def test_a_file_that_cannot_be_read_is_named_with_why_and_what_to_do(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing", tmp_path / "binary"
    binary.write_bytes(b"\xff")
    assert unreadable(missing, error_of(missing)) == f"there is no file {missing}: check the path"
    assert unreadable(tmp_path, error_of(tmp_path)) == f"{tmp_path} is a directory: name a file"
    assert unreadable(binary, error_of(binary)) == f"{binary} cannot be read: it is not text in UTF-8"
    denied = PermissionError(errno.EACCES, "Permission denied", "key")
    assert unreadable("key", denied) == "key cannot be read: permission denied; let this user read it"
    assert unreadable("key", OSError(errno.EIO, "x")) == "key cannot be read: input/output error"


def test_a_file_that_cannot_be_written_is_named_with_why_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "no" / "file"
    with pytest.raises(FileNotFoundError) as caught:
        file.write_text("")
    assert unwritable(file, caught.value) == (
        f"{file} cannot be written: there is no directory {file.parent}; create it, or give another path"
    )
    full = OSError(errno.ENOSPC, "No space left on device")
    assert unwritable("a", full) == "a cannot be written: no space left on device; free space on the disk"
    assert unwritable("a", ValueError("odd")) == "a cannot be written: odd"


def test_an_error_without_words_is_named_by_its_kind() -> None:
    assert reason_of(TimeoutError()) == "TimeoutError"
