"""The context of a server process, and the interface of an intake of records."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from server.access.token_store import TokenStore
from server.access_log.noticed import DeniedSenders
from server.admission.tenant_limits import Usage
from server.data_dir.directory import DataDirectory
from server.intake.tokens import open_tokens, watch_tokens
from server.process.background import background
from server.process.ending import bounded_end
from server.process.lifecycle import Signals
from server.process.metrics import Metrics
from server.process.pools import Pools
from server.process.storage_probe import StorageProbe
from server.process.storage_wait import StorageWait, reach_storage
from server.retry.trouble import Trouble
from server.settings.settings import Settings
from server.settings.values import Address
from server.transport.certificates import Certificates
from server.writer.retention import enforced_retention
from storage.engine import Engine
from storage.free_space import disk_trouble
from storage.interrupt import Interrupt
from storage.measured import MeasuredEngine, MeasureStatement

__all__ = [
    "Intake",
    "OpenIntake",
    "Process",
    "Reached",
    "Reloads",
    "reached_storage",
    "retention_around",
    "started_process",
]


@dataclass(slots=True)
class Reloads:
    """Count of the times that the logs of a process have read their keys and audit rules; their start is the first."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """Context of a server process, from its start.

    Attributes:
        settings: the settings, or a worker's share of them.
        data: its data directory.
        pools: threads for blocking work.
        signals: events that signals set.
        reload_keys: set when the signing keys may have changed.
        waiting: the reason while the start waits for storage.
        ending: interrupt of all statements of writers, set when the process has waited long enough for them.
        own_token: token of the server's processes; see ``own_records.proof``.
        tokens: the tokens that callers and senders may use.
        certificates: certificates of the ports with TLS.
        denied_senders: records of senders without valid credentials.
        reloads: count of reloads; not of those of workers.
    """

    settings: Settings
    data: DataDirectory
    pools: Pools
    signals: Signals
    reload_keys: asyncio.Event
    waiting: Trouble
    ending: Interrupt
    own_token: str
    tokens: TokenStore
    certificates: Certificates
    denied_senders: DeniedSenders = field(default_factory=DeniedSenders)
    reloads: Reloads = field(default_factory=Reloads)


@contextlib.contextmanager
def started_process(
    settings: Settings,
    data: DataDirectory,
    pools: Pools,
    signals: Signals,
    reload_keys: asyncio.Event,
    own_token: str,
    worker: int = 0,
) -> Iterator[Process]:
    """Yield the context of a process, which ends within seconds once it is told to stop.

    Args:
        settings: as in ``Process``, like all that follow up to ``own_token``.
        data: its data directory.
        pools: threads for blocking work.
        signals: events that signals set.
        reload_keys: event.
        own_token: token of the server's processes.
        worker: number of the worker; 0 for the server itself.

    Raises:
        TokenError: the file of tokens cannot be read, or it is damaged.
        CertificateError: the certificate of a port cannot be used.
    """
    waiting, certificates = StorageWait(settings.storage), Certificates(settings.tls)
    tokens = open_tokens(settings, f"worker-{worker}" if worker else "server")
    shared = settings, data, pools, signals, reload_keys, waiting, Interrupt(), own_token
    process = Process(*shared, tokens, certificates)
    with contextlib.ExitStack() as stack:
        reloading = certificates.watch(pools.files, signals.reread_certificates)
        stack.enter_context(background("reloading of certificates", reloading, signals.stop))
        stack.enter_context(bounded_end(signals, process.ending))
        stack.callback(tokens.write_uses)  # the uses since the last write
        stack.enter_context(background("tokens", watch_tokens(pools.access, tokens), signals.stop))
        yield process


@dataclass(frozen=True, slots=True)
class Reached:
    """Storage that has been reached.

    Attributes:
        engine: the storage, to write with.
        probe: looks whether it answers.
    """

    engine: Engine
    probe: StorageProbe


@dataclass(frozen=True, slots=True)
class OpenIntake:
    """An intake that accepts records.

    Attributes:
        run: accepts requests until an event is set, then refuses new ones.
        signed_by: returns the fingerprints of the keys that sign all logs, as storage has it, by the holder of these
            keys; empty while that changes.
    """

    run: Callable[[asyncio.Event], Awaitable[None]]
    signed_by: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Intake:
    """The OTLP side of a server: it answers from its start, and accepts records once it has a storage.

    Attributes:
        otlp_grpc, otlp_http: addresses of the OTLP receivers.
        metrics: metrics of the intake.
        not_ready: returns why records cannot be acknowledged, empty if they can; does not block.
        rules_problem: returns why the audit rules could not be reloaded, empty if they could; does not block.
        reloads: returns how often each process that writes logs has read their keys and the audit rules; for the event
            loop, does not block.
        usage: returns what each tenant has sent since the start; thread-safe, does not block.
        has_logs: returns whether a tenant has sent something since the start, so that it has logs; does not block.
        accepting: accepts records until its block ends, given the storage.
    """

    otlp_grpc: Address
    otlp_http: Address
    metrics: Metrics
    not_ready: Callable[[], str]
    rules_problem: Callable[[], str]
    reloads: Callable[[], Sequence[int]]
    usage: Callable[[], Mapping[str, Usage]]
    has_logs: Callable[[str], bool]
    accepting: Callable[[Reached], AbstractAsyncContextManager[OpenIntake]]


@contextlib.asynccontextmanager
async def reached_storage(process: Process, measure: MeasureStatement) -> AsyncIterator[Reached]:
    """Wait for storage; yields an engine to write with, whose statements are measured, and what probes it meanwhile."""
    url, stop = process.settings.storage, process.signals.stop
    engine = await reach_storage(process.pools.housekeeping, url, stop, process.waiting, process.ending)
    with contextlib.closing(engine):
        measured = MeasuredEngine(engine, measure)
        probe = StorageProbe(measured, room=lambda: disk_trouble(url))
        with background("storage probe", probe.run(process.pools.probe), stop):
            yield Reached(measured, probe)


def retention_around(process: Process, engine: Engine) -> AbstractAsyncContextManager[None]:
    """Enforce retention around what the logs state of it; see ``enforced_retention``."""
    return enforced_retention(
        process.pools.housekeeping, process.settings, engine, process.signals.stop, process.waiting
    )
