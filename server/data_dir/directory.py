"""The data directory: the local state of a server, outside storage.

lock                            held while a server runs, so that no two use one name; contains the process ID
writer                          the writer's name, part of its logs' origins
keys/                           its keys: see ``keys.store`` and ``keys.redaction_key``
acknowledgements/               signed acknowledgements of findings: see ``acknowledgements``
checkpoints/<stream>            the last committed checkpoint: reveals that storage was rolled back
checkpoints/<stream>-statement  the last statement, for the same purpose
checkpoints/seen/<LogId>        the last signed checkpoint of each log in storage: see ``seen_logs``
journal/<stream>/               batches that are signed and not in storage yet, see ``log.journal``
journal/<stream>-statements/    statements that are signed and not in storage yet
journal/<stream>.left-behind    requests that were refused but stored, see ``writer.retry_ledger_file``
self-verification.json          progress and findings of self-verification: see ``self_verification``
workers/<number>/               with several workers, the same for each, without writer and keys
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from server.data_dir.atomic_files import replace_file
from server.errors.base import LognotaryError
from server.errors.files import reason_of
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import NotaryError
from server.notary.note import SignedNote
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement, open_statement

__all__ = [
    "DataDirectory",
    "DataDirectoryError",
    "boot_id",
    "journals",
    "read_checkpoints",
    "read_last",
    "worker_directory",
]

_Read = TypeVar("_Read")


def boot_id(file: Path = Path("/proc/sys/kernel/random/boot_id")) -> str:
    """Return the kernel's identifier of this boot; a random one if the system has none."""
    try:
        return file.read_text(encoding="ascii").strip() or secrets.token_hex(16)
    except OSError:
        return secrets.token_hex(16)


class DataDirectoryError(LognotaryError):
    """The data directory cannot be used; the message says what to do."""


