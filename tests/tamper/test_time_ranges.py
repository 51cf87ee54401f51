from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from server.notary.findings import Finding
from server.notary.findings import FindingKind as Kind
from server.verification.scope import Scope, Summary
from server.verification.verification import verify
from storage.engine import Engine, EngineWrapper
from storage.schema import RECORD_TABLES
from tests.tamper.stated import Stated, received_earlier
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, Store, batch_row, row, statement_row

# The statements of the store have no receipt bounds: records may have waited for an hour to be signed.
DAY_ONE: dict[str, Any] = {"since": START, "until": NEXT_DAY - 3600 * SECOND}
DAY_TWO: dict[str, Any] = {"since": NEXT_DAY}


@pytest.mark.parametrize("first", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_no_range_of_an_untouched_store_gives_a_finding(stated: Stated, first: int, count: int) -> None:
    assert stated.findings(since=START + first * SECOND, until=START + (first + count) * SECOND) == []


def test_a_range_without_an_end_or_a_beginning_gives_no_finding(stated: Stated) -> None:
    assert stated.findings(since=START + 2 * SECOND) == []
    assert stated.findings(until=START + 2 * SECOND + 1) == []
    assert stated.findings(since=START + 2 * SECOND + 1, until=START + 3 * SECOND) == []


def test_a_changed_record_is_found_in_its_own_range_only(stated: Stated) -> None:
    for name, leaf_index, day in ((OPERATIONAL, 230, DAY_ONE), (OPERATIONAL, 312, DAY_TWO), (AUDIT, 2, DAY_ONE)):
        table = RECORD_TABLES[name.stream]
        stated.tamper(f"ALTER TABLE {table} UPDATE Body = 'other' WHERE {row(name, leaf_index)}")
        finding = stated.only(**day)
        assert (finding.kind, finding.leaf_index) == (Kind.RECORD_CHANGED, leaf_index)
        assert stated.findings(**(DAY_TWO if day is DAY_ONE else DAY_ONE)) == []
        stated.restore()


def test_a_deleted_record_is_found_in_its_own_range_only(stated: Stated) -> None:
    stated.tamper(f"ALTER TABLE audit_logs DELETE WHERE {row(AUDIT, 20)}")
    assert (stated.only(**DAY_ONE).kind, stated.only(**DAY_ONE).leaf_index) == (Kind.RECORD_MISSING, 20)
    assert stated.findings(**DAY_TWO) == []


def test_a_deleted_batch_is_found_between_others_of_the_range(stated: Stated) -> None:
    stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(stated.batches[OPERATIONAL][1])}")
    assert (stated.only(**DAY_ONE).kind, stated.only(**DAY_ONE).sequence) == (Kind.BATCH_MISSING, 2)
    assert stated.findings(**DAY_TWO) == []


def test_an_altered_batch_is_found_in_its_own_range_only(stated: Stated) -> None:
    stated.tamper(f"ALTER TABLE log_batches UPDATE RecordCount = 7 WHERE {batch_row(stated.batches[OPERATIONAL][1])}")
    assert (stated.only(**DAY_ONE).kind, stated.only(**DAY_ONE).sequence) == (Kind.BATCH_ALTERED, 2)
    assert stated.findings(**DAY_TWO) == []


@pytest.mark.parametrize("by", [-9 * 86_400 * SECOND, 9 * 86_400 * SECOND])
@pytest.mark.parametrize("place", [1, 6])
def test_a_batch_cannot_be_moved_out_of_its_range_by_its_time(stated: Stated, place: int, by: int) -> None:
    batch = stated.batches[OPERATIONAL][place]
    moved = received_earlier(batch, by)
    name_moved = f"BatchId = '{moved.batch_id}' WHERE LogId = '{batch.log_id}' AND BatchId = '{batch.batch_id}'"
    stated.tamper(
        f"ALTER TABLE log_batches UPDATE IngestedAt = fromUnixTimestamp64Nano({moved.ingested_at}), {name_moved}",
        f"ALTER TABLE log_tiles UPDATE {name_moved}",
        f"ALTER TABLE otel_logs UPDATE {name_moved}",
    )
    finding = stated.only(**(DAY_ONE if place == 1 else DAY_TWO))
    assert (finding.kind, finding.sequence) == (Kind.BATCH_ALTERED, batch.sequence)
    stated.tamper(f"ALTER TABLE otel_logs DELETE WHERE BatchId = '{moved.batch_id}'")
    kinds = {finding.kind for finding in stated.findings(**(DAY_ONE if place == 1 else DAY_TWO))}
    assert kinds == {Kind.RECORD_MISSING}


