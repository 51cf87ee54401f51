"""Random changes of a store's tables themselves, and of batches by someone who computes their IDs anew."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from server.notary.batch import Batch, compute_batch_id
from storage.schema import RECORD_TABLES
from tests.tamper.row_changes import ASIDE, READ_COLUMNS, STORED_COLUMNS, Sql, any_table, some_rows
from tests.tamper.stated import Stated
from tests.tamper.store import batch_row

__all__ = ["columns", "lookups", "rebatched", "replacements", "types"]

_TYPES = (
    *("String", "Nullable(String)", "LowCardinality(String)", "LowCardinality(Nullable(String))", "FixedString(64)"),
    *("UInt8", "UInt32", "UInt64", "Int64", "UInt128", "Nullable(UInt64)", "Float64", "Bool", "IPv6"),
    *("DateTime('UTC')", "DateTime64(3)", "DateTime64(9, 'Asia/Tokyo')", "Nullable(UUID)", "Array(String)"),
    *("Map(String, String)", "Variant(String, UInt64)", "Dynamic"),
)
_ENGINES = ("Memory", "Log", "Null", "MergeTree ORDER BY tuple()", "ReplacingMergeTree ORDER BY {key}")
_SECOND = 10**9
_MANY = "SETTINGS max_partitions_per_insert_block = 0"


@st.composite
def types(draw: st.DrawFn) -> Sql:
    """A column gets another type, or is computed."""
    table = draw(any_table)
    column = draw(st.sampled_from(sorted(READ_COLUMNS[table])))
    kind = READ_COLUMNS[table][column]
    how = draw(
        st.sampled_from(
            (
                *_TYPES,
                f"{kind} DEFAULT defaultValueOfTypeName('{kind}')".replace("'UTC'", "\\'UTC\\'"),
                f"{kind} ALIAS CAST({draw(st.sampled_from(sorted(STORED_COLUMNS[table])))} AS {kind})",
                f"{kind} MATERIALIZED CAST('' AS {kind})",
                f"{kind} TTL toDateTime('2020-01-01 00:00:00')",
            )
        )
    )
    return (f"ALTER TABLE {table} MODIFY COLUMN `{column}` {how}",)


@st.composite
def columns(draw: st.DrawFn) -> Sql:
    """A column is added, dropped, emptied, or renamed; two exchange their names; rows expire."""
    table = draw(any_table)
    column, other = draw(st.lists(st.sampled_from(sorted(READ_COLUMNS[table])), min_size=2, max_size=2, unique=True))
    kind = READ_COLUMNS[table][column]
    again = draw(st.sampled_from(("", f" DEFAULT CAST('x' AS {kind})", f" ALIAS CAST('x' AS {kind})")))
    return draw(
        st.sampled_from(
            (
                (f"ALTER TABLE {table} ADD COLUMN extra String DEFAULT 'x'",),
                (f"ALTER TABLE {table} DROP COLUMN `{column}`",),
                (
                    f"ALTER TABLE {table} DROP COLUMN `{column}`",
                    f"ALTER TABLE {table} ADD COLUMN `{column}` {kind}{again}",
                ),
                (f"ALTER TABLE {table} CLEAR COLUMN `{column}`",),
                (f"ALTER TABLE {table} RENAME COLUMN `{column}` TO extra",),
                (
                    f"ALTER TABLE {table} RENAME COLUMN `{column}` TO extra",
                    f"ALTER TABLE {table} RENAME COLUMN `{other}` TO `{column}`",
                    f"ALTER TABLE {table} RENAME COLUMN extra TO `{other}`",
                ),
                (f"ALTER TABLE {table} MODIFY TTL toDateTime('2020-01-01 00:00:00')", f"OPTIMIZE TABLE {table} FINAL"),
                (
                    f"ALTER TABLE {table} MODIFY TTL toDateTime('2020-01-01 00:00:00') DELETE "
                    f"WHERE {draw(some_rows(table))}",
                    f"ALTER TABLE {table} MODIFY SETTING ttl_only_drop_parts = 0",
                    f"ALTER TABLE {table} MATERIALIZE TTL",
                ),
            )
        )
    )


@st.composite
def lookups(draw: st.DrawFn) -> Sql:
    """Indexes and projections are added, dropped, and filled."""
    table = draw(any_table)
    some = st.sampled_from(sorted(STORED_COLUMNS[table]))
    index = draw(st.sampled_from(("idx_trace_id", "idx_leaf_index", "idx_tree_size", "idx_ingested_at", "idx_actor")))
    kind = draw(st.sampled_from(("minmax", "set(0)", "bloom_filter(0.01)", "set(1)")))
    grouped = draw(some)
    chosen = draw(
        st.sampled_from(
            (
                (f"ALTER TABLE {table} DROP INDEX {index}",),
                (f"ALTER TABLE {table} CLEAR INDEX {index}",),
                (
                    f"ALTER TABLE {table} ADD INDEX extra `{draw(some)}` TYPE {kind} GRANULARITY 1",
                    f"ALTER TABLE {table} MATERIALIZE INDEX extra",
                ),
                (
                    f"ALTER TABLE {table} ADD PROJECTION extra (SELECT `{grouped}`, count() GROUP BY `{grouped}`)",
                    f"ALTER TABLE {table} MATERIALIZE PROJECTION extra",
                ),
                (
                    f"ALTER TABLE {table} ADD PROJECTION extra (SELECT * ORDER BY `{grouped}`)",
                    f"ALTER TABLE {table} MATERIALIZE PROJECTION extra",
                ),
            )
        )
    )
    return (f"ALTER TABLE {table} MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild'", *chosen)


@st.composite
def replacements(draw: st.DrawFn) -> Sql:
    """A table is exchanged with another, or a view, a Merge table or a table of another engine takes its place."""
    table, other = draw(st.lists(any_table, min_size=2, max_size=2, unique=True))
    where = draw(st.sampled_from(("1", f"NOT ({draw(some_rows(table))})")))
    names = ", ".join(f"`{column}`" for column in READ_COLUMNS[table])
    aside = f"RENAME TABLE {table} TO {ASIDE}"
    chosen = draw(st.sampled_from(_ENGINES))
    keys = {
        "otel_logs": "ServiceName",
        "audit_logs": "ServiceName",
        "log_tiles": "Sequence",
        "log_statements": "Number",
    }
    engine = chosen.format(key=keys.get(table, "Sequence"))
    return draw(
        st.sampled_from(
            (
                (f"DROP TABLE {table} SYNC",),
                (aside,),
                (f"EXCHANGE TABLES {table} AND {other}",),
                (aside, f"CREATE VIEW {table} AS SELECT {names} FROM {ASIDE} WHERE {where}"),
                (aside, f"CREATE TABLE {table} AS {ASIDE} ENGINE = Merge(currentDatabase(), '^{ASIDE}$')"),
                (aside, f"CREATE TABLE {table} AS {ASIDE} ENGINE = Buffer('', '{ASIDE}', 1, 9, 9, 9, 9, 9, 9)"),
                (
                    f"CREATE TABLE {ASIDE} ENGINE = {engine} AS SELECT {names} FROM {table} WHERE {where}",
                    f"EXCHANGE TABLES {ASIDE} AND {table}",
                ),
                (f"ALTER TABLE {table} ATTACH PARTITION ALL FROM {table}",),
                (
                    f"CREATE TABLE {ASIDE} AS {table}",
                    f"INSERT INTO {ASIDE} SELECT * FROM {table} WHERE {where} {_MANY}",
                    f"ALTER TABLE {table} ATTACH PARTITION ALL FROM {ASIDE}",
                ),
                (
                    f"CREATE TABLE {ASIDE} AS {table}",
                    f"INSERT INTO {ASIDE} SELECT * FROM {table} WHERE {where} {_MANY}",
                    f"EXCHANGE TABLES {ASIDE} AND {table}",
                ),
            )
        )
    )


@st.composite
def rebatched(draw: st.DrawFn, stated: Stated) -> Sql:
    """Unsigned columns of a batch change, and its ID with them, wherever it is named; perhaps records as well."""
    name = draw(st.sampled_from(tuple(stated.batches)))
    batch = draw(st.sampled_from(stated.batches[name]))
    times = st.sampled_from((1, -1, 3600 * _SECOND, -172_800 * _SECOND, 172_800 * _SECOND))
    numbers = st.sampled_from((1, -1, 1000))
    fields = draw(
        st.dictionaries(
            st.sampled_from(("min_timestamp", "max_timestamp", "ingested_at")),
            times,
            min_size=1,
        )
        | st.dictionaries(st.sampled_from(("record_count", "sequence", "first_leaf", "tree_size")), numbers, min_size=1)
        | st.just({"canonical_version": 1})
        | st.just({"canonical_version": -1})
    )
    changed = replace(batch, **{field: max(0, getattr(batch, field) + by) for field, by in fields.items()})
    changed = replace(changed, batch_id=compute_batch_id(changed))
    records = RECORD_TABLES[name.stream]
    named = f"LogId = '{name.log_id}' AND BatchId = toUUID('{batch.batch_id}')"
    first = f"LogId = '{name.log_id}' AND LeafIndex = {batch.first_leaf}"
    renamed = f"BatchId = toUUID('{changed.batch_id}')"
    also = draw(
        st.sampled_from(
            (
                (),
                (f"ALTER TABLE {records} DELETE WHERE {named.replace(str(batch.batch_id), str(changed.batch_id))}",),
                (f"ALTER TABLE {records} UPDATE Body = 'x' WHERE {first}",),
            )
        )
    )
    return (
        *(f"ALTER TABLE {table} UPDATE {renamed} WHERE {named}" for table in (records, "log_tiles")),
        *_replaced(batch, changed),
        *also,
    )


def _replaced(batch: Batch, changed: Batch) -> Sql:
    """Return SQL that puts a batch's row in the place of another."""
    columns = ", ".join(
        f"{value} AS {column}"
        for column, value in (
            ("BatchId", f"toUUID('{changed.batch_id}')"),
            ("Sequence", f"toUInt64({changed.sequence})"),
            ("FirstLeaf", f"toUInt64({changed.first_leaf})"),
            ("TreeSize", f"toUInt64({changed.tree_size})"),
            ("RecordCount", f"toUInt64({changed.record_count})"),
            ("MinTimestamp", f"fromUnixTimestamp64Nano({changed.min_timestamp})"),
            ("MaxTimestamp", f"fromUnixTimestamp64Nano({changed.max_timestamp})"),
            ("IngestedAt", f"fromUnixTimestamp64Nano({changed.ingested_at}, 'UTC')"),
            ("CanonicalVersion", f"toUInt16({changed.canonical_version})"),
        )
    )
    where = f"{batch_row(batch)} AND BatchId = toUUID('{batch.batch_id}')"
    return (
        f"INSERT INTO log_batches SELECT * REPLACE({columns}) FROM (SELECT * FROM log_batches WHERE {where})",
        f"ALTER TABLE log_batches DELETE WHERE {where}",
    )
