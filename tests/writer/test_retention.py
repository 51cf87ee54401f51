from __future__ import annotations

import asyncio

import pytest

from server.notary.origin import Stream
from server.process.pools import Pool
from server.process.storage_wait import StorageWait
from server.settings.settings import load_settings
from server.writer.retention import enforced_retention, recorded_policies, retention_policies
from storage.engine import Engine
from storage.hold_scope import HoldScope
from storage.holds import add_hold, release_hold
from storage.retention import read_retention_days, set_retention
from storage.retention_policy import Policy
from storage.rowbinary import read_one, text

AUDIT, OPERATIONAL, SPANS = Stream


def test_the_days_of_all_streams_come_from_the_settings() -> None:
    assert retention_policies(load_settings({}, {})) == {AUDIT: Policy(400), OPERATIONAL: Policy(30), SPANS: Policy(30)}
    flags = {"retention_audit": "forever", "retention_operational": "7d", "retention_spans": "8d"}
    policies = retention_policies(load_settings(flags, {}))
    assert policies == {AUDIT: Policy(None), OPERATIONAL: Policy(7), SPANS: Policy(8)}


@pytest.mark.parametrize(
    ("before", "wanted", "meanwhile"),
    [
        (None, "30d", None),
        (30, "30d", 30),
        (30, "60d", 60),
        (30, "forever", None),
        (60, "30d", 60),
        (None, "forever", None),
    ],
)
async def test_while_it_is_stated_records_are_kept_for_the_longer_time(
    engine: Engine, caplog: pytest.LogCaptureFixture, before: int | None, wanted: str, meanwhile: int | None
) -> None:
    set_retention(engine, {AUDIT: Policy(before)})
    settings = load_settings({"retention_audit": wanted}, {})
    waiting = StorageWait(settings.storage)
    async with enforced_retention(Pool("housekeeping", 1), settings, engine, asyncio.Event(), waiting):
        assert read_retention_days(engine) == {AUDIT: meanwhile, OPERATIONAL: None, SPANS: None}
    assert read_retention_days(engine) == {AUDIT: settings.retention_audit, OPERATIONAL: 30, SPANS: 30}
    shortened = "the stream audit is shortened from 60 days to 30 days, for all servers on this storage"
    assert (shortened in caplog.text) == ((before, wanted) == (60, "30d"))


async def test_where_nothing_could_be_stated_nothing_is_dropped_earlier(engine: Engine) -> None:
    set_retention(engine, {AUDIT: Policy(60), OPERATIONAL: Policy(10)})
    settings = load_settings({"retention_audit": "30d", "retention_operational": "20d"}, {})
    waiting = StorageWait(settings.storage)
    with pytest.raises(RuntimeError, match="no statement"):
        async with enforced_retention(Pool("housekeeping", 1), settings, engine, asyncio.Event(), waiting):
            raise RuntimeError("no statement")
    assert read_retention_days(engine) == {AUDIT: 60, OPERATIONAL: 20, SPANS: None}


async def test_a_start_with_shorter_retention_lets_no_disclosed_value_expire_while_a_hold_is_in_force(
    engine: Engine,
) -> None:
    add_hold(engine, "case-1", HoldScope(service="shop"), "a lawsuit", "eve", "::1")
    settings = load_settings({"retention_disclosures": "1d"}, {})
    for expires in (False, True):
        async with enforced_retention(
            Pool("housekeeping", 1), settings, engine, asyncio.Event(), StorageWait(settings.storage)
        ):
            pass
        create: str = read_one(engine.query("SHOW CREATE TABLE disclosures"), text)
        assert ("TTL toDateTime(IngestedAt) + toIntervalDay(1)" in create) == expires
        release_hold(engine, "case-1", "settled", "eve", "::1")


def test_changes_of_all_retention_are_recorded() -> None:
    flags = {"audit_cold_volume": "cold", "retention_disclosures": "30d", "storage": "http://clickhouse:8123"}
    assert recorded_policies(load_settings(flags, {})) == {
        "audit": Policy(400, (), "cold", 90),
        "operational": Policy(30),
        "spans": Policy(30),
        "disclosures": Policy(30),
    }
