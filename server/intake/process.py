"""The context of a server process, and the interface of an intake of records."""

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

__all__ = ["Intake", "OpenIntake", "Process", "reached_storage", "retention_around"]


@dataclass(frozen=True, slots=True)
class Process:
    """Context of a server process, from its start.

    Attributes:
        settings: the settings, or a worker's share of them.
        data: its data directory.
        pools: threads for blocking work.
        signals: events that signals set.
        reload_keys: set when the signing keys may have changed.
    """

    settings: Settings
    data: DataDirectory
    pools: Pools
    signals: Signals
    reload_keys: asyncio.Event


@dataclass(frozen=True, slots=True)
class OpenIntake:
    """An intake that accepts records.

    Attributes:
        run: accepts requests until the process has to stop, then refuses new ones.
        signed_by: returns the fingerprints of the keys that sign all logs, as storage has it; empty while that changes.
    """

    run: Callable[[], Awaitable[None]]
    signed_by: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Intake:
    """The OTLP side of a server: it answers from its start, and accepts records once it has a storage.

    Attributes:
        otlp_grpc, otlp_http: addresses of the OTLP receivers.
        metrics: metrics of the intake.
        not_ready: returns why records cannot be acknowledged, empty if they can; does not block.
        accepting: accepts records until its block ends, given the storage.
    """

    otlp_grpc: Address
    otlp_http: Address
    metrics: Metrics
    not_ready: Callable[[], str]
    accepting: Callable[[Engine], AbstractAsyncContextManager[OpenIntake]]


@contextlib.asynccontextmanager
async def reached_storage(process: Process) -> AsyncIterator[Engine]:
    """Wait for storage; yields an engine to write with."""
    engine = await reach_storage(process.pools.housekeeping, process.settings.storage, process.signals.stop)
    with contextlib.closing(engine):
        yield engine


def retention_around(process: Process, engine: Engine) -> AbstractAsyncContextManager[None]:
    """Enforce retention around what the logs state of it; see ``enforced_retention``."""
    return enforced_retention(process.pools.housekeeping, process.settings, engine, process.signals.stop)
