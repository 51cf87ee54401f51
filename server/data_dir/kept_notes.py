"""The checkpoints and statements that a data directory keeps, and their files.

Each log without a tenant has files of its own; those of tenants' logs are in one file: see ``tenant_logs``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

from server.data_dir.errors import DataDirectoryError
from server.data_dir.tenant_logs import count_tenant_notes, read_tenant_notes
from server.errors.files import reason_of
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import NotaryError
from server.notary.note import SignedNote
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement, open_statement

__all__ = [
    "checkpoint_file",
    "checkpoint_files",
    "count_tenant_logs",
    "directories",
    "opened_checkpoint",
    "opened_statement",
    "read_checkpoint",
    "read_checkpoints",
    "read_last",
    "read_statement",
    "statement_file",
    "statement_files",
    "tenant_origins",
    "tenants_file",
    "tenants_notes",
    "unusable",
    "worker_directory",
    "worker_numbers",
]

_Read = TypeVar("_Read")


def read_checkpoints(path: Path) -> list[str]:
    """Return the checkpoints and statements kept in a data directory and its workers', without locking it.

    Raises:
        DataDirectoryError: a file cannot be read.
    """
    files = [*checkpoint_files(path), *statement_files(path)]
    try:
        notes = [file.read_text(encoding="utf-8") for file in files if file.exists()]
        return notes + [note for directory in directories(path) for note in _tenant_texts(directory)]
    except (OSError, ValueError) as error:
        raise DataDirectoryError(
            f"the checkpoints in {path} cannot be read: {reason_of(error)}; let this user read them"
        ) from error


def read_last(path: Path, stream: Stream) -> tuple[Checkpoint | None, Statement | None]:
    """Return the last checkpoint and the last statement of a stream kept in a data directory, without locking it.

    Raises:
        DataDirectoryError: a file was damaged.
    """
    return read_checkpoint(checkpoint_file(path, stream)), read_statement(statement_file(path, stream))


def tenants_notes(path: Path, writers: Collection[tuple[str, Stream, str]]) -> Iterator[Checkpoint | Statement]:
    """Yield the last checkpoints and statements of tenants' logs kept in a data directory and its workers'.

    Args:
        path: the data directory.
        writers: deployments, streams and names of the writers whose logs are wanted.

    Raises:
        DataDirectoryError: a file was damaged.
    """
    for directory in directories(path):
        file = tenants_file(directory)
        for origin, checkpoint, statement in _tenant_rows(file):
            for deployment, stream, writer in writers:
                name = LogName.parse(origin, deployment)
                is_further = bool(name.tenant) or name.access
                if is_further and (name.deployment, name.stream, name.writer) == (deployment, stream, writer):
                    yield from filter(None, (opened_checkpoint(file, checkpoint), opened_statement(file, statement)))


def tenant_origins(path: Path) -> list[str]:
    """Return the origins of tenants' logs and access logs kept in a data directory and its workers'.

    Raises:
        DataDirectoryError: a file was damaged.
    """
    return [origin for directory in directories(path) for origin, _, _ in _tenant_rows(tenants_file(directory))]


def count_tenant_logs(path: Path) -> int:
    """Return how many logs ``tenant_origins`` has."""
    total = 0
    for file in map(tenants_file, directories(path)):
        try:
            total += count_tenant_notes(file)
        except sqlite3.Error as error:
            raise DataDirectoryError(unusable(file, error)) from error
    return total


def _tenant_texts(directory: Path) -> Iterator[str]:
    for _, checkpoint, statement in _tenant_rows(tenants_file(directory)):
        yield from filter(None, (checkpoint, statement))


def _tenant_rows(file: Path) -> list[tuple[str, str, str]]:
    try:
        return list(read_tenant_notes(file))
    except sqlite3.Error as error:
        raise DataDirectoryError(unusable(file, error)) from error


def checkpoint_file(path: Path, stream: Stream) -> Path:
    """Return the file of the last checkpoint of a stream's log."""
    return path / "checkpoints" / stream.value


def statement_file(path: Path, stream: Stream) -> Path:
    """Return the file of the last statement of a stream's log."""
    return path / "checkpoints" / f"{stream.value}-statement"


def tenants_file(path: Path) -> Path:
    """Return the file of the checkpoints and statements of tenants' logs."""
    return path / "checkpoints" / "tenants.sqlite"


def checkpoint_files(path: Path) -> list[Path]:
    """Return the files of checkpoints in a data directory and its workers'."""
    return [checkpoint_file(directory, stream) for directory in directories(path) for stream in Stream]


def statement_files(path: Path) -> list[Path]:
    """Return the files of statements in a data directory and its workers'."""
    return [statement_file(directory, stream) for directory in directories(path) for stream in Stream]


def directories(path: Path) -> list[Path]:
    """Return a data directory and those of its workers."""
    return [path, *(worker_directory(path, number) for number in worker_numbers(path))]


def worker_directory(path: Path, number: int) -> Path:
    """Return the data directory of a worker, a subdirectory of the server's data directory."""
    return path / "workers" / str(number)


def worker_numbers(path: Path) -> list[int]:
    """Return the numbers of all workers ever started on a data directory."""
    names = [entry.name for entry in (path / "workers").glob("*")]
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def read_checkpoint(file: Path) -> Checkpoint | None:
    """Return the checkpoint in a file, None without one; raises DataDirectoryError if it was damaged."""
    return opened_checkpoint(file, _text_of(file))


def read_statement(file: Path) -> Statement | None:
    """Return the statement in a file, None without one; raises DataDirectoryError if it was damaged."""
    return opened_statement(file, _text_of(file))


def opened_checkpoint(file: Path, note: str) -> Checkpoint | None:
    """Return the checkpoint of a note that a file has, None for no note; raises DataDirectoryError."""
    return _opened(file, note, open_checkpoint)


def opened_statement(file: Path, note: str) -> Statement | None:
    """Return the statement of a note that a file has, None for no note; raises DataDirectoryError."""
    return _opened(file, note, open_statement)


def unusable(file: Path, error: Exception) -> str:
    """Return the message about a file that was damaged."""
    return (
        f"{file} is damaged ({reason_of(error)}). It records how far the log had grown; remove it only if you know "
        "that storage is complete"
    )


def _text_of(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise DataDirectoryError(unusable(file, error)) from error
    return text or "\n"  # a file without anything is damaged, and no missing file


def _opened(file: Path, note: str, read: Callable[[str], tuple[_Read, SignedNote]]) -> _Read | None:
    try:
        return read(note)[0] if note else None
    except (ValueError, NotaryError) as error:
        raise DataDirectoryError(unusable(file, error)) from error
