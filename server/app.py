"""The one place where the parts of a server are put together, started and stopped.

A server is one process, or several: then its workers receive records and write them, each to logs of
its own, and the server itself answers the API over all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import grpc.aio
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection

from server.api.backend import Backend
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.health import add_health
from server.api.http_api import build_http_api
from server.data_dir.directory import DataDirectory, worker_directory
from server.keys.identity import Identity, identify, key_store
from server.keys.store import KeyStoreError
from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement
from server.otlp.grpc_receiver import build_logs_handler, server_options
from server.otlp.http_receiver import build_http_app
from server.process.descriptors import allow_descriptors
from server.process.lifecycle import (
    Signals,
    StoppedError,
    background,
    install_signal_handlers,
    reach_storage,
    retry_until_available,
    run_on_event,
)
from server.process.memory_limit import largest_acceptable_request, resident_memory
from server.process.metrics import Metrics, ready_gauge
from server.self_verification.service import self_verification
from server.self_verification.status import gauges
from server.settings.settings import Settings
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_grpc, serve_http, serve_http_apart
from server.workers.messages import REPORT_INTERVAL, Order, Report
from server.workers.reserved_ports import reserve
from server.workers.supervisor import Supervisor
from server.writer.ingestion import Ingestion
from server.writer.owned_logs import state_changes
from server.writer.retention import enforced_retention
from storage.clickhouse import connect
from storage.deferred import DeferredEngine
from storage.url import EmbeddedUrl
from storage.writers import WriterName

__all__ = ["BoundAddresses", "run_server", "run_worker"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoundAddresses:
    """Where a server listens, with the ports it got."""

    otlp_grpc: Address
    otlp_http: Address
    api_grpc: Address
    http: Address


async def run_server(settings: Settings, on_ready: Callable[[BoundAddresses], None]) -> None:
    """Run a server until SIGTERM or SIGINT.

    Args:
        settings: the settings.
        on_ready: called once all ports accept requests.

    Raises:
        DataDirectoryError: the data directory cannot be used.
        KeyStoreError, SigningError: a signing key cannot be used.
        LogUnusableError: the log in storage is not the one this server wrote.
        JournalDamagedError: the journal cannot be read.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
        WorkerFailedError: a worker met one of these.
        AddressUnavailableError: a port cannot be listened on.
        WitnessError: a timestamp authority cannot be used as it is set.
        MemoryLimitError: there is not enough memory for any request.
        ListenerEndedError: what listened on a port ended by itself; requests that were taken are committed.
    """
    signals = install_signal_handlers()
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(DataDirectory(settings.data_dir))
        stack.enter_context(contextlib.suppress(StoppedError))
        run = _run_alone if settings.workers == 1 else _run_with_workers
        await run(settings, data, signals, on_ready)


async def _run_alone(
    settings: Settings, data: DataDirectory, signals: Signals, on_ready: Callable[[BoundAddresses], None]
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        identity = identify(settings, data)
        ingestion = Ingestion(settings)
        # Reading has connections of its own, so that commits never wait for queries.
        reader = DeferredEngine()
        metrics = ingestion.metrics

        def remembered() -> list[Checkpoint | Statement]:
            return [*ingestion.checkpoints(), *data.kept(identity.workers_logs)]

        backend = Backend(
            reader,
            identity.trusted(),
            remembered,
            on_verified=metrics.verified,
            on_finding=metrics.finding,
        )

        def reread() -> None:
            _believe_anew(backend, identity)  # at once: it needs no storage
            ingestion.reload_keys(identity.store)

        stack.enter_context(background(run_on_event(signals.reread, reread)))
        # Before storage is reached, so that senders and those who watch are told what is wanting.
        otlp_grpc, otlp_http = await stack.enter_async_context(_receive(settings, ingestion, signals.stop))
        answering = _answer(settings, backend, ingestion.not_ready, metrics, signals.stop)
        api_grpc, http = await stack.enter_async_context(answering)
        engine = stack.enter_context(contextlib.closing(await reach_storage(settings.storage, signals.stop)))
        reads = await retry_until_available(lambda: connect(settings.storage), signals.stop)
        reader.arrive(stack.enter_context(contextlib.closing(reads)))
        name = WriterName(settings.deployment, identity.writer, data.place)
        await stack.enter_async_context(ingestion.writing(name, data, identity.store, engine, signals))
        async with enforced_retention(settings, engine, signals.stop):
            await retry_until_available(lambda: state_changes(settings, ingestion.logs, identity.store), signals.stop)
        ingestion.start(engine, stack)
        stack.enter_context(background(_publish_keys(identity, ingestion.signed_by)))
        verification = self_verification(settings, lambda: backend.keys, remembered, otlp_grpc)
        status = await stack.enter_async_context(verification)
        metrics.add_gauges(lambda: gauges(status()))
        _freeze_gc()
        on_ready(BoundAddresses(otlp_grpc, otlp_http, api_grpc, http))
        await signals.stop.wait()
        await ingestion.finish()


async def _run_with_workers(
    settings: Settings, data: DataDirectory, signals: Signals, on_ready: Callable[[BoundAddresses], None]
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        identity = identify(settings, data)
        otlp_grpc = stack.enter_context(reserve(settings.otlp_grpc))
        otlp_http = stack.enter_context(reserve(settings.otlp_http))
        share = replace(
            settings,
            otlp_grpc=otlp_grpc,
            otlp_http=otlp_http,
            memory_limit=settings.memory_limit // (settings.workers + 1),  # this process has a share too
            journal_bytes=max(1, settings.journal_bytes // settings.workers),
        )
        numbers = range(1, settings.workers + 1)
        workers = Supervisor([Order(number, identity.writer_of(number), share) for number in numbers])
        logs = (*identity.logs, *identity.workers_logs)
        reader = DeferredEngine()
        # What a worker has written down it has committed before, so storage can never be behind it.
        metrics = Metrics(lambda: [ready_gauge(workers.not_ready())], workers.metrics)
        backend = Backend(
            reader,
            identity.trusted(),
            lambda: data.kept(logs),
            on_verified=metrics.verified,
            on_finding=metrics.finding,
        )

        def reread() -> None:
            _believe_anew(backend, identity)
            workers.reload_keys()

        stack.enter_context(background(run_on_event(signals.reread, reread)))
        answering = _answer(settings, backend, workers.not_ready, metrics, signals.stop)
        api_grpc, http = await stack.enter_async_context(answering)
        engine = stack.enter_context(contextlib.closing(await reach_storage(settings.storage, signals.stop)))
        reader.arrive(engine)
        async with enforced_retention(settings, engine, signals.stop):
            await stack.enter_async_context(workers.running())
            await workers.wait_until_ready(signals.stop)
        stack.enter_context(background(_publish_keys(identity, workers.signed_by)))
        verification = self_verification(settings, lambda: backend.keys, lambda: data.kept(logs), otlp_grpc)
        status = await stack.enter_async_context(verification)
        metrics.add_gauges(lambda: gauges(status()))
        _freeze_gc()
        if not signals.stop.is_set():
            on_ready(BoundAddresses(otlp_grpc, otlp_http, api_grpc, http))
        await workers.run_until(signals.stop)
        _logger.info("stopping: the workers commit requests that were taken, and refuse new ones")


async def run_worker(order: Order, signals: Signals, say: Callable[[Report], None]) -> None:
    """Run a worker of a server.

    Args:
        order: what the server wants of it.
        signals: what others want of it.
        say: called now and then, from when it takes records.

    Raises:
        DataDirectoryError, LogUnusableError, JournalDamagedError, StorageConfigError,
            AddressUnavailableError, ListenerEndedError: as ``run_server``.
    """
    settings = order.settings
    async with contextlib.AsyncExitStack() as stack:
        data = stack.enter_context(DataDirectory(worker_directory(settings.data_dir, order.number)))
        stack.enter_context(contextlib.suppress(StoppedError))
        ingestion = Ingestion(settings)
        await stack.enter_async_context(_receive(settings, ingestion, signals.stop, shared=True))
        engine = stack.enter_context(contextlib.closing(await reach_storage(settings.storage, signals.stop)))
        name = WriterName(settings.deployment, order.writer, data.place)
        keys = key_store(settings)
        await stack.enter_async_context(ingestion.writing(name, data, keys, engine, signals))
        await retry_until_available(lambda: state_changes(settings, ingestion.logs, keys), signals.stop)
        ingestion.start(engine, stack)
        _freeze_gc()
        stack.enter_context(background(_report(ingestion, say)))
        stack.enter_context(background(run_on_event(signals.reread, lambda: ingestion.reload_keys(keys))))
        await signals.stop.wait()
        await ingestion.finish()


def _believe_anew(backend: Backend, identity: Identity) -> None:
    """Believe the public keys that the store has now, but for those that others may have; what goes wrong is logged."""
    try:
        keys = identity.trusted()
    except KeyStoreError as error:
        _logger.error("the keys are not read anew, so marks of compromised keys are not heeded either: %s", error)  # noqa: TRY400 - told whole
        return
    if keys != backend.keys:
        backend.believe(keys)
        _logger.info("the public keys were read anew; %d of them are marked as compromised", len(keys.compromised))


async def _publish_keys(identity: Identity, signed_by: Callable[[], str]) -> None:
    """Publish the keys of the logs each time that they have changed in storage; never ends."""
    published = ""
    trouble = ""
    while True:
        keys = signed_by()
        try:
            if keys and keys != published and await asyncio.to_thread(identity.publish, keys):
                published, trouble = keys, ""
        except KeyStoreError as error:
            if str(error) != trouble:
                trouble = str(error)
                _logger.error("the public keys are not published: %s", error)  # noqa: TRY400 - told whole
        await asyncio.sleep(REPORT_INTERVAL)


def _freeze_gc() -> None:
    """Let the garbage collector look at no object of now again: that takes 50 ms, in which no thread runs."""
    gc.collect()
    gc.freeze()


@contextlib.asynccontextmanager
async def _receive(
    settings: Settings, ingestion: Ingestion, ended: asyncio.Event, *, shared: bool = False
) -> AsyncIterator[tuple[Address, Address]]:
    """Receive OTLP, over gRPC and HTTP; yields where. Shared: other processes may listen there too.

    Should one end by itself, ``ended`` is set and the block ends with a ListenerEndedError.
    """
    pipeline, measure = ingestion.pipeline, ingestion.metrics.request
    allow_descriptors(4 * settings.max_connections)
    most = largest_acceptable_request(
        settings.memory_limit,
        resident_memory() or 0,
        batch_bytes=settings.batch_bytes,
        embedded=isinstance(settings.storage, EmbeddedUrl),
        behind=not ingestion.waits_for_storage,
    )
    options = dict(
        server_options(
            min(settings.max_request_bytes, most),
            max_connections=settings.max_connections,
            max_calls=settings.max_requests,
            max_connection_age=settings.max_connection_age,
        )
    ) | {"grpc.so_reuseport": int(shared)}
    server = grpc.aio.server(options=list(options.items()))
    server.add_generic_rpc_handlers((build_logs_handler(pipeline, settings.max_request_bytes, measure),))
    app = build_http_app(pipeline, settings.max_request_bytes, measure)
    limits = ConnectionLimits(settings.max_connections, settings.max_connection_age)
    async with (
        serve_grpc(server, settings.otlp_grpc, ended) as grpc_address,
        serve_http(app, settings.otlp_http, limits, ended, shared=shared) as http_address,
    ):
        yield grpc_address, http_address


@contextlib.asynccontextmanager
async def _answer(
    settings: Settings, backend: Backend, not_ready: Callable[[], str], metrics: Metrics, ended: asyncio.Event
) -> AsyncIterator[tuple[Address, Address]]:
    """Answer the API, over gRPC and HTTP; yields where. ``ended`` is as for ``_receive``."""
    async with contextlib.AsyncExitStack() as stack:
        options = [("grpc.so_reuseport", 0), ("grpc.max_allowed_incoming_connections", settings.max_connections)]
        server = grpc.aio.server(options=options)
        add_services(server, backend)
        healthy = await add_health(server)
        reflection.enable_server_reflection((*SERVICE_NAMES, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
        grpc_address = await stack.enter_async_context(serve_grpc(server, settings.api_grpc, ended))
        stack.push_async_callback(healthy.enter_graceful_shutdown)
        limits = ConnectionLimits(settings.max_connections)
        http_api = build_http_api(backend, not_ready, metrics.expose)
        http_address = await stack.enter_async_context(serve_http_apart(http_api, settings.http, limits, ended))
        yield grpc_address, http_address


async def _report(ingestion: Ingestion, say: Callable[[Report], None]) -> None:
    while True:
        metrics = ingestion.metrics.expose().decode()
        say(Report(not_ready=ingestion.not_ready(), metrics=metrics, signed_by=ingestion.signed_by()))
        await asyncio.sleep(REPORT_INTERVAL)
