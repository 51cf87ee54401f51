"""Signed acknowledgements of findings, one file each, in ``acknowledgements`` in a data directory."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.data_dir.errors import DataDirectoryError
from server.errors.files import unreadable, unwritable
from server.notary.handled_texts import as_written

__all__ = ["keep_acknowledgement", "read_acknowledgements", "read_note_files"]

_DIRECTORY = "acknowledgements"


def read_acknowledgements(path: Path) -> list[str]:
    """Return the acknowledgements in a data directory, unchecked.

    Raises:
        DataDirectoryError: a file cannot be read.
    """
    return [note for _, note in read_note_files(path / _DIRECTORY)] if (path / _DIRECTORY).exists() else []


def read_note_files(path: Path) -> list[tuple[Path, str]]:
    """Return a file and the signed note in it, or the files ``*.note`` of a directory, each with its note.

    Raises:
        DataDirectoryError: a file cannot be read.
    """
    file = path
    try:
        notes = []
        for file in sorted(path.glob("*.note")) if path.is_dir() else [path]:
            notes.append((file, as_written(file.read_bytes())))
    except (OSError, ValueError) as error:
        raise DataDirectoryError(f"acknowledgements: {unreadable(file, error)}") from error
    return notes


def keep_acknowledgement(path: Path, finding: str, note: str, *, beside: bool = True) -> Path:
    """Write an acknowledgement to a file of its own, beside earlier ones of the same finding; return the file.

    Args:
        path: the data directory, or with ``beside=False`` the directory of acknowledgements itself.
        finding: identity of the finding, 64 hexadecimal digits.
        note: the signed note.
        beside: True for the place in a data directory.

    Raises:
        DataDirectoryError: the file cannot be written.
    """
    directory = path / _DIRECTORY if beside else path
    names = (directory / f"{finding}{f'.{number}' if number else ''}.note" for number in count())
    try:
        directory.mkdir(exist_ok=True)
        file = next(name for name in names if not name.exists())
        replace_file(file, note)
    except OSError as error:
        raise DataDirectoryError(f"the acknowledgement is not kept: {unwritable(directory, error)}") from error
    return file
