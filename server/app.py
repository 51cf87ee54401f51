"""The one place where the parts of a server are put together, started and stopped.

A server is one process, or several: then its workers receive records and write them, each to logs of
its own, and the server itself answers the API over all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace

import grpc.aio
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection

from server.allocator import give_freed_memory_back, keep_freed_memory
from server.api.backend import Backend
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.health import add_health
from server.api.http_api import build_http_api
from server.attended_log import StoredLog
from server.config import Settings
from server.datadir import DataDirectory, worker_directory
from server.descriptors import allow_descriptors
from server.http_connections import ConnectionLimits
from server.identity import identify, key_store
from server.kept_logs import KeptLog, keep_alive, open_logs, reread_keys, state_changes
from server.keystore import KeyStore
from server.listeners import serve_grpc, serve_http, serve_http_apart
from server.memory import MemoryGuard, MemoryPlan, plan_memory, resident_memory
from server.notary.checkpoint import Checkpoint
from server.notary.origin import Stream
from server.notary.statement import Statement
from server.otlp.codecs import build_codec
from server.otlp.grpc_receiver import build_logs_handler, server_options
from server.otlp.http_receiver import build_http_app
from server.pipeline.admission import Admission
from server.pipeline.batcher import Batcher, BatchLimits
from server.pipeline.pipeline import Pipeline
from server.pipeline.rows import Codec
from server.ports import reserve
from server.retention import enforced_retention
from server.setting_values import Address
from server.startup import Signals, background, heed_signals, reach_storage, sole_writer, whenever
from server.witness.attendance import Attendance, plan_errands
from server.worker_link import REPORT_INTERVAL, Order, Report
from server.workers import Workers
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import StorageError
from storage.writers import WriterName

__all__ = ["BoundAddresses", "run_server", "run_worker"]

_logger = logging.getLogger(__name__)

_FLUSH_GRACE = 30.0  # seconds that storage may take for the last batches


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
        StorageConfigError, StorageBusyError: the storage can never be used like this.
        WorkerFailedError: a worker met one of these.
        OSError: a port cannot be listened on.
    """
    signals = heed_signals()
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(DataDirectory(settings.data_dir))
        engine = await reach_storage(settings.storage, signals.stop)
        if engine is None:
            return
        stack.callback(engine.close)
        run = _run_alone if settings.workers == 1 else _run_with_workers
        await run(settings, data, engine, signals, on_ready)


