from __future__ import annotations

import pytest

from server.notary.findings import FindingKind as Kind
from tests.tamper.store import AUDIT, OPERATIONAL, Store, named, row

TABLE = "otel_logs"
OTHER_ID = "toUUID('00000000-0000-0000-0000-000000000007')"


def insert(store: Store, leaf_index: int, **columns: object) -> None:
    """Insert a copy of a record in which columns are replaced."""
    # The subquery, because WHERE would see the replaced columns.
    replaced = ", ".join(f"{value} AS {column}" for column, value in columns.items())
    source = f"SELECT * REPLACE({replaced})" if replaced else "SELECT *"
    store.tamper(f"INSERT INTO {TABLE} {source} FROM (SELECT * FROM {TABLE} WHERE {row(OPERATIONAL, leaf_index)})")


def delete(store: Store, *leaves: int) -> None:
    where = f"LogId = '{OPERATIONAL.log_id}' AND LeafIndex IN ({', '.join(map(str, leaves))})"
    store.tamper(f"ALTER TABLE {TABLE} DELETE WHERE {where}")


@pytest.mark.parametrize("leaf_index", [0, 1, 230, 300, 374])
def test_a_deleted_record_is_missing(store: Store, leaf_index: int) -> None:
    delete(store, leaf_index)
    finding = store.only()
    batch = store.batch_of(OPERATIONAL, leaf_index)
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_MISSING, batch.batch_id, leaf_index)
    assert (finding.origin, finding.sequence, finding.record_count) == (OPERATIONAL.origin, batch.sequence, 1)
    assert finding.record is None


def test_a_lightweight_delete_is_a_delete(store: Store) -> None:
    store.tamper(f"DELETE FROM {TABLE} WHERE {row(OPERATIONAL, 230)}")
    assert (store.only().kind, store.only().leaf_index) == (Kind.RECORD_MISSING, 230)


def test_each_of_several_deleted_records_is_missing(store: Store) -> None:
    delete(store, 200, 201, 230)
    assert [(kind, leaf) for kind, _, leaf in named(store.findings())] == [
        (Kind.RECORD_MISSING, 200),
        (Kind.RECORD_MISSING, 201),
        (Kind.RECORD_MISSING, 230),
    ]


@pytest.mark.parametrize("number", [1, 4, 5, 6], ids=["of 200", "of 6", "of 60", "the last"])
def test_a_batch_without_any_record_is_one_finding(store: Store, number: int) -> None:
    batch = store.batches[OPERATIONAL][number]
    store.tamper(f"ALTER TABLE {TABLE} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")
    finding = store.only()
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_MISSING, batch.batch_id, None)
    assert finding.record_count == batch.record_count


def test_of_a_truncated_table_every_batch_is_named_once(store: Store) -> None:
    store.tamper(f"TRUNCATE TABLE {TABLE}")
    found = store.findings()
    assert {finding.kind for finding in found} == {Kind.RECORD_MISSING}
    assert [finding.batch_id for finding in found] == [batch.batch_id for batch in store.batches[OPERATIONAL]]


def test_a_dropped_partition_is_every_batch_of_the_day(store: Store) -> None:
    store.tamper(f"ALTER TABLE {TABLE} DROP PARTITION '2025-06-16'")
    found = store.findings()
    assert {finding.kind for finding in found} == {Kind.RECORD_MISSING}
    assert [finding.sequence for finding in found] == [5, 6, 7]


@pytest.mark.parametrize("at", [230, 301, 100_000], ids=["a taken leaf", "another batch's leaf", "a free leaf"])
def test_a_new_record_in_a_batch_is_inserted(store: Store, at: int) -> None:
    insert(store, 230, Body="'new'", LeafIndex=at)
    finding = store.only()
    batch = store.batch_of(OPERATIONAL, 230)
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_INSERTED, batch.batch_id, at)
    assert finding.record is not None
    assert b"new" in finding.record


def test_a_new_record_of_no_log_is_unsigned(store: Store) -> None:
    insert(store, 230, Body="'new'", LogId="''", BatchId=OTHER_ID)
    finding = store.only()
    assert (finding.kind, finding.log_id, finding.record_count) == (Kind.RECORDS_UNSIGNED, "", 1)


def test_a_new_record_of_a_foreign_log_is_unsigned(store: Store) -> None:
    insert(store, 230, Body="'new'", LogId="'ffffffffffffffff'")
    finding = store.only()
    assert (finding.kind, finding.log_id, finding.record_count) == (Kind.RECORDS_UNSIGNED, "ffffffffffffffff", 1)


@pytest.mark.parametrize("at", [230, 100_000], ids=["a taken leaf", "a free leaf"])
def test_a_new_record_of_no_batch_is_unsigned(store: Store, at: int) -> None:
    insert(store, 230, Body="'new'", BatchId=OTHER_ID, LeafIndex=at)
    finding = store.only()
    assert (finding.kind, finding.log_id, finding.record_count) == (
        Kind.RECORDS_UNSIGNED,
        OPERATIONAL.log_id,
        1,
    )


