from __future__ import annotations

import asyncio

import pytest

from server.notary.origin import Stream
from server.process.pools import Pool
from server.process.storage_wait import StorageWait
from server.settings.settings import load_settings
from server.writer.retention import enforced_retention, retention_policies
from storage.engine import Engine
from storage.retention import read_retention_days, set_retention_days
from storage.retention_policy import Policy

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
    engine: Engine, before: int | None, wanted: str, meanwhile: int | None
) -> None:
    set_retention_days(engine, {AUDIT: before})
    settings = load_settings({"retention_audit": wanted}, {})
    waiting = StorageWait(settings.storage)
    async with enforced_retention(Pool("housekeeping", 1), settings, engine, asyncio.Event(), waiting):
        assert read_retention_days(engine) == {AUDIT: meanwhile, OPERATIONAL: None, SPANS: None}
    assert read_retention_days(engine) == {AUDIT: settings.retention_audit, OPERATIONAL: 30, SPANS: 30}


async def test_where_nothing_could_be_stated_nothing_is_dropped_earlier(engine: Engine) -> None:
    set_retention_days(engine, {AUDIT: 60, OPERATIONAL: 10})
    settings = load_settings({"retention_audit": "30d", "retention_operational": "20d"}, {})
    waiting = StorageWait(settings.storage)
    with pytest.raises(RuntimeError, match="no statement"):
        async with enforced_retention(Pool("housekeeping", 1), settings, engine, asyncio.Event(), waiting):
            raise RuntimeError("no statement")
    assert read_retention_days(engine) == {AUDIT: 60, OPERATIONAL: 20, SPANS: None}