async def _run_alone(
    settings: Settings,
    data: DataDirectory,
    engine: Engine,
    signals: Signals,
    on_ready: Callable[[BoundAddresses], None],
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        identity = identify(settings, data)
        # Reading has connections of its own, so that commits never wait for queries.
        reader = stack.enter_context(contextlib.closing(await asyncio.to_thread(connect, settings.storage)))
        name = WriterName(settings.deployment, identity.writer, data.place)
        ingest = await stack.enter_async_context(_ingest(settings, name, data, identity.store, engine))
        backend = Backend(reader, identity.keys, lambda: [*ingest.checkpoints(), *data.kept(identity.workers_logs)])
        otlp_grpc, otlp_http = await stack.enter_async_context(_receive(settings, ingest.pipeline))
        api_grpc, http = await stack.enter_async_context(
            _answer(settings, backend, lambda: ingest.blocked() or _out_of_reach(engine))
        )
        # Now that it can serve: a server that cannot leaves nothing behind.
        async with enforced_retention(settings, engine):
            await asyncio.to_thread(state_changes, settings, ingest.logs, identity.store)
        on_ready(BoundAddresses(otlp_grpc, otlp_http, api_grpc, http))

        def reread() -> None:
            ingest.reread_keys(identity.store)
            identity.publish()
            backend.forget_keys()

        with background(whenever(signals.reread, reread)):
            await signals.stop.wait()
        await ingest.finish()


async def _run_with_workers(
    settings: Settings,
    data: DataDirectory,
    engine: Engine,
    signals: Signals,
    on_ready: Callable[[BoundAddresses], None],
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
        )
        numbers = range(1, settings.workers + 1)
        workers = Workers([Order(number, identity.writer_of(number), share) for number in numbers])
        logs = (*identity.logs, *identity.workers_logs)
        # What a worker has written down it has committed before, so storage can never be behind it.
        backend = Backend(engine, identity.keys, lambda: data.kept(logs))
        api_grpc, http = await stack.enter_async_context(
            _answer(settings, backend, lambda: workers.not_ready() or _out_of_reach(engine))
        )
        async with enforced_retention(settings, engine):
            await stack.enter_async_context(workers.running())
            await workers.wait_until_ready(signals.stop)
        if not signals.stop.is_set():
            on_ready(BoundAddresses(otlp_grpc, otlp_http, api_grpc, http))

        def reread() -> None:
            workers.reread_keys()
            identity.publish()

        with background(whenever(signals.reread, reread)):
            await workers.run_until(signals.stop)
        _logger.info("stopping: the workers commit requests that were taken, and refuse new ones")


async def run_worker(order: Order, signals: Signals, say: Callable[[Report], None]) -> None:
    """Run a worker of a server.

    Args:
        order: what the server wants of it.
        signals: what others want of it.
        say: called now and then, from when it takes records.

    Raises:
        DataDirectoryError, LogUnusableError, StorageConfigError, OSError: as ``run_server``.
        StorageError: storage went away as it started.
    """
    settings = order.settings
    async with contextlib.AsyncExitStack() as stack:
        data = stack.enter_context(DataDirectory(worker_directory(settings.data_dir, order.number)))
        engine = await reach_storage(settings.storage, signals.stop)
        if engine is None:
            return
        stack.callback(engine.close)
        name = WriterName(settings.deployment, order.writer, data.place)
        keys = key_store(settings)
        ingest = await stack.enter_async_context(_ingest(settings, name, data, keys, engine))
        await stack.enter_async_context(_receive(settings, ingest.pipeline, shared=True))
        await asyncio.to_thread(state_changes, settings, ingest.logs, keys)
        stack.enter_context(background(_report(ingest, say)))
        stack.enter_context(background(whenever(signals.reread, lambda: ingest.reread_keys(keys))))
        await signals.stop.wait()
        await ingest.finish()


@dataclass(frozen=True, slots=True)
class _Ingest:
    """What records go through, from the pipeline's door to the logs."""

    pipeline: Pipeline
    logs: Mapping[Stream, KeptLog]
    give_up: threading.Event

    def checkpoints(self) -> list[Checkpoint | Statement]:
        stated = (log.statements.last for log in self.logs.values())
        return [*(log.writer.checkpoint for log in self.logs.values()), *filter(None, stated)]

    def reread_keys(self, keys: KeyStore) -> None:
        reread_keys(self.logs.values(), keys)

    def blocked(self) -> str:
        blocked = [stream for stream, log in self.logs.items() if log.writer.blocked]
        return f"the {blocked[0].value} log waits for storage to answer" if blocked else ""

    async def finish(self) -> None:
        _logger.info("stopping: requests that were taken are committed, new ones refused")
        asyncio.get_running_loop().call_later(_FLUSH_GRACE, self.give_up.set)
        await self.pipeline.close()


@contextlib.asynccontextmanager
async def _ingest(
    settings: Settings, name: WriterName, data: DataDirectory, keys: KeyStore, engine: Engine
) -> AsyncIterator[_Ingest]:
    """Go on with the logs of a writer."""
    keep_freed_memory()
    give_up = threading.Event()
    plan = plan_memory(
        settings.memory_limit,
        resident_memory() or 0,
        max_requests=settings.max_requests,
        batch_bytes=settings.batch_bytes,
        embedded=engine.info.exclusive,
    )
    codec = build_codec(settings.codec, settings.audit_rules, plan.rows)
    async with sole_writer(engine, name):
        logs = await asyncio.to_thread(open_logs, settings, name.writer, data, keys, engine, give_up)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(background(keep_alive(logs.values(), settings.heartbeat)))
            errands = plan_errands(
                [StoredLog(log, engine) for log in logs.values()],
                settings.witnesses,
                settings.timestamp_authority,
                witness_interval=settings.witness_interval,
            )
            await stack.enter_async_context(Attendance(errands).running())
            admission = Admission(plan.admission)
            stack.enter_context(background(_guard(plan, admission, engine).run()))
            yield _Ingest(_build_pipeline(settings, codec, logs, admission), logs, give_up)


def _guard(plan: MemoryPlan, admission: Admission, engine: Engine) -> MemoryGuard:
    give_back: list[Callable[[], object]] = [give_freed_memory_back]
    if engine.info.exclusive:  # it keeps freed memory in an allocator of its own, in this process
        give_back.append(lambda: engine.execute("SYSTEM JEMALLOC PURGE"))
    return MemoryGuard(plan.limit, admission, give_back)


def _build_pipeline(settings: Settings, codec: Codec, logs: Mapping[Stream, KeptLog], admission: Admission) -> Pipeline:
    limits = BatchLimits(settings.batch_rows, settings.batch_bytes, settings.batch_age)
    batchers = {stream: Batcher(limits, log.writer.commit) for stream, log in logs.items()}
    return Pipeline(
        codec,
        batchers,
        admission,
        ack_timeout=settings.ack_timeout,
    )


@contextlib.asynccontextmanager
async def _receive(
    settings: Settings, pipeline: Pipeline, *, shared: bool = False
) -> AsyncIterator[tuple[Address, Address]]:
    """Receive OTLP, over gRPC and HTTP; yields where. Shared: other processes may listen there too."""
    pipeline.start()
    allow_descriptors(4 * settings.max_connections)
    options = dict(
        server_options(
            min(settings.max_request_bytes, pipeline.largest),
            max_connections=settings.max_connections,
            max_calls=settings.max_requests,
            max_connection_age=settings.max_connection_age,
        )
    ) | {"grpc.so_reuseport": int(shared)}
    server = grpc.aio.server(options=list(options.items()))
    server.add_generic_rpc_handlers((build_logs_handler(pipeline, settings.max_request_bytes),))
    app = build_http_app(pipeline, settings.max_request_bytes)
    limits = ConnectionLimits(settings.max_connections, settings.max_connection_age)
    async with (
        serve_grpc(server, settings.otlp_grpc) as grpc_address,
        serve_http(app, settings.otlp_http, limits, shared=shared) as http_address,
    ):
        yield grpc_address, http_address


@contextlib.asynccontextmanager
async def _answer(
    settings: Settings, backend: Backend, not_ready: Callable[[], str]
) -> AsyncIterator[tuple[Address, Address]]:
    """Answer the API, over gRPC and HTTP; yields where."""
    async with contextlib.AsyncExitStack() as stack:
        options = [("grpc.so_reuseport", 0), ("grpc.max_allowed_incoming_connections", settings.max_connections)]
        server = grpc.aio.server(options=options)
        add_services(server, backend)
        healthy = await add_health(server)
        reflection.enable_server_reflection((*SERVICE_NAMES, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
        grpc_address = await stack.enter_async_context(serve_grpc(server, settings.api_grpc))
        stack.push_async_callback(healthy.enter_graceful_shutdown)
        limits = ConnectionLimits(settings.max_connections)
        http_api = build_http_api(backend, not_ready)
        http_address = await stack.enter_async_context(serve_http_apart(http_api, settings.http, limits))
        yield grpc_address, http_address


async def _report(ingest: _Ingest, say: Callable[[Report], None]) -> None:
    while True:
        say(Report(not_ready=ingest.blocked()))
        await asyncio.sleep(REPORT_INTERVAL)


def _out_of_reach(engine: Engine) -> str:
    try:
        engine.query("SELECT 1")
    except StorageError as error:
        return f"storage is not reached: {error}"
    return ""
