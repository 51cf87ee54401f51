"""Random changes of a store's rows, as SQL statements that Hypothesis can shrink."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from server.notary.origin import LogName
from storage.schema import BATCH_COLUMNS, RECORD_TABLES, STATEMENT_COLUMNS, TILE_COLUMNS, record_columns
from tests.tamper.store import AUDIT, OPERATIONAL

__all__ = [
    "ASIDE",
    "READ_COLUMNS",
    "RECORDS",
    "STORED_COLUMNS",
    "Sql",
    "any_table",
    "copies",
    "deletions",
    "junk",
    "lightweight_updates",
    "some_rows",
    "swaps",
    "updates",
    "updates_of_computed",
]

Sql = tuple[str, ...]

ASIDE = "aside"
"""Name of the table that changes put rows into or move a table to."""

# Tables that are left alone: otel_traces (see test_spans), otel_traces_trace_id_ts (lookups of other readers),
# log_writers (leases, which only running servers read) and lognotary_migrations (read by a starting server, never for
# an answer).
COMPUTED = {
    f"__otel_materialized_{attribute}": f"ResourceAttributes['{attribute}']"
    for attribute in ("k8s.namespace.name", "k8s.node.name", "k8s.pod.name", "deployment.environment.name")
}
"""Some of the columns that ClickHouse computes -> expression."""

STORED_COLUMNS: Mapping[str, Mapping[str, str]] = {
    **{
        RECORD_TABLES[name.stream]: {c.name: c.type for c in record_columns(name.stream)}
        for name in (OPERATIONAL, AUDIT)
    },
    "log_batches": {column.name: column.type for column in BATCH_COLUMNS},
    "log_tiles": {column.name: column.type for column in TILE_COLUMNS},
    "log_statements": {column.name: column.type for column in STATEMENT_COLUMNS},
}
"""Table -> column -> type of the columns that are inserted."""

READ_COLUMNS: Mapping[str, Mapping[str, str]] = {
    table: {**columns, **(dict.fromkeys(COMPUTED, "LowCardinality(String)") if table.endswith("_logs") else {})}
    for table, columns in STORED_COLUMNS.items()
}
"""The same, with the columns that ClickHouse computes."""

RECORDS = {RECORD_TABLES[name.stream]: name for name in (OPERATIONAL, AUDIT)}
_KEY_COLUMNS = frozenset(
    {
        *(("otel_logs", column) for column in ("Timestamp", "ServiceName", "IngestedAt")),
        *(("audit_logs", column) for column in ("Timestamp", "ServiceName", "IngestedAt")),
        *(("log_batches", column) for column in ("LogId", "Sequence")),
        *(("log_tiles", column) for column in ("LogId", "Level", "TileIndex", "Offset")),
        *(("log_statements", column) for column in ("LogId", "Number")),
    }
)
_LEAVES = {OPERATIONAL: (0, 1, 2, 3, 100, 255, 256, 261, 262, 270, 313), AUDIT: (0, 2, 3, 4, 50, 83, 84, 96, 104)}
_BITS = {"UInt8": 8, "UInt16": 16, "UInt32": 32, "UInt64": 64}
_TEXTS = ("''", "'x'", "'\\0'", "unhex('ff')", "unhex('c328')", "repeat('x', 5000)", "'0'", "'\u00e9'")
any_table = st.sampled_from(list(STORED_COLUMNS))
_logs = st.sampled_from((OPERATIONAL, AUDIT))


def _of_log(table: str, log: LogName) -> SearchStrategy[str]:
    log_id = log.log_id
    some: list[SearchStrategy[str]] = []
    if table in RECORDS:
        leaves = st.sampled_from(_LEAVES[RECORDS[table]])
        some += [leaves.map("LeafIndex = {}".format), leaves.map("LeafIndex > {}".format)]
        some += [st.integers(0, 4).map("LeafIndex % 5 = {}".format)]
    elif table == "log_statements":
        numbers = st.integers(1, 9)
        some += [numbers.map("Number = {}".format), numbers.map("Number > {}".format)]
    else:
        numbers = st.integers(1, 8)
        some += [numbers.map("Sequence = {}".format), numbers.map("Sequence > {}".format)]
        some += [numbers.map("Sequence = {} AND Level = 0".format)] if table == "log_tiles" else []
    own = st.one_of(some).map(lambda condition: f"LogId = '{log_id}' AND {condition}")
    return st.one_of(own, st.just("1"))


def some_rows(table: str) -> SearchStrategy[str]:
    """Return conditions for some rows of a table, mostly one."""
    return _logs.flatmap(lambda log: _of_log(table, log)) if table not in RECORDS else _of_log(table, RECORDS[table])


def _literals(column: str, kind: str) -> list[str]:
    """Return SQL expressions of values that differ from most of a column."""
    name = f"`{column}`"
    if kind in _BITS:
        high = (1 << _BITS[kind]) - 1
        return [f"{name} + 1", "0", "1", str(high), str(high - 1), f"bitXor({name}, {1 << _BITS[kind] - 1})"]
    if kind.startswith("DateTime64"):
        nanos = f"toUnixTimestamp64Nano({name})"
        moved = [f"{nanos} + 1", f"{nanos} - 172800000000000", f"{nanos} + 9223372036", "0", "-1", str((1 << 63) - 1)]
        return [f"fromUnixTimestamp64Nano(toInt64({value}))" for value in moved]
    if kind.startswith("DateTime"):
        return [f"{name} + 1", f"{name} - 172800", "toDateTime(0)", f"toDateTime({(1 << 32) - 1})"]
    if kind == "UUID":
        return [f"toUUID('{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}')" for digit in "0f"]
    if kind.startswith("Map"):
        keys, values = f"mapKeys({name})", f"mapValues({name})"
        return [
            "map()",
            f"mapFromArrays({keys}, arrayReverse({values}))",
            f"mapFromArrays(arrayReverse({keys}), arrayReverse({values}))",
            f"mapFromArrays(arrayPushBack({keys}, 'a'), arrayPushBack({values}, 'other'))",
            f"mapFromArrays(arrayPushFront({keys}, ''), arrayPushFront({values}, unhex('ff')))",
            *(f"mapFromArrays({keys}, arrayMap(x -> {text}, {values}))" for text in _TEXTS[:4]),
        ]
    if kind.startswith("FixedString"):
        return [f"reverse({name})", "toFixedString('', 32)", "toFixedString('x', 32)"]
    return [f"concat({name}, '\\0')", f"reverse({name})", f"upper({name})", f"concat({name}, '\\n')", *_TEXTS]


def _value(table: str, column: str) -> SearchStrategy[str]:
    """Return expressions for a column: of its own, extreme, or another row's value."""
    kind = READ_COLUMNS[table][column]
    other = some_rows(table).map(lambda where: f"(SELECT any(`{column}`) FROM (SELECT * FROM {table}) WHERE {where})")
    return st.one_of(st.sampled_from(_literals(column, kind)), other).map(lambda value: f"CAST({value} AS {kind})")


