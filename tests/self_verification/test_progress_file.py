from __future__ import annotations

from pathlib import Path

import pytest

from server.self_verification.progress_file import ScrubProgress, read_progress, write_progress


def test_progress_is_read_as_it_was_written(tmp_path: Path) -> None:
    progress = ScrubProgress(12.5, "a/audit/b", 7, "note\n\n\N{EM DASH} a b\n", {"k": "LOG_FORKED"}, ["k"])
    write_progress(tmp_path / "mark", progress)
    assert read_progress(tmp_path / "mark") == progress


def test_without_a_file_a_walk_begins_at_the_beginning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_progress(tmp_path / "mark") == ScrubProgress()
    assert caplog.text == ""


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"elapsed": "soon"}', "\x00"])
def test_a_damaged_file_is_told_of_and_does_not_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    (tmp_path / "mark").write_text(text)
    assert read_progress(tmp_path / "mark") == ScrubProgress()
    assert "cannot be read" in caplog.text
