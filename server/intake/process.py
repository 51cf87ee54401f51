"""What each process of a server has from its start, and what an intake of records is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from server.data_dir.directory import DataDirectory
from server.process.lifecycle import Signals, reach_storage
from server.process.metrics import Metrics
from server.process.pools import Pools
from server.settings.settings import Settings
from server.settings.values import Address
from server.writer.retention import enforced_retention
from storage.engine import Engine

__all__ = ["Intake", "Process", "Taking", "reached_storage", "retention_around"]


@dataclass(frozen=True, slots=True)
class Process:
    """What each process of a server has from its start.

    Attributes:
        settings: the settings, or a worker's share of them.
        data: its data directory.
        pools: where it does what blocks.
        signals: what others want of it.
        reload_keys: set when its logs may have to be signed by other keys.
    """

    settings: Settings
    data: DataDirectory
    pools: Pools
    signals: Signals
    reload_keys: asyncio.Event


@dataclass(frozen=True, slots=True)
class Taking:
    """Records are taken.

    Attributes:
        run: runs until the process is to stop, and then refuses new requests.
        signed_by: returns the fingerprints of the keys that sign all logs, as storage has it; empty while that changes.
    """

    run: Callable[[], Awaitable[None]]
    signed_by: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Intake:
    """Where records come in: in this process or in its workers, from when storage is reached.

    Attributes:
        otlp_grpc, otlp_http: where they come in.
        metrics: of that.
        not_ready: returns why records cannot be acknowledged, empty if they can; does not block.
        taking: takes records until its block ends, given the storage.
    """

    otlp_grpc: Address
    otlp_http: Address
    metrics: Metrics
    not_ready: Callable[[], str]
    taking: Callable[[Engine], AbstractAsyncContextManager[Taking]]


@contextlib.asynccontextmanager
async def reached_storage(process: Process) -> AsyncIterator[Engine]:
    """Wait for storage; yields an engine to write with."""
    engine = await reach_storage(process.pools.housekeeping, process.settings.storage, process.signals.stop)
    with contextlib.closing(engine):
        yield engine


def retention_around(process: Process, engine: Engine) -> AbstractAsyncContextManager[None]:
    """Enforce retention around what the logs state of it; see ``enforced_retention``."""
    return enforced_retention(process.pools.housekeeping, process.settings, engine, process.signals.stop)
