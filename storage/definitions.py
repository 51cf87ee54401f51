"""Definitions of the tables that hold records and evidence, as migrations make them and as they are.

Both come from CREATE statements: those of the migrations, and those that ClickHouse shows for what is there. So no
system table has to be believed, and a user needs no right but SELECT on the tables.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from server.notary.counted import counted
from storage.create_statement import Column, Index, Table, alter_table, parse_create
from storage.engine import Engine
from storage.errors import AccessDeniedError, NotAppliedError
from storage.migrate import load_migrations
from storage.retention_sql import parse_ttl
from storage.roles import system_right
from storage.rowbinary import read_one, read_rows, text, uint8, uint64
from storage.schema import RECORD_TABLES

__all__ = [
    "EVIDENCE_TABLES",
    "Difference",
    "SkippedCheck",
    "StoredDefinitions",
    "compare_definitions",
    "is_behind",
    "is_table_itself",
    "read_definitions",
]

EVIDENCE_TABLES = ("otel_logs", "audit_logs", "otel_traces", "log_batches", "log_tiles", "log_statements")

# Tables that hold no evidence, but on which something depends that was promised: compared if this user may read them.
_OTHER_TABLES = ("audit_record_ids",)
_COMPARED = (*EVIDENCE_TABLES, *_OTHER_TABLES)

# Tables have the index types of the version that made them, and keep them when ClickHouse is upgraded.
_VERSIONS = ((24, 1), (99, 0))
_MERGE_TREE = re.compile(r"(Replicated|Shared)?(Replacing)?MergeTree(\(.*\))?")
_SHOWS_MERGE_TREE = re.compile(r"^ENGINE = \w*MergeTree", re.MULTILINE)
_RECORD_TABLES = tuple(RECORD_TABLES.values())
_ID_RETENTION = re.compile(r"toDateTime\(ClaimedAt\) \+ toIntervalDay\(\d+\)")

_PATCH_PARTS = "active AND startsWith(name, 'patch-')"
_UNFINISHED = "NOT is_done AND match(command, '^\\\\(?(UPDATE|DELETE)')"

# Subjects of the checks that ask system tables.
_CHECKS = {
    "parts": "updates that are not merged into the rows yet",
    "mutations": "changes and deletions of rows that are not done yet",
    "masking_policies": "policies that mask values",
}

# Settings of a table that change which rows a query finds, or how rows can be changed and removed.
_SETTINGS = frozenset(
    {
        "add_minmax_index_for_block_number_column",
        "add_minmax_index_for_block_offset_column",
        "add_minmax_index_for_numeric_columns",
        "add_minmax_index_for_string_columns",
        "add_minmax_index_for_temporal_columns",
        "alter_column_secondary_index_mode",
        "enable_block_number_column",
        "enable_block_offset_column",
        "part_minmax_index_columns",
        "ttl_only_drop_parts",
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between a table as it is and as migrations make it.

    Attributes:
        table: the table's name.
        message: a clause that names table, column or index, what is and what should be.
    """

    table: str
    message: str


@dataclass(frozen=True, slots=True)
class SkippedCheck:
    """A check that is left out because this user lacks a right.

    Attributes:
        check: the subject of the check, as a noun phrase.
        grant: the right that is missing, such as ``SELECT ON system.parts``.
        reason: a sentence about the right and how to get it.
    """

    check: str
    grant: str
    reason: str

    def __str__(self) -> str:
        """Return a clause for people."""
        return f"{self.check}: {self.reason}"


@dataclass(frozen=True, slots=True)
class StoredDefinitions:
    """Definitions as they are.

    Attributes:
        creates: table -> its CREATE statement; a table that is not there is missing.
        filtered: tables with a row policy for this user.
        masked: tables with a masking policy.
        patched: table -> rows of its updates that are not merged into parts yet.
        mutated: table -> number of mutations that change or delete rows and are not done.
        unread: the checks that are left out because of what this user may not read.
    """

    creates: Mapping[str, str]
    filtered: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    patched: Mapping[str, int] = field(default_factory=dict)
    mutated: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[SkippedCheck, ...] = ()

    def retention_days(self, table: str) -> int | None:
        """Return the days for which a table's TTL keeps every record; None for ever, or if it is not Lognotary's."""
        ttl = parse_create(self.creates[table]).clauses.get("TTL", "") if table in self.creates else ""
        found = parse_ttl(ttl)
        return found.days if found else None


