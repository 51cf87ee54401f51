"""Retention of disclosed values and of ids of audit records, and the holds that win over it."""

from __future__ import annotations

import time
from uuid import UUID

from harness.waiting import wait_for
from storage.audit_ids import IdRow, IdState, insert_ids, read_ids
from storage.disclosures import DisclosedValue, find_disclosures, insert_disclosures
from storage.engine import Engine
from storage.hold_scope import HoldScope
from storage.holds import add_hold, release_hold
from storage.retention_beside import TABLES_BESIDE, apply_retention_beside
from storage.rowbinary import read_rows, text

DAY = 86_400 * 10**9


def ttls(engine: Engine) -> dict[str, str]:
    rows = engine.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    found = {
        name: full.partition(" TTL ")[2].partition(" SETTINGS ")[0] for name, full in read_rows(rows, (text, text))
    }
    return {table: found[table] for table in TABLES_BESIDE}


def test_no_hold_no_matter_of_which_scope_lets_anything_expire_and_all_goes_on_after_the_last_release(
    engine: Engine,
) -> None:
    apply_retention_beside(engine, 400, 7)
    in_force = ttls(engine)
    assert in_force == {
        "audit_record_ids": "toDateTime(ClaimedAt) + toIntervalDay(401)",
        "disclosures": "toDateTime(IngestedAt) + toIntervalDay(7)",
    }
    for name, scope in (("case-1", HoldScope(service="shop")), ("case-2", HoldScope("spans"))):
        add_hold(engine, name, scope, "a lawsuit", "eve", "::1")
    for days in (7, 1):  # also of a start with a shorter retention
        apply_retention_beside(engine, 400, days)
        assert ttls(engine) == dict.fromkeys(TABLES_BESIDE, "")
    release_hold(engine, "case-1", "settled", "eve", "::1")
    apply_retention_beside(engine, 400, 7)
    assert ttls(engine) == dict.fromkeys(TABLES_BESIDE, "")
    release_hold(engine, "case-2", "settled", "eve", "::1")
    apply_retention_beside(engine, 400, 7)
    assert ttls(engine) == in_force


def test_values_and_ids_that_are_too_old_outlive_a_hold_and_go_after_it(engine: Engine) -> None:
    now = time.time_ns()
    old, young = (DisclosedValue(now - days * DAY, bytes(32), b"%d days" % days, "card") for days in (9, 2))
    for each in (old, young):
        insert_disclosures(engine, [each])
    ids = UUID(int=7), UUID(int=8)
    claimed_at = (now // 10**6) - 90 * DAY // 10**6
    insert_ids(engine, [IdRow(ids[0], ids[1], IdState.CLAIMED, bytes(32), "shop/audit/a", ids[1], claimed_at)])
    add_hold(engine, "case-1", HoldScope(), "a lawsuit", "eve", "::1")
    apply_retention_beside(engine, 30, 7)
    for table in TABLES_BESIDE:
        engine.execute(f"OPTIMIZE TABLE {table} FINAL")
    assert len(find_disclosures(engine, [old.commitment, young.commitment])) == 2
    assert len(read_ids(engine, ids[:1])) == 1
    release_hold(engine, "case-1", "settled", "eve", "::1")
    apply_retention_beside(engine, 30, 7)
    for table in TABLES_BESIDE:
        engine.execute(f"OPTIMIZE TABLE {table} FINAL")
    wait_for(lambda: list(find_disclosures(engine, [old.commitment, young.commitment])) == [young.commitment])
    wait_for(lambda: read_ids(engine, ids[:1]) == [])
