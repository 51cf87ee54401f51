"""The state of a file tells each change of it."""

from __future__ import annotations

from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.data_dir.file_state import file_state


def test_a_file_that_is_written_replaced_or_gone_has_another_state(tmp_path: Path) -> None:
    file = tmp_path / "file"
    states = [file_state(file)]
    for content in ("a", "bb"):
        file.write_text(content)
        states.append(file_state(file))
    replace_file(file, "cc")
    states.append(file_state(file))
    assert states[0] is None
    assert len(set(states)) == len(states)
    assert file_state(file) == states[-1]
    file.unlink()
    assert file_state(file) is None
