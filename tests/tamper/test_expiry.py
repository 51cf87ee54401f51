"""Records that retention has dropped, and records that somebody else has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from harness.waiting import wait_for
from server.notary.batch import Batch
from server.notary.findings import Finding
from server.notary.findings import FindingKind as Kind
from server.notary.origin import LogName
from server.notary.statement import ReceiptBound, StatementKind
from server.verification.expiry import Expired
from server.verification.scope import Scope
from server.verification.section_check import SectionCheck
from server.verification.sections import ResumePoint, SectionLimits, next_section, read_context
from storage.commit import insert_batches
from storage.retention import set_retention
from storage.retention_policy import Policy
from storage.schema import RECORD_TABLES
from tests.tamper.stated import FIRST_OF_NEW_KEY, Stated, received_earlier
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, batch_row, row, statement_row

NAMES = pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
EMBEDDED = pytest.mark.parametrize("written", ["embedded"], indirect=True)
DAY = 86_400
DAY_ONE, DAY_TWO = date(2025, 6, 15), date(2025, 6, 16)


def retain(stated: Stated, name: LogName, seconds: int | None, at: int = NEXT_DAY + 100 * SECOND) -> None:
    """State how long records are kept from now on."""
    stated.state(name, StatementKind.RETENTION, "forever" if seconds is None else str(seconds), at=at)


def drop(stated: Stated, name: LogName, batches: Sequence[Batch]) -> None:
    """Delete the records of batches."""
    ids = ", ".join(f"toUUID('{batch.batch_id}')" for batch in batches)
    stated.tamper(f"ALTER TABLE {RECORD_TABLES[name.stream]} DELETE WHERE BatchId IN ({ids})")


def expired(stated: Stated) -> list[Expired]:
    """Verify, and return what has expired; there is no finding."""
    steps = stated.steps(Scope())
    assert [step for step in steps if isinstance(step, Finding)] == []
    return [step for step in steps if isinstance(step, Expired)]


def expired_in_sections(stated: Stated) -> int:
    """Return the number of records that verification in sections finds expired, and nothing else."""
    ground = read_context(stated.engine, stated.keys, tuple)
    number = 0
    for log in ground.logs:
        place = ResumePoint()
        while section := next_section(stated.engine, log, place, SectionLimits()):
            check = SectionCheck(stated.engine, ground, section)
            assert list(check.findings()) == []
            number, place = number + check.expired, check.place
    return number


def of_day(name: LogName, day: date, batches: Sequence[Batch]) -> Expired:
    return Expired(name.origin, day, len(batches), sum(batch.record_count for batch in batches))


def assert_missing(stated: Stated, *batches: Batch) -> None:
    """Verify, and find that all records of some batches, and nothing else, are missing."""
    found = [(finding.kind, finding.batch_id, finding.record_count) for finding in stated.findings()]
    assert found == [(Kind.RECORD_MISSING, batch.batch_id, batch.record_count) for batch in batches]


@NAMES
def test_a_day_that_retention_dropped_has_expired_and_the_rest_is_verified(stated: Stated, name: LogName) -> None:
    retain(stated, name, DAY)
    old = stated.batches[name][:FIRST_OF_NEW_KEY]
    drop(stated, name, old)
    assert expired(stated) == [of_day(name, DAY_ONE, old)]
    assert expired_in_sections(stated) == sum(batch.record_count for batch in old)
    young = stated.batches[name][5]
    stated.tamper(f"ALTER TABLE {RECORD_TABLES[name.stream]} UPDATE Body = '' WHERE {row(name, young.first_leaf)}")
    assert (stated.only().kind, stated.only().leaf_index) == (Kind.RECORD_CHANGED, young.first_leaf)


@EMBEDDED
def test_each_day_that_expired_is_told(stated: Stated, name: LogName) -> None:
    retain(stated, name, DAY)
    batches = stated.batches[name]
    drop(stated, name, batches)
    assert expired(stated) == [of_day(name, DAY_ONE, batches[:4]), of_day(name, DAY_TWO, batches[4:])]


@EMBEDDED
@NAMES
def test_records_that_vanished_before_their_time_are_missing(stated: Stated, name: LogName) -> None:
    retain(stated, name, 30 * DAY)
    batch = stated.write(name, 3, ingested_at=time.time_ns())
    stated.touch("log_batches", "log_tiles", RECORD_TABLES[name.stream])
    drop(stated, name, [batch])
    assert_missing(stated, batch)


@EMBEDDED
def test_no_record_expires_where_nothing_was_said_of_retention_or_the_statement_is_gone(
    stated: Stated, name: LogName
) -> None:
    batches = stated.batches[name][:2]
    drop(stated, name, batches)
    assert_missing(stated, *batches)
    retain(stated, name, DAY)
    retain(stated, name, DAY)
    number = len(stated.statements[name]) + 1
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE {statement_row(name, number)}")
    # The second one stands still, and holds from its own time on.
    assert stated.only().kind is Kind.STATEMENT_MISSING
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE {statement_row(name, number + 1)}")
    assert_missing(stated, *batches)


def drop_some(stated: Stated, name: LogName, batch: Batch, count: int) -> None:
    """Delete the first records of a batch."""
    stated.tamper(
        f"ALTER TABLE {RECORD_TABLES[name.stream]} DELETE WHERE LogId = '{name.log_id}' "
        f"AND LeafIndex >= {batch.first_leaf} AND LeafIndex < {batch.first_leaf + count}"
    )


@EMBEDDED
@NAMES
@pytest.mark.parametrize("part", ["the first", "all but one"])
def test_of_a_batch_that_expired_in_part_the_rest_is_verified(stated: Stated, name: LogName, part: str) -> None:
    retain(stated, name, DAY)
    batch = stated.batches[name][2]
    gone = 1 if part == "the first" else batch.record_count - 1
    drop_some(stated, name, batch, gone)
    assert expired(stated) == [Expired(name.origin, DAY_ONE, 1, gone)]
    assert expired_in_sections(stated) == gone
    left = batch.tree_size - 1
    stated.tamper(f"ALTER TABLE {RECORD_TABLES[name.stream]} UPDATE Body = 'x' WHERE {row(name, left)}")
    assert (stated.only().kind, stated.only().leaf_index) == (Kind.RECORD_CHANGED, left)


@EMBEDDED
def test_of_a_batch_that_is_too_young_no_record_may_be_missing(stated: Stated, name: LogName) -> None:
    retain(stated, name, 30 * DAY)
    batch = stated.write(name, 3, ingested_at=time.time_ns())
    stated.touch("log_batches", "log_tiles", RECORD_TABLES[name.stream])
    drop_some(stated, name, batch, 2)
    found = [(finding.kind, finding.leaf_index) for finding in stated.findings()]
    assert found == [(Kind.RECORD_MISSING, leaf) for leaf in range(batch.first_leaf, batch.first_leaf + 2)]


@EMBEDDED
def test_a_record_that_was_moved_in_a_batch_that_expired_in_part_is_named(stated: Stated, name: LogName) -> None:
    retain(stated, name, DAY)
    batch = stated.batches[name][2]
    drop_some(stated, name, batch, 1)
    last = batch.tree_size - 1
    stated.tamper(
        f"ALTER TABLE {RECORD_TABLES[name.stream]} UPDATE LeafIndex = {batch.first_leaf} WHERE {row(name, last)}"
    )
    assert stated.only().kind is Kind.RECORD_REORDERED


@EMBEDDED
def test_the_hashes_of_a_batch_that_expired_in_part_are_checked(stated: Stated, name: LogName) -> None:
    retain(stated, name, DAY)
    batch = stated.batches[name][2]
    drop_some(stated, name, batch, 1)
    stated.tamper(f"ALTER TABLE log_tiles DELETE WHERE BatchId = toUUID('{batch.batch_id}') AND Level = 0")
    assert {finding.kind for finding in stated.findings()} == {Kind.RECORD_CHANGED}


@EMBEDDED
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE Hashes = concat(unhex('00'), substring(Hashes, 2))",
        "UPDATE Hashes = substring(Hashes, 1, length(Hashes) - 32)",
        "UPDATE Sequence = 99",
        "DELETE",
    ],
    ids=["a hash", "a hash less", "the number", "all"],
)
def test_altered_hashes_of_a_batch_that_expired_are_named(stated: Stated, name: LogName, change: str) -> None:
    retain(stated, name, DAY)
    old = stated.batches[name][:FIRST_OF_NEW_KEY]
    drop(stated, name, old)
    stated.tamper(f"ALTER TABLE log_tiles {change} WHERE BatchId = toUUID('{old[2].batch_id}') AND Level = 0")
    finding = stated.only()
    assert (finding.kind, finding.batch_id) == (Kind.TILE_ALTERED, old[2].batch_id)


@EMBEDDED
def test_an_altered_row_of_a_batch_that_expired_is_named(stated: Stated, name: LogName) -> None:
    retain(stated, name, DAY)
    old = stated.batches[name][:FIRST_OF_NEW_KEY]
    drop(stated, name, old)
    stated.tamper(
        f"ALTER TABLE log_batches UPDATE MinTimestamp = MinTimestamp + toIntervalDay(1) WHERE {batch_row(old[1])}"
    )
    finding = stated.only()
    assert (finding.kind, finding.batch_id) == (Kind.BATCH_ALTERED, old[1].batch_id)


@EMBEDDED
def test_a_deleted_row_of_a_batch_that_expired_is_missing(stated: Stated, name: LogName) -> None:
    retain(stated, name, DAY)
    old = stated.batches[name][:FIRST_OF_NEW_KEY]
    drop(stated, name, old)
    stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(old[1])}")
    finding = stated.only()
    assert (finding.kind, finding.log_id, finding.sequence) == (Kind.BATCH_MISSING, name.log_id, 2)


@EMBEDDED
@NAMES
def test_a_young_batch_cannot_be_passed_off_as_an_old_one(stated: Stated, name: LogName) -> None:
    # By who can write to the database, but not sign: its row is made consistent, its hashes go with it.
    now = time.time_ns()
    retain(stated, name, DAY, at=now)
    stated.touch("log_batches", "log_tiles", RECORD_TABLES[name.stream])
    batch = stated.write(name, 5, ingested_at=now)
    older = received_earlier(batch, 100 * DAY * SECOND)
    drop(stated, name, [batch])
    stated.tamper(
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",
        f"ALTER TABLE log_tiles UPDATE BatchId = toUUID('{older.batch_id}') WHERE BatchId = toUUID('{batch.batch_id}')",
    )
    insert_batches(stated.engine, [older])
    assert_missing(stated, older)


@EMBEDDED
@NAMES
def test_records_that_waited_in_the_journal_expire_when_due_and_those_that_came_later_do_not(
    stated: Stated, name: LogName
) -> None:
    now = time.time_ns()
    stated.touch("log_batches", "log_tiles", RECORD_TABLES[name.stream])
    size = stated.batches[name][-1].tree_size
    # Ten entries are signed and not in storage yet: they were received before an outage of ten days.
    bound = ReceiptBound(size + 10, now // SECOND - 3600)
    stated.state(name, StatementKind.HEARTBEAT, *bound.words, at=now)
    retain(stated, name, DAY, at=now)
    waited = stated.write(name, 10, ingested_at=now - 10 * DAY * SECOND)
    later = stated.write(name, 5, ingested_at=now)
    old = stated.batches[name][:FIRST_OF_NEW_KEY]
    drop(stated, name, [*old, waited])
    day = datetime.fromtimestamp(waited.ingested_at // SECOND, UTC).date()
    assert expired(stated) == [of_day(name, DAY_ONE, old), of_day(name, day, [waited])]
    drop(stated, name, [later])
    assert_missing(stated, later)


@EMBEDDED
def test_retention_that_was_lengthened_does_not_bring_back_what_expired_before(stated: Stated, name: LogName) -> None:
    retain(stated, name, DAY)
    day = START + 2 * DAY * SECOND
    retain(stated, name, None, at=day)
    old, young = stated.batches[name][:FIRST_OF_NEW_KEY], stated.batches[name][FIRST_OF_NEW_KEY:]
    drop(stated, name, old)
    assert expired(stated) == [of_day(name, DAY_ONE, old)]
    drop(stated, name, young)  # received less than a day before it was lengthened
    assert_missing(stated, *young)


@NAMES
def test_what_clickhouse_itself_drops_has_expired(stated: Stated, name: LogName) -> None:
    table = RECORD_TABLES[name.stream]
    retain(stated, name, DAY, at=time.time_ns())
    stated.touch(table, "log_batches", "log_tiles")
    young = stated.write(name, 5, ingested_at=time.time_ns())
    batches = stated.batches[name]
    set_retention(stated.engine, {name.stream: Policy(1)})
    stated.engine.execute(f"OPTIMIZE TABLE {table} FINAL")
    wait_for(lambda: expired(stated) == [of_day(name, DAY_ONE, batches[:4]), of_day(name, DAY_TWO, batches[4:])])
    stated.tamper(f"ALTER TABLE {table} DELETE WHERE {row(name, young.first_leaf)}")
    assert (stated.only().kind, stated.only().leaf_index) == (Kind.RECORD_MISSING, young.first_leaf)
