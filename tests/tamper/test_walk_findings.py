"""Self-verification of a real store: what it finds, and that it reports each finding once."""

from __future__ import annotations

import logging
from contextlib import suppress

import pytest

from server.notary.batch import LogState
from server.notary.trust import check_checkpoint
from server.self_verification.throttle import WorkStoppedError
from tests.tamper.stated import LAST, Stated
from tests.tamper.store import AUDIT, OPERATIONAL, batch_row
from tests.tamper.walking import TAMPERINGS, Walk

pytestmark = pytest.mark.parametrize("written", ["embedded"], indirect=True)  # nothing of it is the engine's


def test_tampering_of_every_kind_is_found_in_one_walk_and_told_once(
    walk: Walk, stated: Stated, caplog: pytest.LogCaptureFixture
) -> None:
    stated.tamper(*TAMPERINGS.values())
    walker = walk.walker()
    walker.walk(stated.engine)
    assert sorted(walk.trail.kinds()) == sorted(TAMPERINGS)
    lines = [entry.getMessage() for entry in caplog.records if entry.levelno == logging.ERROR]
    assert sorted(line.split(": ")[1] for line in lines) == sorted(TAMPERINGS)
    assert walker.status.findings == dict.fromkeys(TAMPERINGS, 1)
    walker.walk(stated.engine)
    walk.walker().walk(stated.engine)  # a new walker, as after a restart
    assert len(walk.trail.taken) == len(TAMPERINGS)
    assert walker.status.findings == dict.fromkeys(TAMPERINGS, 1)


def test_a_log_that_was_cut_off_is_found_by_what_the_server_remembers(walk: Walk, stated: Stated) -> None:
    walk.kept = [check_checkpoint(stated.statement(AUDIT, LAST).note, stated.keys_of(*stated.signers))]
    for batch in stated.batches[AUDIT][5:]:
        for table in ("log_batches", "log_tiles", "audit_logs"):
            stated.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE LogId = '{AUDIT.log_id}' AND Number > 5")
    walker = walk.walker()
    walker.walk(stated.engine)
    walker.walk(stated.engine)
    assert walk.trail.kinds() == ["LOG_TRUNCATED"]


def test_what_is_not_found_any_more_is_forgotten_and_told_again_when_it_comes_back(walk: Walk, stated: Stated) -> None:
    walker = walk.walker()
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    walker.walk(stated.engine)
    stated.restore()
    walker.walk(stated.engine)
    assert walker.status.findings == {}
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    walker.walk(stated.engine)
    assert walk.trail.kinds() == 2 * ["RECORD_CHANGED"]


def test_what_is_settled_before_the_second_look_is_not_told(walk: Walk, stated: Stated) -> None:
    batch = stated.batches[OPERATIONAL][-1]
    stated.tamper(
        "CREATE OR REPLACE TABLE held AS log_batches",
        f"INSERT INTO held SELECT * FROM log_batches WHERE {batch_row(batch)}",
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",
    )
    waits: list[float] = []

    def commit(seconds: float) -> None:
        waits.append(seconds)
        if seconds >= 60 and len([wait for wait in waits if wait >= 60]) == 1:
            stated.engine.execute("INSERT INTO log_batches SELECT * FROM held")

    walk.watch.meanwhile = commit
    walker = walk.walker()
    walker.walk(stated.engine)
    assert max(waits) >= 60
    assert (walk.trail.taken, walker.status.findings) == ([], {})


def test_audit_records_that_are_refused_are_sent_again(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORDS_UNSIGNED"])
    walk.trail.refusals = 5
    walker = walk.walker()
    walker.walk(stated.engine)
    assert walk.trail.kinds() == ["RECORDS_UNSIGNED"]
    assert walk.trail.refusals == 0
    assert walker.status.unrecorded == 0


def test_audit_records_that_were_never_taken_are_told_by_the_next_process(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORDS_UNSIGNED"])
    walk.trail.refusals = 10**9
    walker = walk.walker()
    walker.walk(stated.engine)
    assert (walker.status.findings, walker.status.unrecorded) == ({"RECORDS_UNSIGNED": 1}, 1)
    walk.trail.refusals = 0
    walk.walker().walk(stated.engine)
    assert walk.trail.kinds() == ["RECORDS_UNSIGNED"]


@pytest.mark.parametrize("rewritten", [False, True])
def test_a_log_that_was_seen_and_then_deleted_from_all_tables_is_found_in_every_pass(
    walk: Walk, rewritten: bool
) -> None:
    walk.walker().walk(walk.stated.engine)
    assert walk.trail.taken == []
    assert walk.seen.keys() == {OPERATIONAL.origin, AUDIT.origin}
    before = walk.seen[AUDIT.origin]
    for table in ("audit_logs", "log_batches", "log_tiles", "log_statements"):
        walk.stated.tamper(f"ALTER TABLE {table} DELETE WHERE LogId = '{AUDIT.log_id}'")
    if rewritten:
        walk.stated.write(AUDIT, 3, ingested_at=walk.stated.batches[AUDIT][0].ingested_at, state=LogState(AUDIT))
    for _ in range(2):
        walk.walker().walk(walk.stated.engine)
        assert "LOG_TRUNCATED" in walk.trail.kinds()
        assert walk.seen[AUDIT.origin] == before
    (notice,) = [notice for notice in walk.trail.taken if notice.kind == "LOG_TRUNCATED"]
    assert notice.origin == AUDIT.origin


@pytest.mark.parametrize("table", ["log_statements", "log_tiles", "audit_logs"])
def test_a_table_that_cannot_be_read_is_reported_while_storage_is_waited_for(walk: Walk, table: str) -> None:
    def stop(seconds: float) -> None:
        if seconds and walk.trail.taken:
            raise WorkStoppedError

    walk.watch.meanwhile = stop
    walk.stated.touch(table)
    walk.stated.engine.execute(f"RENAME TABLE {table} TO aside")
    try:
        with suppress(WorkStoppedError):
            walk.walker().walk(walk.stated.engine)
        assert "TABLE_ALTERED" in walk.trail.kinds()
        assert any(table in notice.message for notice in walk.trail.taken)
    finally:
        walk.stated.engine.execute(f"RENAME TABLE aside TO {table}")