def read_definitions(engine: Engine) -> StoredDefinitions:
    """Read the definitions of ``EVIDENCE_TABLES``, and of other tables that this user may read.

    Raises:
        StorageError: storage cannot be read.
    """
    creates: dict[str, str] = {}
    filtered: set[str] = set()
    for table in EVIDENCE_TABLES:
        if not read_one(engine.query(f"EXISTS TABLE {table}"), uint8):
            continue
        creates[table] = read_one(engine.query(f"SHOW CREATE TABLE {table}"), text)
        if _SHOWS_MERGE_TREE.search(creates[table]) and _has_row_policy(engine, table):
            filtered.add(table)
    for table in _OTHER_TABLES:
        with contextlib.suppress(AccessDeniedError):
            if read_one(engine.query(f"EXISTS TABLE {table}"), uint8):
                creates[table] = read_one(engine.query(f"SHOW CREATE TABLE {table}"), text)
    names = ", ".join(f"'{table}'" for table in _COMPARED)
    here = f"database = currentDatabase() AND table IN ({names})"
    unread: list[SkippedCheck] = []
    patched = _count(engine, "sum(rows)", "parts", f"{here} AND {_PATCH_PARTS}", unread)
    mutated = _count(engine, "count()", "mutations", f"{here} AND {_UNFINISHED}", unread)
    masked: set[str] = set()
    if _has_masking_policies(engine):
        try:
            rows = engine.query(f"SELECT DISTINCT table FROM system.masking_policies WHERE {here}")
            masked = {table for (table,) in read_rows(rows, (text,))}
        except AccessDeniedError as error:
            unread.append(_skipped("masking_policies", error))
        except NotAppliedError:
            pass  # this version has no such table
    return StoredDefinitions(creates, frozenset(filtered), frozenset(masked), patched, mutated, tuple(unread))


def _has_masking_policies(engine: Engine) -> bool:
    """Return whether this storage may have masking policies; the embedded engine, with its one user, has none."""
    if engine.info.exclusive:
        return False
    try:
        return bool(read_one(engine.query("EXISTS TABLE system.masking_policies"), uint8))
    except AccessDeniedError:
        return True


def _skipped(system_table: str, error: AccessDeniedError) -> SkippedCheck:
    return SkippedCheck(_CHECKS[system_table], system_right(system_table), str(error))


def is_table_itself(engine: Engine, table: str) -> bool:
    """Return whether a table is one, and not a view or a table that reads others.

    Raises:
        StorageError: the definition cannot be read.
    """
    return _is_merge_tree(parse_create(read_one(engine.query(f"SHOW CREATE TABLE {table}"), text)))


def _is_merge_tree(table: Table) -> bool:
    return table.kind == "TABLE" and bool(_MERGE_TREE.fullmatch(table.engine))


def _count(engine: Engine, what: str, system_table: str, condition: str, unread: list[SkippedCheck]) -> dict[str, int]:
    """Return a number for each table; ``unread`` receives the check if the user may not read the system table."""
    try:
        rows = engine.query(f"SELECT table, {what} FROM system.{system_table} WHERE {condition} GROUP BY table")
    except AccessDeniedError as error:
        unread.append(_skipped(system_table, error))
        return {}
    return dict(read_rows(rows, (text, uint64)))


def compare_definitions(stored: StoredDefinitions) -> tuple[Difference, ...]:
    """Return the differences between definitions and what migrations make.

    All columns count with their types and default expressions, keys, skip indexes, projections, constraints, TTLs but
    for the retention that Lognotary sets, policies, and settings that change which rows are found or can be changed.
    Codecs, comments, statistics, the order of columns, and other settings, such as those of merges and storage
    policies, are the operator's.
    """
    found: list[Difference] = []
    for table, expected in _expected().items():
        create = stored.creates.get(table)
        if create is None and table in _OTHER_TABLES:
            continue
        if create is None:
            found.append(Difference(table, f"the table {table} is not there"))
            continue
        differences = list(_differences(table, parse_create(create), expected))
        if is_behind(stored, table):
            # With the number, who acknowledges one such state does not acknowledge others, too.
            what = f"as an earlier version left it ({counted(len(differences), 'difference', 'differences')})"
            advice = "a server of this version brings it up to date at its first start; if one has run, it was altered"
            differences = [f"the table {table} is {what}: {advice}"]
        found += [Difference(table, message) for message in differences]
        if table in stored.filtered:
            found.append(Difference(table, f"a row policy hides rows of the table {table} from this user"))
        if table in stored.masked:
            found.append(Difference(table, f"a masking policy changes what users see of the table {table}"))
        if rows := stored.patched.get(table, 0):
            what = counted(rows, f"row of the table {table} was", f"rows of the table {table} were")
            found.append(Difference(table, f"{what} changed by UPDATE, not merged yet"))
        if count := stored.mutated.get(table, 0):
            rows_of = f"rows of the table {table}"
            what = counted(
                count,
                f"mutation that changes or deletes {rows_of} is not done yet",
                f"mutations that change or delete {rows_of} are not done yet",
            )
            found.append(Difference(table, f"{what}: other users may see the rows as they will be"))
    return tuple(found)


