from __future__ import annotations

import pytest

from server.notary.findings import FindingKind
from server.notary.origin import LogName
from storage.schema import RECORD_TABLES
from tests.tamper.store import AUDIT, OPERATIONAL, Store, row

LEAF = {OPERATIONAL: 230, AUDIT: 17}  # in the middle of a batch
KEY_COLUMNS = ("Timestamp", "ServiceName", "IngestedAt")  # of the sorting and the partition key: no UPDATE


def change(store: Store, name: LogName, column: str, value: str, leaf_index: int | None = None) -> None:
    """Change one column of one record."""
    table, where = RECORD_TABLES[name.stream], row(name, LEAF[name] if leaf_index is None else leaf_index)
    if column in KEY_COLUMNS:
        old = f"(SELECT {column} FROM pristine_{table} WHERE {where})"
        store.tamper(
            f"INSERT INTO {table} SELECT * REPLACE({value} AS {column}) FROM {table} WHERE {where}",
            f"ALTER TABLE {table} DELETE WHERE {where} AND {column} = {old}",
        )
    else:
        store.tamper(f"ALTER TABLE {table} UPDATE {column} = {value} WHERE {where}")


def assert_changed(store: Store, name: LogName, leaf_index: int) -> None:
    finding = store.only()
    assert finding.kind is FindingKind.RECORD_CHANGED
    batch = store.batch_of(name, leaf_index)
    assert (finding.log_id, finding.origin) == (name.log_id, name.origin)
    assert (finding.batch_id, finding.sequence) == (batch.batch_id, batch.sequence)
    assert (finding.leaf_index, finding.record_count) == (leaf_index, 1)
    assert finding.record is not None


@pytest.mark.parametrize("written", ["embedded"], indirect=True)  # on both engines: test_bits
@pytest.mark.parametrize("column", ["Body", "ServiceName"])
@pytest.mark.parametrize("leaf_index", [0, 200, 256, 301, 374])
def test_the_first_and_the_last_record_of_a_batch_are_named_as_well(store: Store, leaf_index: int, column: str) -> None:
    change(store, OPERATIONAL, column, "'other'", leaf_index)
    assert_changed(store, OPERATIONAL, leaf_index)


@pytest.mark.parametrize(
    "value",
    [
        "mapUpdate({0}, map('a', 'other'))",
        "mapApply((k, v) -> (if(k = 'a', 'A', k), v), {0})",
        "mapFilter((k, v) -> k != 'a', {0})",
        "mapUpdate({0}, map('', ''))",
        "mapFromArrays(arrayPushBack(mapKeys({0}), 'a'), arrayPushBack(mapValues({0}), 'twice'))",
        "map()",
    ],
    ids=["a value", "a key", "a pair less", "an empty pair", "a key twice", "empty"],
)
def test_any_change_of_a_map_is_a_changed_record(store: Store, value: str) -> None:
    change(store, OPERATIONAL, "LogAttributes", value.format("LogAttributes"))
    assert_changed(store, OPERATIONAL, LEAF[OPERATIONAL])


def test_the_order_in_which_a_map_is_stored_is_no_content(store: Store) -> None:
    reverse = "mapFromArrays(arrayReverse(mapKeys(LogAttributes)), arrayReverse(mapValues(LogAttributes)))"
    change(store, OPERATIONAL, "LogAttributes", reverse)
    assert store.findings() == []


@pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["otel_logs", "audit_logs"])
@pytest.mark.parametrize("column", ["__otel_materialized_k8s.pod.name", "__otel_materialized_k8s.node.name"])
def test_a_computed_column_can_only_be_overwritten_by_another_definition(
    store: Store, name: LogName, column: str
) -> None:
    # ClickHouse refuses to UPDATE such a column, but lets it be made an ordinary one meanwhile.
    table, attribute = RECORD_TABLES[name.stream], column.removeprefix("__otel_materialized_")
    store.tamper(
        f"ALTER TABLE {table} MODIFY COLUMN `{column}` LowCardinality(String) DEFAULT ''",
        f"ALTER TABLE {table} UPDATE `{column}` = 'other' WHERE {row(name, LEAF[name])}",
    )
    (finding,) = store.findings()
    assert finding.kind is FindingKind.TABLE_ALTERED
    assert column in finding.message
    alias = f"LowCardinality(String) ALIAS ResourceAttributes['{attribute}']"
    store.tamper(f"ALTER TABLE {table} MODIFY COLUMN `{column}` {alias}")
    assert store.findings() == []


def test_a_record_put_under_another_log_is_changed(store: Store) -> None:
    change(store, OPERATIONAL, "LogId", f"'{AUDIT.log_id}'")
    assert_changed(store, OPERATIONAL, LEAF[OPERATIONAL])


@pytest.mark.parametrize("log_id", ["", "ffffffffffffffff"])
def test_a_record_put_under_no_log_is_changed(store: Store, log_id: str) -> None:
    change(store, AUDIT, "LogId", f"'{log_id}'")
    assert_changed(store, AUDIT, LEAF[AUDIT])


@pytest.mark.parametrize("leaf_index", [0, 230, 301], ids=["of one", "of many", "of one in the middle"])
def test_a_record_that_names_no_batch_is_changed(store: Store, leaf_index: int) -> None:
    change(store, OPERATIONAL, "BatchId", "toUUID('00000000-0000-0000-0000-000000000007')", leaf_index)
    assert_changed(store, OPERATIONAL, leaf_index)


@pytest.mark.parametrize("leaf_index", [0, 230], ids=["of one", "of many"])
def test_a_record_that_names_another_batch_is_changed(store: Store, leaf_index: int) -> None:
    other = store.batches[OPERATIONAL][5]
    change(store, OPERATIONAL, "BatchId", f"toUUID('{other.batch_id}')", leaf_index)
    assert_changed(store, OPERATIONAL, leaf_index)
