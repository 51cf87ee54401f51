from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from server.notary.findings import Finding
from server.notary.findings import FindingKind as Kind
from server.verification.verification import Scope, verify
from storage.engine import Engine, EngineWrapper
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, Store, batch_row, row

DAY_ONE: dict[str, Any] = {"since": START, "until": NEXT_DAY}
DAY_TWO: dict[str, Any] = {"since": NEXT_DAY}


@pytest.mark.parametrize("first", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_no_range_of_an_untouched_store_gives_a_finding(store: Store, first: int, count: int) -> None:
    assert store.findings(since=START + first * SECOND, until=START + (first + count) * SECOND) == []


def test_a_range_without_an_end_or_a_beginning_gives_no_finding(store: Store) -> None:
    assert store.findings(since=START + 2 * SECOND) == []
    assert store.findings(until=START + 2 * SECOND + 1) == []
    assert store.findings(since=START + 2 * SECOND + 1, until=START + 3 * SECOND) == []


@pytest.mark.parametrize("leaf_index", [230, 350])
def test_a_changed_record_is_found_in_its_own_range_only(store: Store, leaf_index: int) -> None:
    store.tamper(f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, leaf_index)}")
    own, other = (DAY_ONE, DAY_TWO) if leaf_index == 230 else (DAY_TWO, DAY_ONE)
    finding = store.only(**own)
    assert (finding.kind, finding.leaf_index) == (Kind.RECORD_CHANGED, leaf_index)
    assert store.findings(**other) == []


def test_a_deleted_record_is_found_in_its_own_range_only(store: Store) -> None:
    store.tamper(f"ALTER TABLE audit_logs DELETE WHERE {row(AUDIT, 20)}")
    assert (store.only(**DAY_ONE).kind, store.only(**DAY_ONE).leaf_index) == (Kind.RECORD_MISSING, 20)
    assert store.findings(**DAY_TWO) == []


def test_a_deleted_batch_is_found_between_others_of_the_range(store: Store) -> None:
    store.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(store.batches[OPERATIONAL][1])}")
    assert (store.only(**DAY_ONE).kind, store.only(**DAY_ONE).sequence) == (Kind.BATCH_MISSING, 2)
    assert store.findings(**DAY_TWO) == []


def test_an_altered_batch_is_found_in_its_own_range_only(store: Store) -> None:
    store.tamper(f"ALTER TABLE log_batches UPDATE RecordCount = 7 WHERE {batch_row(store.batches[OPERATIONAL][1])}")
    assert (store.only(**DAY_ONE).kind, store.only(**DAY_ONE).sequence) == (Kind.BATCH_ALTERED, 2)
    assert store.findings(**DAY_TWO) == []


def test_a_batch_that_was_moved_out_of_the_range_is_altered_and_not_missing(store: Store) -> None:
    where = batch_row(store.batches[OPERATIONAL][1])
    store.tamper(f"ALTER TABLE log_batches UPDATE IngestedAt = IngestedAt + toIntervalDay(9) WHERE {where}")
    assert store.only(**DAY_ONE).kind is Kind.BATCH_ALTERED


def test_a_record_whose_time_was_moved_out_of_the_range_is_changed(store: Store) -> None:
    where = row(OPERATIONAL, 230)
    store.tamper(
        "INSERT INTO otel_logs SELECT * REPLACE(IngestedAt + toIntervalDay(9) AS IngestedAt) "
        f"FROM otel_logs WHERE {where}",
        f"ALTER TABLE otel_logs DELETE WHERE {where} AND IngestedAt < fromUnixTimestamp64Nano({NEXT_DAY})",
    )
    finding = store.only(**DAY_ONE)
    assert (finding.kind, finding.leaf_index) == (Kind.RECORD_CHANGED, 230)


def test_a_checkpoint_is_compared_within_a_range_too(store: Store) -> None:
    last = store.batches[OPERATIONAL][6]
    assert store.findings(last.checkpoint, **DAY_ONE) == []
    store.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(last)}")
    assert store.only(last.checkpoint, **DAY_ONE).kind is Kind.LOG_TRUNCATED


def test_a_server_whose_clock_was_set_back_gives_no_finding(store: Store) -> None:
    store.touch("log_batches", "log_tiles", "otel_logs")
    for offset in (60, 30, 61, 20):  # batches in the order of their numbers, not of their times
        store.write(OPERATIONAL, 3, ingested_at=NEXT_DAY + offset * SECOND)
    assert store.findings() == []
    assert store.findings(since=NEXT_DAY + 50 * SECOND) == []
    assert store.findings(since=NEXT_DAY + 10 * SECOND, until=NEXT_DAY + 40 * SECOND) == []


def test_records_that_were_never_committed_are_unsigned_once_and_the_next_batch_is_good(store: Store) -> None:
    # A server that ends between a batch's records and its row: the next batch takes the same leaves.
    store.touch("log_batches", "log_tiles", "otel_logs")
    lost = store.write(OPERATIONAL, 5, ingested_at=NEXT_DAY + 60 * SECOND)
    store.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(lost)}")
    finding = store.only()
    assert (finding.kind, finding.log_id, finding.batch_id, finding.record_count) == (
        Kind.RECORDS_UNSIGNED,
        OPERATIONAL.log_id,
        lost.batch_id,
        5,
    )
    for count in (3, 9):
        store.write(OPERATIONAL, count, ingested_at=NEXT_DAY + (60 + count) * SECOND)
        assert (store.only().kind, store.only().record_count) == (Kind.RECORDS_UNSIGNED, 5)
    store.tamper(f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 376)}")
    assert {(finding.kind, finding.leaf_index) for finding in store.findings()} == {
        (Kind.RECORDS_UNSIGNED, 375),
        (Kind.RECORD_CHANGED, 376),
    }


class LateCommit(EngineWrapper):
    """A storage in which a batch is committed once verification has looked for the batch of its records in vain."""

    def __init__(self, engine: Engine, commit: str) -> None:
        super().__init__(engine)
        self._commit = commit
        self.committed = False

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /) -> bytes:
        answer = super().query(select, parameters)
        if "arrayExists(leaf" in select and not self.committed:
            self.committed = True
            self.execute(self._commit)
        return answer


def test_verifying_while_a_writer_goes_on_gives_no_finding(store: Store) -> None:
    store.touch("log_batches", "log_tiles", "otel_logs", "audit_logs")
    stop = threading.Event()
    written = []

    def write() -> None:
        while not stop.is_set():
            written.append(store.write(OPERATIONAL, 20, ingested_at=time.time_ns()))
            written.append(store.write(AUDIT, 20, ingested_at=time.time_ns()))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            assert store.findings() == []
            assert store.findings(since=NEXT_DAY) == []
    finally:
        stop.set()
        writer.join()
    assert len(written) > 4
    assert store.findings() == []


def test_a_batch_that_is_committed_meanwhile_gives_no_finding(store: Store) -> None:
    store.touch("log_batches", "log_tiles", "otel_logs")
    batch = store.write(OPERATIONAL, 5, ingested_at=time.time_ns())
    store.tamper(
        "CREATE OR REPLACE TABLE held AS log_batches",
        f"INSERT INTO held SELECT * FROM log_batches WHERE {batch_row(batch)}",
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",
    )
    late = LateCommit(store.engine, "INSERT INTO log_batches SELECT * FROM held")
    steps = list(verify(late, store.keys, Scope()))
    assert late.committed
    assert [step for step in steps if isinstance(step, Finding)] == []