class DataDirectory:
    """A data directory, locked until it is closed."""

    def __init__(self, path: Path, boot: str = "") -> None:
        """Lock a directory, creating it if it does not exist.

        Args:
            path: the directory.
            boot: identifier that differs between machines, and between boots of one; empty: from ``boot_id``.

        Raises:
            DataDirectoryError: another server uses the directory, or it cannot be written.
        """
        self._path = path
        self._boot = boot or boot_id()
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "checkpoints").mkdir(exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DataDirectoryError(
                f"the data directory {path} cannot be used: {reason_of(error)}; let this user write there, or give "
                "another --data-dir"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise DataDirectoryError(
                f"another server is running on the data directory {path}: stop it, or use another --data-dir"
            ) from error

        # For commands that have something to tell to this server.
        os.ftruncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())

    def __enter__(self) -> DataDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    @property
    def place(self) -> str:
        """Location of this directory, host and path, with an identifier of the running machine and the lock.

        Two processes with the same value exclude each other by the lock. Machines and containers may have the same host
        name and path.
        """
        lock = os.fstat(self._lock)
        identifier = sha256(f"{self._boot} {lock.st_dev} {lock.st_ino}".encode()).hexdigest()[:16]
        return f"{socket.gethostname()}:{self._path.resolve()} [{identifier}]"

    @property
    def path(self) -> Path:
        """The directory."""
        return self._path

    def writer(self, wanted: str = "") -> str:
        """Return the writer's name: the requested one, else the stored one, else a new one.

        Raises:
            DataDirectoryError: the stored one is lost: a new one would begin new logs, and forget how far the others
                had grown.
        """
        file = self._path / "writer"
        stored = file.read_text(encoding="utf-8").strip() if file.exists() else ""
        if not (wanted or stored) and (origins := self._kept_origins()):
            raise DataDirectoryError(
                f"{file}, which has the writer's name, is missing, but this directory has checkpoints of "
                f"{' and '.join(origins)}: restore the file, or give the name, which is the last part of theirs "
                "(--writer NAME); another name begins new logs"
            )
        name = wanted or stored or _new_writer_name()
        if name != stored:
            replace_file(file, name + "\n")
        return name

    def _kept_origins(self) -> list[str]:
        kept = filter(None, map(_read_checkpoint, _checkpoint_files(self._path)))
        return sorted({checkpoint.origin for checkpoint in kept})

    def journal(self, name: str) -> Path:
        """Return the directory of a journal."""
        return self._path / "journal" / name

    def last_checkpoint(self, name: LogName) -> Checkpoint | None:
        """Return the last checkpoint of a log kept in this directory.

        Raises:
            DataDirectoryError: the file was damaged.
        """
        checkpoint = _read_checkpoint(_checkpoint_file(self._path, name.stream))
        return checkpoint if checkpoint and checkpoint.origin == name.origin else None

    def last_statement(self, name: LogName) -> Statement | None:
        """Return the last statement of a log kept in this directory.

        Raises:
            DataDirectoryError: the file was damaged.
        """
        statement = _read_statement(_statement_file(self._path, name.stream))
        return statement if statement and statement.checkpoint.origin == name.origin else None

    def remember_checkpoints(self, notes: Mapping[LogName, str]) -> None:
        """Store checkpoints that were committed: of one log of each stream."""
        for name, note in notes.items():
            replace_file(_checkpoint_file(self._path, name.stream), note, durable=False)

    def remember_statement(self, stream: Stream, note: str) -> None:
        """Store a statement that is in storage."""
        replace_file(_statement_file(self._path, stream), note, durable=False)

    def workers(self) -> list[int]:
        """Return the numbers of all workers ever started on this directory."""
        return _workers(self._path)

    def kept(self, names: Iterable[LogName]) -> list[Checkpoint | Statement]:
        """Return the last checkpoints and statements of logs kept in this directory and its workers' directories.

        They are written here only after they are in storage, so storage must contain all of them.

        Raises:
            DataDirectoryError: a file was damaged.
        """
        origins = {name.origin for name in names}
        if not origins:
            return []
        checkpoints = filter(None, map(_read_checkpoint, _checkpoint_files(self._path)))
        statements = filter(None, map(_read_statement, _statement_files(self._path)))
        return [
            *(checkpoint for checkpoint in checkpoints if checkpoint.origin in origins),
            *(statement for statement in statements if statement.checkpoint.origin in origins),
        ]


def worker_directory(path: Path, number: int) -> Path:
    """Return the data directory of a worker, a subdirectory of the server's data directory."""
    return path / "workers" / str(number)


def journals(path: Path) -> list[Path]:
    """Return the directories of all journals in a data directory, including its workers'.

    Raises:
        OSError: a directory cannot be read.
    """
    parents = [directory / "journal" for directory in _directories(path)]
    return sorted(entry for parent in parents if parent.is_dir() for entry in parent.iterdir() if entry.is_dir())


def read_checkpoints(path: Path) -> list[str]:
    """Return the checkpoints and statements kept in a data directory and its workers', without locking it.

    Raises:
        DataDirectoryError: a file cannot be read.
    """
    files = [*_checkpoint_files(path), *_statement_files(path)]
    try:
        return [file.read_text(encoding="utf-8") for file in files if file.exists()]
    except (OSError, ValueError) as error:
        raise DataDirectoryError(
            f"the checkpoints in {path} cannot be read: {reason_of(error)}; let this user read them"
        ) from error


def read_last(path: Path, stream: Stream) -> tuple[Checkpoint | None, Statement | None]:
    """Return the last checkpoint and the last statement of a stream kept in a data directory, without locking it.

    Raises:
        DataDirectoryError: a file was damaged.
    """
    return _read_checkpoint(_checkpoint_file(path, stream)), _read_statement(_statement_file(path, stream))


def _checkpoint_file(path: Path, stream: Stream) -> Path:
    return path / "checkpoints" / stream.value


def _statement_file(path: Path, stream: Stream) -> Path:
    return path / "checkpoints" / f"{stream.value}-statement"


def _checkpoint_files(path: Path) -> list[Path]:
    return [_checkpoint_file(directory, stream) for directory in _directories(path) for stream in Stream]


def _statement_files(path: Path) -> list[Path]:
    return [_statement_file(directory, stream) for directory in _directories(path) for stream in Stream]


def _directories(path: Path) -> list[Path]:
    return [path, *(worker_directory(path, number) for number in _workers(path))]


def _workers(path: Path) -> list[int]:
    names = [entry.name for entry in (path / "workers").glob("*")]
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def _read_checkpoint(file: Path) -> Checkpoint | None:
    return _read_note(file, open_checkpoint)


def _read_statement(file: Path) -> Statement | None:
    return _read_note(file, open_statement)


def _read_note(file: Path, read: Callable[[str], tuple[_Read, SignedNote]]) -> _Read | None:
    try:
        return read(file.read_text(encoding="utf-8"))[0]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, NotaryError) as error:
        raise DataDirectoryError(
            f"{file} is damaged ({reason_of(error)}). It records how far the log had grown; remove it only if you know "
            "that storage is complete"
        ) from error


def _new_writer_name() -> str:
    host = "".join(c for c in socket.gethostname().split(".")[0].lower() if c.isascii() and c.isalnum())
    return f"{host[:20] or 'writer'}-{secrets.token_hex(4)}"