@st.composite
def _assignment(draw: st.DrawFn, columns: Mapping[str, Mapping[str, str]] = STORED_COLUMNS) -> tuple[str, str, str]:
    table = draw(any_table)
    column = draw(st.sampled_from(sorted(columns[table])))
    return table, column, draw(_value(table, column))


def _rewrite(table: str, column: str, value: str, where: str) -> Sql:
    """Return SQL that changes any column, of a key too."""
    return (
        f"CREATE TABLE {ASIDE} AS {table}",
        f"INSERT INTO {ASIDE} SELECT * REPLACE(if({where}, {value}, `{column}`) AS `{column}`) FROM {table} "
        "SETTINGS max_partitions_per_insert_block = 0",
        f"EXCHANGE TABLES {ASIDE} AND {table}",
        f"DROP TABLE {ASIDE} SYNC",
    )


@st.composite
def updates(draw: st.DrawFn) -> Sql:
    """One column of some rows gets a value of its type."""
    table, column, value = draw(_assignment())
    where = draw(some_rows(table))
    if (table, column) in _KEY_COLUMNS:
        return _rewrite(table, column, value, where)
    return (f"ALTER TABLE {table} UPDATE `{column}` = {value} WHERE {where}",)


@st.composite
def updates_of_computed(draw: st.DrawFn) -> Sql:
    """One computed column of some rows is made an ordinary one, changed, and perhaps made a computed one again."""
    table = draw(st.sampled_from(sorted(RECORDS)))
    column = draw(st.sampled_from(sorted(COMPUTED)))
    kind = draw(st.sampled_from(("LowCardinality(String)", "Nullable(String)", "LowCardinality(Nullable(String))")))
    value = draw(st.sampled_from(("'x'", "NULL", "''", "'\\0'", "`ServiceName`")))
    again = draw(st.sampled_from(("MATERIALIZED", "DEFAULT", "ALIAS", "EPHEMERAL")))
    return (
        f"ALTER TABLE {table} MODIFY COLUMN `{column}` {kind} DEFAULT ''",
        f"ALTER TABLE {table} UPDATE `{column}` = {value} WHERE {draw(some_rows(table))}",
        f"ALTER TABLE {table} MODIFY COLUMN `{column}` {kind} {again} {COMPUTED[column]}",
    )