def is_behind(stored: StoredDefinitions, table: str) -> bool:
    """Return whether a table is as some, but not all, of the statements of migrations make it, or is not there."""
    create = stored.creates.get(table)
    if create is None:
        return True
    actual = parse_create(create)
    *earlier, last = _states()[table]

    def fits(forms: tuple[Table, ...]) -> bool:
        return next(_differences(table, actual, forms), None) is None

    return not fits(last) and any(map(fits, earlier))


def _differences(table: str, actual: Table, expected: tuple[Table, ...]) -> Iterator[str]:
    usual = expected[-1]
    replacing = ["Replacing" in one.engine for one in (actual, usual)]
    if not _is_merge_tree(actual) or replacing[0] != replacing[1]:
        what = f"a table with the engine {actual.engine}" if actual.kind == "TABLE" else f"a {actual.kind.lower()}"
        yield f"{table} is {what}, and should be a table with the engine {usual.engine.partition('(')[0]}"
        if actual.kind != "TABLE":
            return  # what follows would say the same once more
    yield from _column_differences(table, actual.columns, usual.columns)
    yield from _index_differences(table, actual.indexes, [one.indexes for one in expected])
    for name, clause in actual.others.items():
        yield f"the table {table} has a {clause.split()[0].lower()} {name}, and should have none: {clause}"
    for key in ("PARTITION BY", "ORDER BY", "PRIMARY KEY", "SAMPLE BY", "UNIQUE KEY"):
        default = "ORDER BY" if key == "PRIMARY KEY" else key
        is_, should = (one.clauses.get(key, one.clauses.get(default, "")) for one in (actual, usual))
        if is_ != should:
            yield f"the table {table} has {key} {is_ or 'nothing'}, and should have {should or 'none'}"
    ttl = actual.clauses.get("TTL", "")
    found = parse_ttl(ttl) if table in _RECORD_TABLES else None
    if ttl and found is None and not (table in _OTHER_TABLES and _ID_RETENTION.fullmatch(ttl)):
        yield f"the table {table} has the TTL {ttl}, which is not one that Lognotary sets"
    for name in sorted(_SETTINGS):
        value, wanted = actual.settings.get(name), usual.settings.get(name)
        if name == "ttl_only_drop_parts" and found is not None and found.by_day:
            continue  # rows are deleted too
        if value != wanted and not (wanted is None and value == "0"):
            yield f"the table {table} has {name} = {value or 'default'}, and should have {wanted or 'default'}"


def _column_differences(table: str, actual: Mapping[str, Column], usual: Mapping[str, Column]) -> Iterator[str]:
    for name in [*usual, *(name for name in actual if name not in usual)]:
        is_, should = actual.get(name), usual.get(name)
        if is_ is None:
            yield f"the column {name} of {table} is missing, and should be {should}"
        elif should is None:
            yield f"the column {name} of {table} was added: {is_}"
        elif is_ != should:
            yield f"the column {name} of {table} is {is_}, and should be {should}"


def _index_differences(table: str, actual: Mapping[str, Index], usual: list[Mapping[str, Index]]) -> Iterator[str]:
    for name in [*usual[-1], *(name for name in actual if name not in usual[-1])]:
        is_ = actual.get(name)
        possible = [one[name] for one in usual if name in one]
        if is_ is None:
            yield f"the index {name} of {table} is missing, and should be {possible[-1]}"
        elif not possible:
            yield f"the index {name} of {table} was added: {is_}"
        elif not any(is_.same(one) for one in possible):
            yield f"the index {name} of {table} is {is_}, and should be {possible[-1]}"


def _expected() -> dict[str, tuple[Table, ...]]:
    """Return the tables that migrations make, with the index types of different versions of ClickHouse."""
    return {name: states[-1] for name, states in _states().items()}


@cache
def _states() -> dict[str, list[tuple[Table, ...]]]:
    """Return what each table is after each statement of a migration that changes it."""
    versions = [_made_by(version) for version in _VERSIONS]
    return {name: list(zip(*(made[name] for made in versions), strict=True)) for name in _COMPARED}


def _made_by(version: tuple[int, int]) -> dict[str, list[Table]]:
    made: dict[str, Table] = {}
    states: dict[str, list[Table]] = {name: [] for name in _COMPARED}
    for migration in load_migrations():
        for statement in migration.statements(version):
            if statement.startswith("CREATE TABLE") and (table := parse_create(statement)).name in _COMPARED:
                made[table.name] = table
            else:
                alter_table(made, statement)
            for name, now in made.items():
                if states[name][-1:] != [now]:
                    states[name].append(now)
    return states


def _has_row_policy(engine: Engine, table: str) -> bool:
    """Return whether a row policy filters this user's queries; a right to see policies is not needed for that."""
    plan = read_rows(engine.query(f"EXPLAIN PLAN actions = 1 SELECT 1 FROM {table}"), (text,))
    return any(re.search("row[- ]level", line, re.IGNORECASE) for (line,) in plan)
