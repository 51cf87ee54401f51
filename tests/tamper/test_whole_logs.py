from __future__ import annotations

import pytest

from server.notary.batch import LogState
from server.notary.findings import FindingKind as Kind
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, TABLES, Store

LOG = f"LogId = '{OPERATIONAL.log_id}'"


def delete_from(store: Store, number: int, *, only_rows_of: str = "") -> None:
    """Delete a log's batches from a number on, with their records and hashes or without."""
    for batch in store.batches[OPERATIONAL][number:]:
        for table in [only_rows_of] if only_rows_of else ["log_batches", "otel_logs", "log_tiles"]:
            store.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")


def test_a_log_that_was_rolled_back_is_truncated_against_a_checkpoint_from_before(store: Store) -> None:
    checkpoint = store.batches[OPERATIONAL][6].checkpoint
    delete_from(store, 5)
    finding = store.only(checkpoint)
    assert (finding.kind, finding.origin, finding.log_id) == (
        Kind.LOG_TRUNCATED,
        OPERATIONAL.origin,
        OPERATIONAL.log_id,
    )
    assert finding.record_count == 67
    assert store.findings() == []  # without it, nothing stored says that there was more


def test_a_log_whose_last_batches_lost_their_rows_is_truncated_once(store: Store) -> None:
    delete_from(store, 5, only_rows_of="log_batches")
    for number in (5, 6):
        finding = store.only(store.batches[OPERATIONAL][number].checkpoint)
        assert (finding.kind, finding.origin) == (Kind.LOG_TRUNCATED, OPERATIONAL.origin)


def test_without_a_checkpoint_the_records_of_a_deleted_last_batch_are_unsigned(store: Store) -> None:
    delete_from(store, 6, only_rows_of="log_batches")
    finding = store.only()
    batch = store.batches[OPERATIONAL][6]
    assert (finding.kind, finding.batch_id, finding.record_count) == (Kind.RECORDS_UNSIGNED, batch.batch_id, 7)


def test_hashes_of_a_last_batch_that_was_deleted_otherwise_betray_it(store: Store) -> None:
    delete_from(store, 6, only_rows_of="log_batches")
    delete_from(store, 6, only_rows_of="otel_logs")
    finding = store.only()
    assert (finding.kind, finding.batch_id) == (Kind.TILE_ALTERED, store.batches[OPERATIONAL][6].batch_id)
    assert store.only(store.batches[OPERATIONAL][6].checkpoint).kind is Kind.LOG_TRUNCATED


@pytest.mark.parametrize("left", ["nothing", "records", "hashes"])
def test_a_log_that_was_deleted_is_truncated(store: Store, left: str) -> None:
    kept = {"records": "otel_logs", "hashes": "log_tiles"}.get(left)
    for table in ("log_batches", "otel_logs", "log_tiles"):
        if table != kept:
            store.tamper(f"ALTER TABLE {table} DELETE WHERE {LOG}")
    finding = store.only(store.batches[OPERATIONAL][0].checkpoint)
    assert (finding.kind, finding.origin, finding.record_count) == (Kind.LOG_TRUNCATED, OPERATIONAL.origin, 1)


def test_every_log_of_emptied_tables_is_truncated(store: Store) -> None:
    store.tamper(*(f"TRUNCATE TABLE {table}" for table in TABLES))
    found = store.findings(*(batches[-1].checkpoint for batches in store.batches.values()))
    assert {(finding.kind, finding.origin) for finding in found} == {
        (Kind.LOG_TRUNCATED, OPERATIONAL.origin),
        (Kind.LOG_TRUNCATED, AUDIT.origin),
    }
    assert len(found) == 2


@pytest.mark.parametrize("size", [40, 1000], ids=["shorter", "longer"])
def test_a_log_whose_history_was_replaced_is_forked_or_truncated(store: Store, size: int) -> None:
    for table in ("log_batches", "otel_logs", "log_tiles"):
        store.tamper(f"ALTER TABLE {table} DELETE WHERE {LOG}")
    store.write(OPERATIONAL, size, ingested_at=NEXT_DAY, state=LogState(OPERATIONAL))
    finding = store.only(store.batches[OPERATIONAL][1].checkpoint)
    assert finding.kind is (Kind.LOG_TRUNCATED if size == 40 else Kind.LOG_FORKED)
    assert store.findings() == []


def test_a_rewritten_end_is_forked_against_a_checkpoint_from_before(store: Store) -> None:
    checkpoint = store.batches[OPERATIONAL][6].checkpoint
    delete_from(store, 6)
    store.write(OPERATIONAL, 7, ingested_at=NEXT_DAY + 99 * SECOND)  # as many records, of another time
    finding = store.only(checkpoint)
    assert (finding.kind, finding.origin) == (Kind.LOG_FORKED, OPERATIONAL.origin)