def test_a_record_in_the_other_streams_table_is_unsigned(store: Store) -> None:
    columns = "Timestamp, ServiceName, Body, IngestedAt, LogId, BatchId, LeafIndex"
    store.tamper(f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM pristine_audit_logs WHERE {row(AUDIT, 20)}")
    finding = store.only()
    assert (finding.kind, finding.log_id, finding.leaf_index) == (Kind.RECORDS_UNSIGNED, AUDIT.log_id, 20)


def test_a_record_that_others_wrote_into_the_table_is_unsigned(store: Store) -> None:
    store.tamper(f"INSERT INTO {TABLE} (Timestamp, ServiceName, Body) SELECT now64(9), 'x', 'y' FROM numbers(3)")
    finding = store.only()
    assert (finding.kind, finding.log_id, finding.record_count) == (Kind.RECORDS_UNSIGNED, "", 3)


@pytest.mark.parametrize("leaf_index", [0, 230])
@pytest.mark.parametrize("free", [False, True], ids=["the same leaf", "a free leaf"])
def test_a_copy_of_a_record_is_duplicated(store: Store, leaf_index: int, free: bool) -> None:
    at = 100_000 if free else leaf_index
    insert(store, leaf_index, LeafIndex=at)
    finding = store.only()
    batch = store.batch_of(OPERATIONAL, leaf_index)
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_DUPLICATED, batch.batch_id, at)


@pytest.mark.parametrize("at", [320, 100_000], ids=["a taken leaf", "a free leaf"])
def test_a_record_replayed_into_another_batch_is_inserted_there(store: Store, at: int) -> None:
    other = store.batches[OPERATIONAL][5]
    insert(store, 230, BatchId=f"toUUID('{other.batch_id}')", LeafIndex=at)
    finding = store.only()
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_INSERTED, other.batch_id, at)


def test_a_record_replayed_into_another_log_is_inserted_there(store: Store) -> None:
    other = store.batches[AUDIT][2]
    where = row(AUDIT, 0)
    store.tamper(
        f"INSERT INTO audit_logs SELECT * REPLACE(toUUID('{other.batch_id}') AS BatchId, 50 AS LeafIndex) "
        f"FROM (SELECT * FROM audit_logs WHERE {where})"
    )
    finding = store.only()
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_INSERTED, other.batch_id, 50)


@pytest.mark.parametrize("pair", [(230, 231), (201, 300), (302, 307)])
def test_records_that_changed_places_are_both_reordered(store: Store, pair: tuple[int, int]) -> None:
    one, other = pair
    store.tamper(
        f"ALTER TABLE {TABLE} UPDATE LeafIndex = {one + other} - LeafIndex "
        f"WHERE LogId = '{OPERATIONAL.log_id}' AND LeafIndex IN ({one}, {other})"
    )
    assert [(kind, leaf) for kind, _, leaf in named(store.findings())] == [
        (Kind.RECORD_REORDERED, one),
        (Kind.RECORD_REORDERED, other),
    ]


def test_records_that_changed_places_with_another_batch_are_both_reordered(store: Store) -> None:
    first, second = store.batch_of(OPERATIONAL, 230), store.batch_of(OPERATIONAL, 340)
    store.tamper(
        f"ALTER TABLE {TABLE} UPDATE LeafIndex = 570 - LeafIndex, "
        f"BatchId = if(LeafIndex = 230, toUUID('{second.batch_id}'), toUUID('{first.batch_id}')) "
        f"WHERE LogId = '{OPERATIONAL.log_id}' AND LeafIndex IN (230, 340)"
    )
    assert named(store.findings()) == [
        (Kind.RECORD_REORDERED, first.batch_id, 230),
        (Kind.RECORD_REORDERED, second.batch_id, 340),
    ]


@pytest.mark.parametrize("at", [100_000, 231, 340], ids=["a free leaf", "a taken leaf", "another batch's leaf"])
def test_a_record_that_was_given_another_leaf_is_reordered(store: Store, at: int) -> None:
    store.tamper(f"ALTER TABLE {TABLE} UPDATE LeafIndex = {at} WHERE {row(OPERATIONAL, 230)} AND LeafIndex = 230")
    finding = store.only()
    batch = store.batch_of(OPERATIONAL, 230)
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_REORDERED, batch.batch_id, at)
    assert "leaf 230" in finding.message


def test_a_record_overwritten_with_another_is_changed(store: Store) -> None:
    delete(store, 230)
    insert(store, 231, LeafIndex=230)
    finding = store.only()
    assert (finding.kind, finding.leaf_index) == (Kind.RECORD_CHANGED, 230)


def test_many_tamperings_at_once_are_each_named(store: Store) -> None:
    delete(store, 5, 310)
    insert(store, 20, Body="'new'", LeafIndex=100_000)
    insert(store, 340)
    store.tamper(
        f"ALTER TABLE {TABLE} UPDATE Body = 'other' WHERE {row(OPERATIONAL, 30)}",
        f"ALTER TABLE audit_logs UPDATE ActorId = 'bob' WHERE {row(AUDIT, 20)}",
        f"ALTER TABLE {TABLE} UPDATE LeafIndex = 121 - LeafIndex WHERE LogId = '{OPERATIONAL.log_id}' "
        "AND LeafIndex IN (60, 61)",
    )
    assert [(kind, leaf) for kind, _, leaf in named(store.findings())] == [
        (Kind.RECORD_MISSING, 5),
        (Kind.RECORD_CHANGED, 20),
        (Kind.RECORD_CHANGED, 30),
        (Kind.RECORD_REORDERED, 60),
        (Kind.RECORD_REORDERED, 61),
        (Kind.RECORD_MISSING, 310),
        (Kind.RECORD_DUPLICATED, 340),
        (Kind.RECORD_INSERTED, 100_000),
    ]
