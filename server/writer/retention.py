"""Retention: changing it in storage before or after the logs state the change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from server.notary.origin import Stream
from server.process.pools import Pool
from server.process.storage_wait import retry_until_available
from server.retry.trouble import Trouble
from server.settings.settings import Settings
from storage.engine import Engine
from storage.policies import DISCLOSURES, note_earlier_policies, read_recorded_policies
from storage.removal import let_removal_go_on
from storage.retention import apply_retention, check_cold_volume, read_retention_days
from storage.retention_beside import TABLES_BESIDE, apply_retention_beside
from storage.retention_policy import Policy
from storage.schema import RECORD_TABLES

__all__ = ["enforced_retention", "recorded_policies", "retention_policies"]

_logger = logging.getLogger(__name__)


def retention_policies(settings: Settings) -> dict[Stream, Policy]:
    """Return how long the records of each stream are kept."""
    days = {
        Stream.AUDIT: settings.retention_audit,
        Stream.OPERATIONAL: settings.retention_operational,
        Stream.SPANS: settings.retention_spans,
    }
    rules = settings.retention_rules
    policies = {stream: Policy(kept, rules.get(stream, ())) for stream, kept in days.items()}
    if settings.audit_cold_volume:
        audit = policies[Stream.AUDIT]
        policies[Stream.AUDIT] = Policy(audit.days, audit.rules, settings.audit_cold_volume, settings.audit_cold_after)
    return policies


def recorded_policies(settings: Settings) -> dict[str, Policy]:
    """Return all policies whose changes are recorded, by name."""
    policies = {stream.value: policy for stream, policy in retention_policies(settings).items()}
    return {**policies, DISCLOSURES: Policy(settings.retention_disclosures)}


@contextlib.asynccontextmanager
async def enforced_retention(
    pool: Pool, settings: Settings, engine: Engine, stop: asyncio.Event, waiting: Trouble
) -> AsyncIterator[None]:
    """Lengthen retention on entering the block, which states it in the logs; shorten retention on leaving the block.

    So no record is dropped before the logs have stated that it may be. Every change has the legal holds in it.

    Raises:
        StorageError: retention cannot be set on a table.
        StoppedError: ``stop`` was set while storage was unavailable.
    """
    wanted = retention_policies(settings)
    kept = await retry_until_available(pool, lambda: _before(engine, settings), stop, waiting)
    longer = {
        stream: policy
        for stream, policy in wanted.items()
        if (before := kept[stream]) is not None and (policy.shortest is None or policy.shortest > before)
    }
    await retry_until_available(pool, lambda: apply_retention(engine, longer), stop, waiting)
    yield
    await retry_until_available(pool, lambda: _after(engine, settings), stop, waiting)


def _before(engine: Engine, settings: Settings) -> dict[Stream, int | None]:
    if settings.audit_cold_volume:
        check_cold_volume(engine, RECORD_TABLES[Stream.AUDIT], settings.audit_cold_volume)
    kept = read_retention_days(engine)
    note_earlier_policies(engine, kept)
    return kept


def _after(engine: Engine, settings: Settings) -> None:
    wanted = retention_policies(settings)
    before = read_recorded_policies(engine)
    apply_retention(engine, wanted)
    apply_retention_beside(engine, wanted[Stream.AUDIT].longest, settings.retention_disclosures)
    let_removal_go_on(engine, (*RECORD_TABLES.values(), *TABLES_BESIDE))  # a server may have ended while it was paused
    for name, policy in recorded_policies(settings).items():
        if name in before and policy.may_remove_earlier(before[name]):
            what = "disclosed values" if name == DISCLOSURES else f"the stream {name}"
            _logger.warning(
                "retention of %s is shortened from %s to %s, for all servers on this storage: what is older is removed",
                what,
                before[name],
                policy,
            )
