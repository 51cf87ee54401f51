"""Cosignatures and timestamps for the logs of tenants that are to have them, also for logs that are opened later."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from server.settings.settings import Settings
from server.witness.scheduler import WitnessScheduler, build_tasks
from server.writer.owned_log import OwnedLog
from server.writer.signed_stream import SignedStream
from server.writer.witnessed_log import WitnessedLog
from storage.engine import Engine

__all__ = ["confirm_tenants"]

_INTERVAL = 1.0  # seconds between looks for new logs


async def confirm_tenants(
    scheduler: WitnessScheduler,
    streams: Collection[SignedStream],
    engine: Engine,
    settings: Settings,
    interval: float = _INTERVAL,
) -> None:
    """Have the logs of tenants confirmed as the settings say; never ends.

    Args:
        scheduler: gets the tasks.
        streams: the logs, of which there may be more at any time.
        engine: the storage.
        settings: the settings.
        interval: seconds between looks for new logs.

    Raises:
        PackageMissingError, RootsError: as ``build_tasks``, which was called with the same authority before.
    """
    rules = {rule.name: rule for rule in settings.tenants if rule.witnesses or rule.timestamps}
    seen: set[str] = set()
    while True:
        new: dict[str, list[OwnedLog]] = {}
        for log in (log for stream in streams for log in stream if log.name.tenant in rules):
            if log.name.origin not in seen:
                seen.add(log.name.origin)
                new.setdefault(log.name.tenant, []).append(log)
        for tenant, logs in new.items():
            tasks = build_tasks(
                [WitnessedLog(log, engine) for log in logs],
                rules[tenant].witnesses,
                settings.timestamp_authority if rules[tenant].timestamps else None,
                witness_interval=settings.witness_interval,
            )
            scheduler.add(tasks)
        await asyncio.sleep(interval)
