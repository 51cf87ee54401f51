from __future__ import annotations

import pytest

from server.notary.findings import FindingKind as Kind
from tests.tamper.store import OPERATIONAL, Store, row

LOG = f"LogId = '{OPERATIONAL.log_id}'"
ALTERED = "concat(unhex('00'), substring(Hashes, 2))"


def fragment(store: Store, number: int, level: int = 0) -> str:
    """Return the SQL condition for the first fragment that a batch brought on a level."""
    batch = store.batches[OPERATIONAL][number]
    mine = f"{LOG} AND Level = {level} AND BatchId = toUUID('{batch.batch_id}')"
    return f"{mine} AND (TileIndex, Offset) IN (SELECT min((TileIndex, Offset)) FROM pristine_log_tiles WHERE {mine})"


def assert_altered(store: Store, number: int) -> None:
    finding = store.only()
    batch = store.batches[OPERATIONAL][number]
    assert (finding.kind, finding.log_id, finding.batch_id, finding.sequence) == (
        Kind.TILE_ALTERED,
        OPERATIONAL.log_id,
        batch.batch_id,
        number + 1,
    )


@pytest.mark.parametrize(("number", "level"), [(0, 0), (2, 0), (2, 1), (6, 0)])
def test_an_altered_hash_is_named(store: Store, number: int, level: int) -> None:
    where = fragment(store, number, level)
    store.tamper(f"ALTER TABLE log_tiles UPDATE Hashes = {ALTERED} WHERE {where}")
    assert_altered(store, number)


@pytest.mark.parametrize("number", [0, 2, 5])
def test_deleted_hashes_are_named(store: Store, number: int) -> None:
    store.tamper(f"ALTER TABLE log_tiles DELETE WHERE {fragment(store, number)}")
    assert_altered(store, number)


def test_doubled_hashes_are_named(store: Store) -> None:
    store.tamper(f"INSERT INTO log_tiles SELECT * FROM log_tiles WHERE {fragment(store, 2)}")
    assert_altered(store, 2)


@pytest.mark.parametrize(
    "change",
    [
        "1000 AS TileIndex",
        "7 AS Level",
        "toUInt16(Offset + 1) AS Offset",
        "toUUID('00000000-0000-0000-0000-000000000007') AS BatchId",
        "'ffffffffffffffff' AS LogId",
        "99 AS Sequence",
        "concat(Hashes, 'x') AS Hashes",
    ],
    ids=lambda change: change.rpartition(" ")[2],
)
@pytest.mark.parametrize("added", [False, True], ids=["changed", "added"])
def test_hashes_that_stand_in_another_place_are_named(store: Store, change: str, added: bool) -> None:
    where = fragment(store, 2)
    store.tamper(f"INSERT INTO log_tiles SELECT * REPLACE({change}) FROM (SELECT * FROM log_tiles WHERE {where})")
    if not added:
        store.tamper(
            f"ALTER TABLE log_tiles DELETE WHERE {where} AND Sequence = 3 AND Level = 0 AND length(Hashes) % 32 = 0"
        )
    assert store.only().kind is Kind.TILE_ALTERED


def test_of_a_truncated_table_every_batch_is_named_once(store: Store) -> None:
    store.tamper("TRUNCATE TABLE log_tiles")
    found = store.findings()
    assert {finding.kind for finding in found} == {Kind.TILE_ALTERED}
    assert len(found) == sum(map(len, store.batches.values()))


def test_a_record_changed_beside_doubled_hashes_is_named(store: Store) -> None:
    store.tamper(
        f"INSERT INTO log_tiles SELECT * FROM log_tiles WHERE {fragment(store, 2)}",
        f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 230)}",
    )
    assert [(finding.kind, finding.leaf_index) for finding in store.findings()] == [
        (Kind.TILE_ALTERED, None),
        (Kind.RECORD_CHANGED, 230),
    ]


def test_of_a_record_changed_with_its_hash_the_batch_is_named(store: Store) -> None:
    store.tamper(
        f"ALTER TABLE log_tiles UPDATE Hashes = {ALTERED} WHERE {fragment(store, 2)}",
        f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 230)}",
    )
    finding = store.only()
    batch = store.batches[OPERATIONAL][2]
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_CHANGED, batch.batch_id, None)
    assert "it is not known which" in finding.message


def test_a_copied_record_is_told_without_hashes_too(store: Store) -> None:
    store.tamper(
        f"ALTER TABLE log_tiles UPDATE Hashes = {ALTERED} WHERE {fragment(store, 2)}",
        f"INSERT INTO otel_logs SELECT * FROM otel_logs WHERE {row(OPERATIONAL, 230)}",
    )
    assert [(finding.kind, finding.leaf_index) for finding in store.findings()] == [
        (Kind.TILE_ALTERED, None),
        (Kind.RECORD_DUPLICATED, 230),
    ]


def test_records_deleted_with_their_hashes_are_missing(store: Store) -> None:
    batch = store.batches[OPERATIONAL][2]
    for table in ("otel_logs", "log_tiles"):
        store.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")
    finding = store.only()
    assert (finding.kind, finding.batch_id, finding.record_count) == (Kind.RECORD_MISSING, batch.batch_id, 100)