@st.composite
def lightweight_updates(draw: st.DrawFn) -> Sql:
    """One column of some rows is changed by a patch part, perhaps to the value that it has."""
    table, column, value = draw(_assignment())
    value = draw(st.sampled_from((value, f"`{column}`")))
    also = draw(st.sampled_from(("", *(f", `{other}` = `{other}`" for other in sorted(STORED_COLUMNS[table])))))
    return (
        f"ALTER TABLE {table} MODIFY SETTING enable_block_number_column = 1, enable_block_offset_column = 1",
        f"OPTIMIZE TABLE {table} FINAL",
        f"UPDATE {table} SET `{column}` = {value}{also if f'`{column}` =' not in also else ''} "
        f"WHERE {draw(some_rows(table))} SETTINGS enable_lightweight_update = 1",
    )


@st.composite
def deletions(draw: st.DrawFn) -> Sql:
    """Some rows are deleted, by a mutation or a mask, or a part of a table is dropped."""
    table = draw(any_table)
    where = draw(some_rows(table))
    partition = f"DROP PARTITION ID '{draw(st.sampled_from(('20250615', '20250616')))}'"
    return (
        draw(
            st.sampled_from(
                (
                    f"ALTER TABLE {table} DELETE WHERE {where}",
                    f"DELETE FROM {table} WHERE {where}",
                    f"TRUNCATE TABLE {table}",
                    f"ALTER TABLE {table} {partition if table in RECORDS else 'DROP PARTITION tuple()'}",
                    f"ALTER TABLE {table} DETACH PARTITION ALL",
                )
            )
        ),
    )


@st.composite
def copies(draw: st.DrawFn) -> Sql:
    """Copies of some rows are inserted, in which some columns have other values."""
    table = draw(any_table)
    columns = draw(st.lists(st.sampled_from(sorted(STORED_COLUMNS[table])), max_size=3, unique=True))
    replaced = ", ".join(f"{draw(_value(table, column))} AS `{column}`" for column in columns)
    source = f"SELECT * REPLACE({replaced})" if replaced else "SELECT *"
    return (
        f"INSERT INTO {table} {source} FROM (SELECT * FROM {table} WHERE {draw(some_rows(table))}) "
        "SETTINGS max_partitions_per_insert_block = 0",
    )


@st.composite
def junk(draw: st.DrawFn) -> Sql:
    """Rows are inserted of which only some columns are given."""
    table = draw(any_table)
    others = st.sampled_from(sorted(STORED_COLUMNS[table].keys() - {"LogId"}))
    values = {column: draw(_value(table, column)) for column in draw(st.lists(others, max_size=4, unique=True))}
    # No row is there whose values these could be made of: the first of the table serves.
    values = {column: f"(SELECT {value} FROM {table} LIMIT 1)" for column, value in values.items()}
    values["LogId"] = f"'{draw(st.sampled_from((OPERATIONAL.log_id, AUDIT.log_id, 'ffffffffffffffff', '')))}'"
    names = ", ".join(f"`{column}`" for column in values)
    count = draw(st.sampled_from((1, 3, 200)))
    return (f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM numbers({count})",)


@st.composite
def swaps(draw: st.DrawFn) -> Sql:
    """Two rows of a table exchange their values of a column."""
    table = draw(any_table)
    column = draw(st.sampled_from(sorted(STORED_COLUMNS[table])))
    kind = STORED_COLUMNS[table][column]
    one, other = draw(some_rows(table)), draw(some_rows(table))
    values = [
        f"CAST((SELECT any(`{column}`) FROM (SELECT * FROM {table}) WHERE {where}) AS {kind})" for where in (other, one)
    ]
    return _rewrite(table, column, f"if({one}, {values[0]}, {values[1]})", f"(({one}) OR ({other}))")
