"""Memory of how far the logs of tenants went: one SQLite file, because there may be thousands of logs.

It has the same purpose as the files of the other logs: to reveal that storage was rolled back. So it may be behind, and
a power failure may undo its last changes; it never has what storage has not.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["TenantLogs", "count_tenant_notes", "read_tenant_notes"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS logs (origin TEXT PRIMARY KEY, checkpoint TEXT NOT NULL, statement TEXT NOT NULL)
"""
_CHECKPOINT = """
INSERT INTO logs VALUES (?, ?, '') ON CONFLICT (origin) DO UPDATE SET checkpoint = excluded.checkpoint
"""
_STATEMENT = """
INSERT INTO logs VALUES (?, '', ?) ON CONFLICT (origin) DO UPDATE SET statement = excluded.statement
"""


class TenantLogs:
    """The last checkpoints and statements of tenants' logs, as signed notes; thread-safe."""

    def __init__(self, file: Path) -> None:
        """Open a file, which is created once there is something to remember."""
        self._file = file
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def last(self, origin: str) -> tuple[str, str]:
        """Return the last checkpoint and the last statement of a log, as notes; empty if there is none.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        with self._lock:
            if self._opened is None and not self._file.exists():
                return "", ""
            row = self._connection().execute("SELECT checkpoint, statement FROM logs WHERE origin = ?", (origin,))
            checkpoint, statement = row.fetchone() or ("", "")
        return checkpoint, statement

    def origins(self) -> list[str]:
        """Return the origins of all logs; raises sqlite3.Error."""
        with self._lock:
            if self._opened is None and not self._file.exists():
                return []
            return [origin for (origin,) in self._connection().execute("SELECT origin FROM logs ORDER BY origin")]

    def remember_checkpoints(self, notes: Mapping[str, str]) -> None:
        """Store checkpoints, by the origins of their logs; raises sqlite3.Error."""
        with self._lock, self._connection() as connection:
            connection.executemany(_CHECKPOINT, notes.items())

    def remember_statements(self, notes: Mapping[str, str]) -> None:
        """Store statements, by the origins of their logs; raises sqlite3.Error."""
        with self._lock, self._connection() as connection:
            connection.executemany(_STATEMENT, notes.items())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            with contextlib.suppress(OSError):  # SQLite says what is wrong
                # SQLite lets everybody read what it creates, but the names of tenants are nobody else's business.
                os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._file.chmod(0o600)
            self._opened = sqlite3.connect(self._file, check_same_thread=False)
            # Durable enough: what a power failure undoes was only about storage that has more.
            self._opened.execute("PRAGMA journal_mode = WAL")
            self._opened.execute("PRAGMA synchronous = NORMAL")
            self._opened.execute(_SCHEMA)
        return self._opened


def read_tenant_notes(file: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the origin, the last checkpoint and the last statement of each log in a file that a server may be writing.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    with _reading(file) as connection:
        if connection is not None:
            yield from connection.execute("SELECT origin, checkpoint, statement FROM logs ORDER BY origin")


def count_tenant_notes(file: Path) -> int:
    """Return the number of logs in a file that a server may be writing; raises as ``read_tenant_notes``."""
    with _reading(file) as connection:
        return connection.execute("SELECT count(*) FROM logs").fetchone()[0] if connection is not None else 0


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection | None]:
    """Yield a connection to a file, None if it is not there, or is just being created."""
    if not file.exists():
        yield None
        return
    with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        [tables] = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'logs'").fetchone()
        yield connection if tables else None
