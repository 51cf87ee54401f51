"""The data directory: what a server keeps for itself, outside storage.

lock                     held while a server runs, so that no two write under one name
writer                   the writer's name, part of its logs' origins
keys/signing-key.pem     the private key (mode 0600): whoever has it can sign
keys/public-key.pem      the public key, to be given to those who verify
keys/verifier-keys.txt   the same as C2SP verifier keys, one for each log
checkpoints/<stream>     the last checkpoint that was committed: shows when storage was rolled back
workers/<number>/        with several workers, the same of each, without writer and keys
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.errors import NotaryError
from server.notary.note import Signer
from server.notary.origin import LogName, Stream

__all__ = [
    "DataDirectory",
    "DataDirectoryError",
    "read_checkpoints",
    "read_public_key",
    "read_signer",
    "worker_directory",
]


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message says what to do."""


class DataDirectory:
    """A data directory, locked until it is closed."""

    def __init__(self, path: Path) -> None:
        """Open and lock a directory, and make it if there is none.

        Raises:
            DataDirectoryError: another server runs on it, or it cannot be written.
        """
        self._path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "checkpoints").mkdir(exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DataDirectoryError(f"the data directory {path} cannot be used: {error}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise DataDirectoryError(
                f"another server runs on the data directory {path}: stop it, or use another --data-dir"
            ) from error

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
        """Where this directory is: host and path."""
        return f"{socket.gethostname()}:{self._path.resolve()}"

    def writer(self, wanted: str = "") -> str:
        """Return the writer's name: the one that is wanted, else the stored one, else a new one."""
        file = self._path / "writer"
        stored = file.read_text(encoding="utf-8").strip() if file.exists() else ""
        name = wanted or stored or _new_writer_name()
        if name != stored:
            _write(file, name + "\n")
        return name

    def signer(self) -> Signer:
        """Return the signing key; it is made at the first start.

        Raises:
            DataDirectoryError: the key file cannot be read.
        """
        file = _signing_key(self._path)
        try:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            if not file.exists():
                _write(file, Signer.generate().to_pem().decode(), mode=0o600)
        except OSError as error:
            raise DataDirectoryError(f"the signing key {file} cannot be used: {error}") from error
        return read_signer(self._path)

    def publish_keys(self, signer: Signer, logs: Iterable[LogName]) -> None:
        """Write the public key for those who verify."""
        _write(self._path / "keys" / "public-key.pem", signer.public_pem().decode())
        keys = "".join(f"{signer.verifier_key(name.origin)}\n" for name in logs)
        _write(self._path / "keys" / "verifier-keys.txt", keys)

    def last_checkpoint(self, name: LogName) -> Checkpoint | None:
        """Return the last checkpoint of a log that this directory remembers.

        Raises:
            DataDirectoryError: the file was damaged.
        """
        checkpoint = _read_checkpoint(_checkpoint_file(self._path, name.stream))
        return checkpoint if checkpoint and checkpoint.origin == name.origin else None

    def remember_checkpoint(self, stream: Stream, note: str) -> None:
        """Keep a checkpoint that was committed."""
        _write(_checkpoint_file(self._path, stream), note, durable=False)

    def workers(self) -> list[int]:
        """Return the numbers of the workers that have ever been started on this directory."""
        return _workers(self._path)

    def checkpoints(self, names: Iterable[LogName]) -> list[Checkpoint]:
        """Return the last checkpoints of logs that this directory remembers, or those of its workers.

        A checkpoint is written down after its batch was committed, so storage has all that it says.

        Raises:
            DataDirectoryError: a file was damaged.
        """
        origins = {name.origin for name in names}
        if not origins:
            return []
        found = map(_read_checkpoint, _checkpoint_files(self._path))
        return [checkpoint for checkpoint in found if checkpoint and checkpoint.origin in origins]


def worker_directory(path: Path, number: int) -> Path:
    """Return the data directory of a worker, below that of its server."""
    return path / "workers" / str(number)


def read_signer(path: Path) -> Signer:
    """Return the signing key of a data directory, without opening it.

    Raises:
        DataDirectoryError: the key file cannot be read.
    """
    file = _signing_key(path)
    try:
        return Signer.from_pem(file.read_bytes())
    except (OSError, NotaryError) as error:
        raise DataDirectoryError(f"the signing key {file} cannot be used: {error}") from error


def read_public_key(path: Path) -> str:
    """Return the public key of a data directory, without opening it.

    Raises:
        DataDirectoryError: there is none.
    """
    try:
        return (path / "keys" / "public-key.pem").read_text(encoding="utf-8")
    except OSError as error:
        raise DataDirectoryError(
            f"there is no public key in {path}: give it with --public-key FILE, or the server's --data-dir"
        ) from error


def read_checkpoints(path: Path) -> list[str]:
    """Return the checkpoints that a data directory and its workers' remember, without opening it."""
    return [file.read_text(encoding="utf-8") for file in _checkpoint_files(path) if file.exists()]


def _signing_key(path: Path) -> Path:
    return path / "keys" / "signing-key.pem"


def _checkpoint_file(path: Path, stream: Stream) -> Path:
    return path / "checkpoints" / stream.value


def _checkpoint_files(path: Path) -> list[Path]:
    directories = [path, *(worker_directory(path, number) for number in _workers(path))]
    return [_checkpoint_file(directory, stream) for directory in directories for stream in Stream]


def _workers(path: Path) -> list[int]:
    names = [entry.name for entry in (path / "workers").glob("*")]
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def _read_checkpoint(file: Path) -> Checkpoint | None:
    try:
        checkpoint, _ = open_checkpoint(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, NotaryError) as error:
        raise DataDirectoryError(
            f"{file} is damaged ({error}). It remembers how far the log went; remove it only if storage is known "
            "to be whole"
        ) from error
    return checkpoint


def _new_writer_name() -> str:
    host = "".join(c for c in socket.gethostname().split(".")[0].lower() if c.isascii() and c.isalnum())
    return f"{host[:20] or 'writer'}-{secrets.token_hex(4)}"


def _write(file: Path, text: str, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace a file's content at once; a crash leaves the old content or the new."""
    temporary = file.with_name(f".{file.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        if durable:
            opened.flush()
            os.fsync(opened.fileno())
    temporary.replace(file)
    if durable:
        directory = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
