"""Acknowledgements in a data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.data_dir.acknowledgements import keep_acknowledgement, read_acknowledgements
from server.data_dir.errors import DataDirectoryError

FINDING = "ab" * 32


def test_what_was_signed_before_is_kept_beside_what_is_signed_now(tmp_path: Path) -> None:
    files = [keep_acknowledgement(tmp_path, FINDING, note) for note in ("first", "second", "third")]
    assert [file.read_text(encoding="utf-8") for file in files] == ["first", "second", "third"]
    assert sorted(read_acknowledgements(tmp_path)) == ["first", "second", "third"]


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "acknowledgements").write_text("a file")
    with pytest.raises(DataDirectoryError, match=r"the acknowledgement is not kept: .* cannot be written"):
        keep_acknowledgement(tmp_path, FINDING, "note")
