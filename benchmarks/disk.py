"""Space on disk: what each table, column and index of a ClickHouse database takes, and what was written in all."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Disk", "directory_bytes", "disk_of", "embedded_disk", "written_bytes"]

Query = Callable[[str], str]
"""Function that runs a statement and returns its result as TSV."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that the active parts of a database take.

    Attributes:
        tables: table -> bytes.
        columns: table.column -> bytes.
        indexes: table.index -> bytes, the table's primary index not among them.
        parts: number of active parts.
    """

    tables: dict[str, int]
    columns: dict[str, int]
    indexes: dict[str, int]
    parts: int


def disk_of(query: Query, database: str) -> Disk:
    """Return what a database takes on disk."""
    where = f"WHERE database = '{database}'"
    return Disk(
        _table(query(f"SELECT table, sum(bytes_on_disk) FROM system.parts {where} AND active GROUP BY table")),  # noqa: S608
        _table(
            query(
                "SELECT concat(table, '.', column), sum(column_data_compressed_bytes + column_marks_bytes) AS bytes "  # noqa: S608
                f"FROM system.parts_columns {where} AND active GROUP BY table, column"
            )
        ),
        _table(
            query(
                "SELECT concat(table, '.', name), data_compressed_bytes + marks_bytes "  # noqa: S608
                f"FROM system.data_skipping_indices {where}"
            )
        ),
        int(query(f"SELECT count() FROM system.parts {where} AND active")),  # noqa: S608
    )


def embedded_disk(path: Path, database: str) -> Disk:
    """Return what embedded storage takes on disk, in a process of its own; no other process may use the storage."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_embedded_disk, path, database).result()


def _embedded_disk(path: Path, database: str) -> Disk:
    from chdb.session import Session

    session: Any = Session(str(path))  # type: ignore[no-untyped-call] # chDB is not typed
    try:
        return disk_of(lambda sql: str(session.query(sql, "TabSeparated")), database)
    finally:
        session.close()


def directory_bytes(path: Path) -> int:
    """Return the bytes that the files below a directory take on disk."""
    return sum(file.stat().st_blocks * 512 for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def written_bytes(pid: int) -> int:
    """Return the bytes that a process has sent to disks (proc(5), ``io``)."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def _table(text: str) -> dict[str, int]:
    rows = (line.split("\t") for line in text.splitlines())
    return {name: int(count) for name, count in rows}