def test_a_record_whose_time_was_moved_out_of_the_range_is_changed(stated: Stated) -> None:
    where = row(OPERATIONAL, 230)
    stated.tamper(
        "INSERT INTO otel_logs SELECT * REPLACE(IngestedAt + toIntervalDay(9) AS IngestedAt) "
        f"FROM otel_logs WHERE {where}",
        f"ALTER TABLE otel_logs DELETE WHERE {where} AND IngestedAt < fromUnixTimestamp64Nano({NEXT_DAY})",
    )
    finding = stated.only(**DAY_ONE)
    assert (finding.kind, finding.leaf_index) == (Kind.RECORD_CHANGED, 230)


def test_a_row_that_names_a_batch_before_the_range_and_claims_a_leaf_within_it_is_found(stated: Stated) -> None:
    batch = stated.batches[OPERATIONAL][1]
    claimed = stated.batches[OPERATIONAL][5].first_leaf
    stated.tamper(
        f"INSERT INTO otel_logs SELECT * REPLACE({claimed} AS LeafIndex) "
        f"FROM (SELECT * FROM otel_logs WHERE {row(OPERATIONAL, 10)})"
    )
    finding = stated.only(**DAY_TWO)
    assert (finding.kind, finding.batch_id, finding.leaf_index) == (Kind.RECORD_DUPLICATED, batch.batch_id, claimed)


def test_statements_are_checked_whatever_the_range(stated: Stated) -> None:
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE {statement_row(AUDIT, 2)}")
    assert stated.only(**DAY_TWO).kind is Kind.STATEMENT_MISSING


def test_without_the_statements_that_give_the_range_more_is_verified(stated: Stated) -> None:
    stated.tamper(f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 230)}")
    assert stated.findings(**DAY_TWO) == []
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE LogId = '{OPERATIONAL.log_id}' AND Number > 1")
    assert Kind.RECORD_CHANGED in {finding.kind for finding in stated.findings(**DAY_TWO)}


def test_a_checkpoint_is_compared_within_a_range_too(stated: Stated) -> None:
    last = stated.batches[OPERATIONAL][-1]
    keys = stated.keys_of(*stated.signers)
    assert stated.findings(last.checkpoint, **DAY_ONE, keys=keys) == []
    stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(last)}")
    assert stated.only(last.checkpoint, **DAY_ONE, keys=keys).kind is Kind.LOG_TRUNCATED


def test_batches_that_are_gone_at_the_end_of_a_range_are_missing(stated: Stated) -> None:
    last = stated.batches[OPERATIONAL][5]  # the last that the range must have
    assert stated.findings(**DAY_ONE) == []
    for table in ("log_batches", "log_tiles", "otel_logs"):
        stated.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = '{last.batch_id}'")
    for within in (DAY_ONE, {"until": DAY_ONE["until"]}, {}):
        finding = stated.only(**within)
        assert (finding.kind, finding.sequence) == (Kind.BATCH_MISSING, last.sequence)


def test_a_row_whose_size_was_moved_beyond_the_range_is_missing_within(stated: Stated) -> None:
    stated.tamper(
        f"ALTER TABLE log_batches UPDATE TreeSize = TreeSize + 1000 WHERE {batch_row(stated.batches[OPERATIONAL][5])}"
    )
    assert stated.only(**DAY_ONE).kind is Kind.BATCH_MISSING
    assert stated.only().kind is Kind.BATCH_ALTERED


def test_an_idle_log_is_no_empty_range(stated: Stated) -> None:
    *_, summary = verify(stated.engine, stated.keys, Scope(since=NEXT_DAY + 3600 * SECOND))
    assert isinstance(summary, Summary)
    assert (summary.findings, summary.continued) == (0, len(stated.batches))


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

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        answer = super().query(select, parameters, settings=settings)
        if "ids" in (parameters or {}) and not self.committed:
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
