"""Numbered schema migrations, applied at startup.

Every statement is idempotent (IF NOT EXISTS), so several servers may start at once; a
migration is recorded once it has run. A recorded migration is never edited.

A server that is behind another repeats the statements after the other has recorded them, and may end at any of them. So
none takes away what a later one gives back. Nor does any wait until parts are rewritten: that may take hours.

A migration that makes a table anew has a step before its statements, which puts the earlier table aside
(``storage.earlier_spans``). In an empty database the last form of that table is made first. Some tables of an empty
database get smaller granules, which cannot be changed later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType

from storage.earlier_spans import PARTITIONED_BY, put_aside, read_partition_keys
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageConfigError
from storage.rowbinary import read_rows, text, uint16
from storage.schema import RECORD_TABLES

__all__ = ["ROOM", "SMALL_GRANULES", "Migration", "load_migrations", "migrate", "steps"]

_MADE_ANEW = 9
"""Number of the migration that makes the table of spans anew."""
_CREATE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) ")
_GRANULE = re.compile(r"index_granularity = \d+")
_TEXT_INDEX_SINCE = (26, 2)
_ROOM_SINCE = (24, 10)
_SELECTOR_SINCE = (25, 1)

SMALL_GRANULES: Mapping[str, int] = MappingProxyType({"audit_logs": 1024, "otel_traces": 1024, "log_tiles": 8})
"""Rows of a granule in tables of a database that this version makes: it cannot be altered (8,192 and 64 before).

A lookup reads a whole granule for each row that it finds: of all columns of a record, or of tiles of 8 KiB each. The
price is 2 % of disk space for records, and nothing for tiles. Logs keep the larger granules: there is a filter of words
for each, and a search for a word that is rare looks at all of them.
"""

ROOM = 128 << 20
"""Bytes of free disk space below which ClickHouse inserts nothing into the tables."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``storage/migrations``."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()

    def statements(self, version: tuple[int, int]) -> list[str]:
        """Return the statements for a version of ClickHouse."""
        sql = re.sub(r"^--.*\n", "", self.sql, flags=re.MULTILINE)
        definitions = {**_index_types(version), "room": _room(version), "selector": _selector(version)}
        for name, definition in definitions.items():
            sql = sql.replace("{{" + name + "}}", definition)
        return [statement.strip() for statement in sql.split(";\n") if statement.strip()]


def load_migrations() -> list[Migration]:
    """Return all migrations in order."""
    migrations = []
    for file in sorted(files("storage").joinpath("migrations").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            migrations.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return migrations


def migrate(engine: Engine) -> list[Migration]:
    """Migrate the tables to the current version.

    Returns:
        The migrations that were applied.

    Raises:
        StorageConfigError: the database has tables of the same names and a different layout, or was
            migrated by a newer or an altered Lognotary.
        NotAppliedError: storage cannot be reached, or refuses a statement.
    """
    engine.execute(
        "CREATE TABLE IF NOT EXISTS lognotary_migrations (Number UInt16, Name String, Digest String, "
        "AppliedAt DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY Number"
    )
    rows = engine.query("SELECT DISTINCT Number, Digest FROM lognotary_migrations")
    done = {(number, digest) for number, digest in read_rows(rows, (uint16, text))}
    numbers = {number for number, _ in done}
    known = load_migrations()
    if numbers - {migration.number for migration in known}:
        raise StorageConfigError("the database was migrated by a newer version of Lognotary: run that version")
    applied = []
    if not numbers:
        for statement in _first_statements(known, engine.info.version):
            engine.execute(statement)
    for migration in known:
        if (migration.number, migration.digest) in done:
            continue
        if migration.number in numbers:
            raise StorageConfigError(f"migration {migration.number} was applied with different contents")
        for step in steps(migration, engine.info.version):
            step(engine)
        engine.execute(
            "INSERT INTO lognotary_migrations (Number, Name, Digest) SETTINGS async_insert = 0 "
            f"VALUES ({migration.number}, '{migration.name}', '{migration.digest}')"
        )
        applied.append(migration)
    _check_layout(engine)
    return applied


def steps(migration: Migration, version: tuple[int, int]) -> list[Callable[[Engine], None]]:
    """Return what a migration does, one after the other: what goes before its statements, if anything, and these."""
    before = [put_aside] if migration.number == _MADE_ANEW else []
    return [*before, *(partial(_execute, statement=statement) for statement in migration.statements(version))]


def _execute(engine: Engine, statement: str) -> None:
    """Execute a statement, unless the aliases that it puts in the place of columns are there already.

    ClickHouse refuses to drop columns again while it is still dropping the columns that the aliases replace.
    """
    if _has_added(engine, statement):
        return
    try:
        engine.execute(statement)
    except NotAppliedError:
        if not _has_added(engine, statement):  # another server has not run it in the meantime
            raise


def _has_added(engine: Engine, statement: str) -> bool:
    """Return whether a table has all columns that a statement adds to it as aliases; False if it adds none."""
    added = set(re.findall(r"ADD COLUMN `([^`]+)` \S+ ALIAS ", statement))
    if not added:
        return False
    rows = engine.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "AND default_kind = 'ALIAS'",
        {"table": statement.split()[2]},
    )
    return added <= {name for (name,) in read_rows(rows, (text,))}


def _first_statements(known: list[Migration], version: tuple[int, int]) -> list[str]:
    """Return the statements for an empty database that set what no migration can change in a table that exists."""
    creates: dict[str, str] = {}  # by table: the last migration that makes it
    for migration in known:
        for statement in migration.statements(version):
            if (found := _CREATE.match(statement)) is not None:
                creates[found[1]] = statement
    return [_GRANULE.sub(f"index_granularity = {rows}", creates[table]) for table, rows in SMALL_GRANULES.items()]


def _check_layout(engine: Engine) -> None:
    keys = read_partition_keys(engine)
    for name in RECORD_TABLES.values():
        if name in keys and keys[name] != PARTITIONED_BY:
            raise StorageConfigError(
                f"the table {name} has a different layout (partitioned by {keys[name]}), probably made by the "
                "Collector's clickhouseexporter: give Lognotary a database of its own"
            )


def _room(version: tuple[int, int]) -> str:
    return f"min_free_disk_bytes_to_perform_insert = {ROOM}, " if version >= _ROOM_SINCE else ""


def _selector(version: tuple[int, int]) -> str:
    return "merge_selector_base = 10, " if version >= _SELECTOR_SINCE else ""


def _index_types(version: tuple[int, int]) -> dict[str, str]:
    if version >= _TEXT_INDEX_SINCE:
        array = "text(tokenizer = 'array')"
        return {"id_index": array, "set_index": array, "word_index": "text(tokenizer = 'splitByNonAlpha')"}
    return {
        "id_index": "bloom_filter(0.001) GRANULARITY 1",
        "set_index": "bloom_filter(0.01) GRANULARITY 1",
        "word_index": "tokenbf_v1(32768, 3, 0) GRANULARITY 8",
    }
