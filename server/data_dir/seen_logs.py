"""Last checkpoints of the logs that self-verification has seen: ``checkpoints/seen/<LogId>`` in the data directory.

Storage from which another writer's log was deleted shows nothing of it; a server that has seen the log does.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.data_dir.errors import DataDirectoryError
from server.data_dir.private_directories import make_private
from server.errors.files import reason_of
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import NotaryError
from server.notary.origin import LogName

__all__ = ["read_seen", "read_seen_notes", "remember_seen"]


def remember_seen(path: Path, note: str) -> None:
    """Store a checkpoint of a log, a signed note that was checked, in a data directory, unless a larger is there.

    Raises:
        NotaryError: the note is not a checkpoint of a log.
        OSError: the file cannot be written.
    """
    directory = _directory(path)
    make_private(directory)
    seen, _ = open_checkpoint(note)
    file = directory / LogName.parse(seen.origin).log_id
    with suppress(OSError, ValueError, NotaryError):  # none yet, or a damaged one
        if open_checkpoint(file.read_text(encoding="utf-8"))[0].size > seen.size:
            return
    replace_file(file, note, mode=0o600)


def read_seen(path: Path) -> list[Checkpoint]:
    """Return the checkpoints in a data directory.

    Raises:
        DataDirectoryError: a file is damaged.
    """
    return [checkpoint for checkpoint, _ in _read(path)]


def read_seen_notes(path: Path) -> list[str]:
    """Return the checkpoints in a data directory as signed notes; raises as ``read_seen``."""
    return [note for _, note in _read(path)]


def _directory(path: Path) -> Path:
    return path / "checkpoints" / "seen"


def _read(path: Path) -> list[tuple[Checkpoint, str]]:
    found = []
    for file in sorted(_directory(path).glob("[0-9a-f]*")):
        try:
            note = file.read_text(encoding="utf-8")
            found.append((open_checkpoint(note)[0], note))
        except (OSError, ValueError, NotaryError) as error:
            raise DataDirectoryError(
                f"{file} is damaged ({reason_of(error)}). It records how far another log had grown; remove it only if "
                "you know that storage is complete"
            ) from error
    return found
