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

from server.allocator import keep_freed_memory
from server.api.backend import Backend
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.health import add_health
from server.api.http_api import build_http_api
from server.attended_log import StoredLog
from server.config import Settings
from server.datadir import DataDirectory, worker_directory
from server.identity import identify, key_store
from server.kept_logs import KeptLog, keep_alive, open_logs, reread_keys, state_changes, stored, storing
from server.keystore import KeyStore
from server.listeners import serve_grpc, serve_http
from server.notary.checkpoint import Checkpoint
from server.notary.origin import Stream
from server.notary.statement import Statement
from server.otlp.codecs import build_codec
from server.otlp.grpc_receiver import build_logs_handler, server_options
from server.otlp.http_receiver import build_http_app
from server.pipeline.batcher import Batcher, BatchLimits
from server.pipeline.errors import RefusedError
from server.pipeline.pipeline import Pipeline
from server.pipeline.rows import Codec
from server.ports import reserve
from server.retention import enforced_retention
from server.setting_values import Acknowledge, Address
from server.startup import (
    Signals,
    StoppedError,
    background,
    heed_signals,
    once,
    patiently,
    reach_storage,
    sole_writer,
    whenever,
)
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
        JournalDamagedError: the journal cannot be read.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
        WorkerFailedError: a worker met one of these.
        OSError: a port cannot be listened on.
    """
    signals = heed_signals()
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(DataDirectory(settings.data_dir))
        stack.enter_context(contextlib.suppress(StoppedError))
        engine = stack.enter_context(contextlib.closing(await reach_storage(settings.storage, signals.stop)))
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
        ingest = await stack.enter_async_context(_ingest(settings, name, data, identity.store, engine, signals))
        backend = Backend(reader, identity.keys, lambda: [*ingest.checkpoints(), *data.kept(identity.workers_logs)])
        otlp_grpc, otlp_http = await stack.enter_async_context(_receive(settings, ingest.pipeline))
        api_grpc, http = await stack.enter_async_context(
            _answer(settings, backend, lambda: ingest.blocked() or _out_of_reach(engine))
        )
        # Now that it can serve: a server that cannot leaves nothing behind.
        async with enforced_retention(settings, engine):
            await patiently(lambda: state_changes(settings, ingest.logs, identity.store), signals.stop)
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
            memory_limit=max(1, settings.memory_limit // settings.workers),
            journal_bytes=max(1, settings.journal_bytes // settings.workers),
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
        DataDirectoryError, LogUnusableError, JournalDamagedError, StorageConfigError, OSError: as ``run_server``.
    """
    settings = order.settings
    async with contextlib.AsyncExitStack() as stack:
        data = stack.enter_context(DataDirectory(worker_directory(settings.data_dir, order.number)))
        stack.enter_context(contextlib.suppress(StoppedError))
        engine = stack.enter_context(contextlib.closing(await reach_storage(settings.storage, signals.stop)))
        name = WriterName(settings.deployment, order.writer, data.place)
        keys = key_store(settings)
        ingest = await stack.enter_async_context(_ingest(settings, name, data, keys, engine, signals))
        await stack.enter_async_context(_receive(settings, ingest.pipeline, shared=True))
        await patiently(lambda: state_changes(settings, ingest.logs, keys), signals.stop)
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
        troubles = {stream: log.writer.trouble for stream, log in self.logs.items()}
        return next((f"the {stream.value} log: {trouble}" for stream, trouble in troubles.items() if trouble), "")

    async def finish(self) -> None:
        _logger.info("stopping: requests that were taken are committed, new ones refused")
        asyncio.get_running_loop().call_later(_FLUSH_GRACE, self.give_up.set)
        await self.pipeline.close()
        await stored([log.writer for log in self.logs.values()], self.give_up)


