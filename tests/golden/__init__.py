"""Data that earlier versions wrote, which every later version must be able to verify: see README.md."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from storage.engine import Engine
from storage.migrate import load_migrations

__all__ = ["VERSION_1", "Golden", "replaced"]

_MIGRATIONS = "lognotary_migrations"


@dataclass(frozen=True)
class Golden:
    """The files that one version wrote; none of them is ever changed.

    Attributes:
        directory: its files.
    """

    directory: Path

    @cached_property
    def contents(self) -> Mapping[str, Any]:
        """Description of what the files hold."""
        contents: dict[str, Any] = json.loads((self.directory / "contents.json").read_text(encoding="utf-8"))
        return contents

    @property
    def logs(self) -> Mapping[str, Mapping[str, Any]]:
        """The logs, by origin: LogId, stream, and numbers of entries, batches and statements."""
        logs: dict[str, Mapping[str, Any]] = self.contents["logs"]
        return logs

    def columns(self, table: str) -> Mapping[str, str]:
        """Return the columns of a table's file with the types that they had then."""
        columns: dict[str, str] = self.contents["tables"][table]["columns"]
        return columns

    def total(self, what: str) -> int:
        """Return the number of entries, batches or statements in all logs."""
        return sum(int(log[what]) for log in self.logs.values())

    def leaf_hashes(self, origin: str) -> list[bytes]:
        """Return the leaf hashes of a log, in order."""
        lines = (self.directory / "leaf-hashes" / f"{_file_name(origin)}.txt").read_text(encoding="ascii")
        return [bytes.fromhex(line) for line in lines.splitlines()]

    def kept(self, what: str, origin: str) -> Path:
        """Return the file of the last of a log's ``checkpoints`` or ``statements``, as somebody kept it."""
        return self.directory / "kept" / what / _file_name(origin)

    def key(self, name: str) -> Path:
        """Return the file of a public key; names as in README.md."""
        return self.directory / "keys" / name

    def bundle(self, name: str) -> Path:
        """Return a bundle, a directory or a zip file."""
        return self.directory / "bundles" / name

    def insert(self, engine: Engine, tables: Sequence[str] = ()) -> None:
        """Insert the rows of some tables, or of all but the migrations, under the column names of version 1."""
        for table in tables or [table for table in self.contents["tables"] if table != _MIGRATIONS]:
            block = gzip.decompress((self.directory / "tables" / f"{table}.native.gz").read_bytes())
            engine.insert(table, list(self.columns(table)), block, uuid4().hex)

    def restore(self, engine: Engine) -> None:
        """Make an empty storage what that version left behind: its tables, its list of migrations, its rows."""
        engine.execute(
            f"CREATE TABLE {_MIGRATIONS} (Number UInt16, Name String, Digest String, "
            "AppliedAt DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY Number"
        )
        applied = self.contents["tables"][_MIGRATIONS]["rows"]  # numbered from 1, and never edited
        for migration in load_migrations()[:applied]:
            for statement in migration.statements(engine.info.version):
                engine.execute(statement)
        self.insert(engine, list(self.contents["tables"]))

    def copy_data_directory(self, to: Path) -> None:
        """Copy the data directory of the writer whose journal waits; private keys must not be readable by others."""
        shutil.copytree(self.directory / "data", to)
        for packed in to.rglob("*.gz"):
            packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
            packed.unlink()
        for key in (to / "keys").rglob("*.pem"):
            key.chmod(0o600)


VERSION_1 = Golden(Path(__file__).parent / "version_1")
"""The canonical record, version 1."""


@contextmanager
def replaced(engine: Engine, table: str, *selects: str) -> Iterator[None]:
    """Have the results of queries as the rows of a table for a while."""
    other = f"golden_{table}"
    engine.execute(f"CREATE TABLE {other} AS {table}")
    try:
        for select in selects:
            engine.execute(f"INSERT INTO {other} {select}")
        engine.execute(f"EXCHANGE TABLES {other} AND {table}")
        try:
            yield
        finally:
            engine.execute(f"EXCHANGE TABLES {other} AND {table}")
    finally:
        engine.execute(f"DROP TABLE {other} SYNC")


def _file_name(origin: str) -> str:
    _, stream, writer = origin.split("/")
    return f"{stream}-{writer}"
