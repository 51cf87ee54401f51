"""Upkeep of the logs of a process: changes of keys, heartbeats, confirmations, lost files, orders to drop data."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from server.data_dir.drop_orders import DropOrders
from server.keys.keyring import Keyring
from server.keys.lost_keys import missing_key
from server.pipeline.clock import Clock
from server.process.background import background
from server.process.metrics import Metrics
from server.process.pools import Pools
from server.settings.settings import Settings
from server.settings.values import Acknowledge
from server.witness.scheduler import WitnessScheduler, build_tasks
from server.writer.file_watch import watch_files
from server.writer.open_streams import OpenStreams
from server.writer.owned_logs import keep_alive, settle_keys
from server.writer.tenant_drops import TenantDrops
from server.writer.tenant_witnesses import confirm_tenants
from server.writer.witnessed_log import WitnessedLog
from storage.engine import Engine
from storage.writers import WriterName

__all__ = ["upkeep"]


@contextlib.asynccontextmanager
async def upkeep(
    settings: Settings,
    name: WriterName,
    keys: Keyring,
    engine: Engine,
    streams: OpenStreams,
    *,
    clock: Clock,
    pools: Pools,
    metrics: Metrics,
    stop: asyncio.Event,
) -> AsyncIterator[None]:
    """Keep open logs up in the background, until the block ends.

    Args:
        settings: the settings.
        name: name of the writer.
        keys: the keys that sign its logs.
        engine: the storage, which refuses writes if another server has taken the name over.
        streams: the open streams.
        clock: when statements are signed.
        pools: threads for blocking work.
        metrics: count confirmations that failed.
        stop: stops the server; set if a task failed.

    Raises:
        TaskFailedError: a background task failed.
    """
    async with contextlib.AsyncExitStack() as stack:
        logs = streams.logs
        settling = settle_keys(pools.housekeeping, logs.values(), in_commits=settings.ack is Acknowledge.COMMIT)
        stack.enter_context(background("key changes", settling, stop))
        heartbeats = keep_alive(pools.housekeeping, logs.values(), settings.heartbeat)
        stack.enter_context(background("heartbeats", heartbeats, stop))
        tasks = build_tasks(
            [WitnessedLog(log.default, engine) for log in logs.values()],
            settings.witnesses,
            settings.timestamp_authority,
            witness_interval=settings.witness_interval,
        )
        checks = {f"{log.name.origin}: files are": log.missing for log in logs.values()}
        if not settings.signing_key:
            checks["the signing key is"] = lambda: missing_key(settings.data_dir / "keys")
        if keys.own:
            tenants = [settings.data_dir / "keys" / "tenants" / tenant for tenant in sorted(keys.own)]
            checks["signing keys of tenants are"] = lambda: "; ".join(filter(None, map(missing_key, tenants)))
        stack.enter_context(background("file watch", watch_files(pools.housekeeping, checks), stop))
        drops = TenantDrops(
            DropOrders(settings.data_dir),
            name.writer,
            list(streams.all_logs.values()),
            lambda: streams.writers.values(),
            engine,
            clock.now,
        )
        stack.enter_context(background("orders to drop data", drops.run(pools.housekeeping), stop))
        scheduler = WitnessScheduler(tasks, on_failure=lambda task: metrics.confirmation_failed(task.kind))
        await stack.enter_async_context(scheduler.running())
        confirming = confirm_tenants(scheduler, logs.values(), engine, settings)
        stack.enter_context(background("confirmations of tenants' logs", confirming, stop))
        yield