@contextlib.asynccontextmanager
async def _ingest(
    settings: Settings, name: WriterName, data: DataDirectory, keys: KeyStore, engine: Engine, signals: Signals
) -> AsyncIterator[_Ingest]:
    """Go on with the logs of a writer."""
    keep_freed_memory()
    give_up = threading.Event()
    codec = build_codec(settings.codec, settings.audit_rules)
    async with sole_writer(engine, name, signals.stop), contextlib.AsyncExitStack() as stack:
        with background(once(signals.stop, give_up.set)):
            logs = await patiently(lambda: open_logs(settings, name.writer, data, keys, engine, give_up), signals.stop)
            for log in logs.values():
                stack.callback(log.close)
            batchers = _build_batchers(settings, logs)
            await _store_journals(settings, logs, batchers, give_up, stack)
        stack.enter_context(background(keep_alive(logs.values(), settings.heartbeat)))
        errands = plan_errands(
            [StoredLog(log, engine) for log in logs.values()],
            settings.witnesses,
            settings.timestamp_authority,
            witness_interval=settings.witness_interval,
        )
        await stack.enter_async_context(Attendance(errands).running())
        yield _Ingest(_build_pipeline(settings, codec, batchers), logs, give_up)


async def _store_journals(
    settings: Settings,
    logs: Mapping[Stream, KeptLog],
    batchers: Mapping[Stream, Batcher],
    give_up: threading.Event,
    stack: contextlib.AsyncExitStack,
) -> None:
    """Store what is in the journals: behind those who send, or before they may."""
    for stream, log in logs.items():
        if settings.ack is Acknowledge.JOURNAL:
            await stack.enter_async_context(storing(log.writer, give_up))
        else:
            # Their senders were not told OK, for that comes after the commit.
            try:
                requests = await asyncio.to_thread(log.writer.store_waiting)
            except RefusedError as error:  # it was given up
                raise StoppedError from error
            batchers[stream].leave_behind(requests)


def _build_batchers(settings: Settings, logs: Mapping[Stream, KeptLog]) -> dict[Stream, Batcher]:
    limits = BatchLimits(settings.batch_rows, settings.batch_bytes, settings.batch_age)
    in_journal = settings.ack is Acknowledge.JOURNAL
    return {
        stream: Batcher(limits, log.writer.append if in_journal else log.writer.commit) for stream, log in logs.items()
    }


def _build_pipeline(settings: Settings, codec: Codec, batchers: Mapping[Stream, Batcher]) -> Pipeline:
    return Pipeline(
        codec,
        batchers,
        memory_limit=settings.memory_limit,
        ack_timeout=settings.ack_timeout,
    )


@contextlib.asynccontextmanager
async def _receive(
    settings: Settings, pipeline: Pipeline, *, shared: bool = False
) -> AsyncIterator[tuple[Address, Address]]:
    """Receive OTLP, over gRPC and HTTP; yields where. Shared: other processes may listen there too."""
    pipeline.start()
    options = dict(server_options(settings.max_request_bytes)) | {"grpc.so_reuseport": int(shared)}
    server = grpc.aio.server(options=list(options.items()))
    server.add_generic_rpc_handlers((build_logs_handler(pipeline),))
    app = build_http_app(pipeline, settings.max_request_bytes)
    async with (
        serve_grpc(server, settings.otlp_grpc) as grpc_address,
        serve_http(app, settings.otlp_http, shared=shared) as http_address,
    ):
        yield grpc_address, http_address


@contextlib.asynccontextmanager
async def _answer(
    settings: Settings, backend: Backend, not_ready: Callable[[], str]
) -> AsyncIterator[tuple[Address, Address]]:
    """Answer the API, over gRPC and HTTP; yields where."""
    async with contextlib.AsyncExitStack() as stack:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_services(server, backend)
        healthy = await add_health(server)
        reflection.enable_server_reflection((*SERVICE_NAMES, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
        grpc_address = await stack.enter_async_context(serve_grpc(server, settings.api_grpc))
        stack.push_async_callback(healthy.enter_graceful_shutdown)
        http_address = await stack.enter_async_context(serve_http(build_http_api(backend, not_ready), settings.http))
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
