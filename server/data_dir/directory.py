"""The data directory: the local state of a server, outside storage. Only its user may enter one that a server made.

lock                            held while a server runs, so that no two use one name; contains the process ID
writer                          the writer's name, part of its logs' origins
keys/                           its keys: see ``keys.store`` and ``keys.redaction_key``
access/                         tokens, when they were used last, and which are on record: see ``access.token_file``,
                                ``token_uses`` and ``recorded_tokens``
acknowledgements/               signed acknowledgements of findings: see ``acknowledgements``
checkpoints/<stream>            the last committed checkpoint: reveals that storage was rolled back
checkpoints/<stream>-statement  the last statement, for the same purpose
checkpoints/tenants.sqlite      both of each log of a tenant
checkpoints/seen/<LogId>        the last signed checkpoint of each log in storage: see ``seen_logs``
drops/                          orders to drop the data of tenants: see ``drop_orders``
journal/<stream>/               batches that are signed and not in storage yet, see ``log.journal``
journal/<stream>-statements/    statements that are signed and not in storage yet
journal/<stream>.left-behind    requests that were refused but stored, see ``writer.retry_ledger_file``
sessions.json                   digests of open sessions on pages: see ``login.sessions``
session-revocations.json        sessions that were ended from the command line: see ``login.revocations``
self-verification.json          progress and findings of self-verification: see ``self_verification``
own.sock                        socket for the server's own records, if the OTLP port has TLS: see ``own_socket``
workers/<number>/               with several workers, the same for each, without writer and keys
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from server.data_dir.atomic_files import replace_file
from server.data_dir.errors import DataDirectoryError
from server.data_dir.kept_notes import (
    checkpoint_file,
    checkpoint_files,
    directories,
    opened_checkpoint,
    opened_statement,
    read_checkpoint,
    read_statement,
    statement_file,
    statement_files,
    tenants_file,
    tenants_notes,
    unusable,
    worker_numbers,
)
from server.data_dir.tenant_logs import TenantLogs
from server.errors.files import reason_of
from server.notary.checkpoint import Checkpoint
from server.notary.errors import NotaryError
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement

__all__ = ["DataDirectory", "boot_id", "is_of_server", "journals"]


def boot_id(file: Path = Path("/proc/sys/kernel/random/boot_id")) -> str:
    """Return the kernel's identifier of this boot; a random one if the system has none."""
    try:
        return file.read_text(encoding="ascii").strip() or secrets.token_hex(16)
    except OSError:
        return secrets.token_hex(16)


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
        self._tenants_file = tenants_file(path)
        self._tenants = TenantLogs(self._tenants_file)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (path / "checkpoints").mkdir(mode=0o700, exist_ok=True)
            self._lock = _open_for_owner(path / "lock")
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
        self._tenants.close()
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
            replace_file(file, name + "\n", mode=0o600)
        return name

    def _kept_origins(self) -> list[str]:
        kept = filter(None, map(read_checkpoint, checkpoint_files(self._path)))
        return sorted({checkpoint.origin for checkpoint in kept})

    def journal(self, name: str) -> Path:
        """Return the directory of a journal."""
        return self._path / "journal" / name

    def last_checkpoint(self, name: LogName) -> Checkpoint | None:
        """Return the last checkpoint of a log kept in this directory.

        Raises:
            DataDirectoryError: the file was damaged.
        """
        if _is_further(name):
            return opened_checkpoint(self._tenants_file, self._of_tenant(name)[0])
        checkpoint = read_checkpoint(checkpoint_file(self._path, name.stream))
        return checkpoint if checkpoint and checkpoint.origin == name.origin else None

    def last_statement(self, name: LogName) -> Statement | None:
        """Return the last statement of a log kept in this directory.

        Raises:
            DataDirectoryError: the file was damaged.
        """
        if _is_further(name):
            return opened_statement(self._tenants_file, self._of_tenant(name)[1])
        statement = read_statement(statement_file(self._path, name.stream))
        return statement if statement and statement.checkpoint.origin == name.origin else None

    def remember_checkpoints(self, notes: Mapping[LogName, str]) -> None:
        """Store checkpoints that were committed, one of each log; raises OSError."""
        self._remember(notes, checkpoint_file, self._tenants.remember_checkpoints)

    def remember_statements(self, notes: Mapping[LogName, str]) -> None:
        """Store statements that are in storage, one of each log; raises OSError."""
        self._remember(notes, statement_file, self._tenants.remember_statements)

    def _remember(
        self,
        notes: Mapping[LogName, str],
        file_of: Callable[[Path, Stream], Path],
        of_tenants: Callable[[Mapping[str, str]], None],
    ) -> None:
        for name, note in notes.items():
            if not _is_further(name):
                replace_file(file_of(self._path, name.stream), note, mode=0o600, durable=False)
        if others := {name.origin: note for name, note in notes.items() if _is_further(name)}:
            try:
                of_tenants(others)
            except sqlite3.Error as error:
                raise OSError(f"{self._tenants_file}: {error}") from error

    def _of_tenant(self, name: LogName) -> tuple[str, str]:
        try:
            return self._tenants.last(name.origin)
        except sqlite3.Error as error:
            raise DataDirectoryError(unusable(self._tenants_file, error)) from error

    def further_logs(self, default: LogName) -> list[LogName]:
        """Return the other logs of a writer and a stream that are known here: those of tenants, and access logs.

        Args:
            default: log of the writer and the stream that has neither a tenant nor who looked.

        Raises:
            DataDirectoryError: the file was damaged.
        """
        try:
            names = [LogName.parse(origin, default.deployment) for origin in self._tenants.origins()]
        except (sqlite3.Error, NotaryError) as error:
            raise DataDirectoryError(unusable(self._tenants_file, error)) from error
        wanted = default.deployment, default.stream, default.writer
        return [name for name in names if _is_further(name) and (name.deployment, name.stream, name.writer) == wanted]

    def workers(self) -> list[int]:
        """Return the numbers of all workers ever started on this directory."""
        return worker_numbers(self._path)

    def kept(self, names: Iterable[LogName]) -> list[Checkpoint | Statement]:
        """Return the last checkpoints and statements of logs kept in this directory and its workers' directories.

        Those of tenants' logs by the same writers are among them.

        They are written here only after they are in storage, so storage must contain all of them.

        Raises:
            DataDirectoryError: a file was damaged.
        """
        names = tuple(names)
        if not names:
            return []
        origins = {name.origin for name in names}
        writers = {(name.deployment, name.stream, name.writer) for name in names}
        checkpoints = filter(None, map(read_checkpoint, checkpoint_files(self._path)))
        statements = filter(None, map(read_statement, statement_files(self._path)))
        return [
            *(checkpoint for checkpoint in checkpoints if checkpoint.origin in origins),
            *(statement for statement in statements if statement.checkpoint.origin in origins),
            *tenants_notes(self._path, writers),
        ]


def _open_for_owner(file: Path) -> int:
    """Open a file that others may not even read: whoever opens a lock can hold it, and no server starts then."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # an earlier version let everybody read it
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def is_of_server(path: Path) -> bool:
    """Return whether a server has used a data directory."""
    return (path / "lock").exists()


def journals(path: Path) -> list[Path]:
    """Return the directories of all journals in a data directory, including its workers'.

    Raises:
        OSError: a directory cannot be read.
    """
    parents = [directory / "journal" for directory in directories(path)]
    return sorted(entry for parent in parents if parent.is_dir() for entry in parent.iterdir() if entry.is_dir())


def _is_further(name: LogName) -> bool:
    """Return whether a log is one of many of its stream: those of tenants, and access logs."""
    return bool(name.tenant) or name.access


def _new_writer_name() -> str:
    host = "".join(c for c in socket.gethostname().split(".")[0].lower() if c.isascii() and c.isalnum())
    return f"{host[:20] or 'writer'}-{secrets.token_hex(4)}"
