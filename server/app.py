"""The one place where the parts of a server are put together, started and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection

from server.api.backend import Backend
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.http_api import build_http_api
from server.config import Address, Settings
from server.datadir import DataDirectory
from server.listeners import serve_grpc, serve_http
from server.notary.batch import Batch
from server.notary.chain import TrustedKeys
from server.notary.note import Signer
from server.notary.origin import LogName, Stream
from server.otlp.grpc_receiver import build_logs_handler, server_options
from server.otlp.http_receiver import build_http_app
from server.otlp.reference import ReferenceCodec
from server.pipeline.batcher import Batcher, BatchLimits
from server.pipeline.log_writer import LogWriter
from server.pipeline.pipeline import Pipeline
from server.pipeline.recovery import open_log
from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import NotAppliedError, OutcomeUnknownError, StorageError
from storage.migrate import migrate
from storage.url import StorageUrl
from storage.writers import RENEWAL, WriterName, claim, release, renew

__all__ = ["BoundAddresses", "run_server"]

_logger = logging.getLogger(__name__)

_CONNECT_PAUSE = 2.0  # seconds between attempts to reach storage at start
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
        LogUnusableError: the log in storage is not the one this server wrote.
        StorageConfigError, StorageBusyError: the storage can never be used like this.
        OSError: a port cannot be listened on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    give_up = threading.Event()
    async with contextlib.AsyncExitStack() as stack:
        data = stack.enter_context(DataDirectory(settings.data_dir))
        engine = await _reach_storage(settings.storage, stop)
        if engine is None:
            return
        stack.callback(engine.close)
        # Reading has connections of its own, so that commits never wait for queries.
        reader = stack.enter_context(contextlib.closing(await asyncio.to_thread(connect, settings.storage)))
        name = WriterName(settings.deployment, data.writer(settings.writer), data.place)
        await stack.enter_async_context(_sole_writer(engine, name))
        writers, keys = await asyncio.to_thread(_open_logs, name, settings, data, engine, give_up)
        pipeline = _build_pipeline(settings, writers)
        backend = Backend(reader, keys, lambda: [writer.checkpoint for writer in writers.values()])
        not_ready = partial(_not_ready, engine, writers)
        bound = await stack.enter_async_context(_serve(settings, pipeline, backend, not_ready))
        on_ready(bound)
        await stop.wait()
        _logger.info("stopping: requests that were taken are committed, new ones refused")
        loop.call_later(_FLUSH_GRACE, give_up.set)
        await pipeline.close()


async def _reach_storage(url: StorageUrl, stop: asyncio.Event) -> Engine | None:
    """Connect and migrate; wait while the server is not there, None if stopped meanwhile."""
    while not stop.is_set():
        try:
            return await asyncio.to_thread(_connect_and_migrate, url)
        except (NotAppliedError, OutcomeUnknownError) as error:
            _logger.warning("waiting for storage at %s: %s", url, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _CONNECT_PAUSE)
    return None


def _connect_and_migrate(url: StorageUrl) -> Engine:
    engine = connect(url)
    try:
        for migration in migrate(engine):
            _logger.info("applied migration %d (%s)", migration.number, migration.name)
    except BaseException:
        engine.close()
        raise
    return engine


@contextlib.asynccontextmanager
async def _sole_writer(engine: Engine, name: WriterName) -> AsyncIterator[None]:
    """Hold a name against servers elsewhere; an exclusive engine needs no such care."""
    if engine.info.exclusive:
        yield
        return
    await asyncio.to_thread(claim, engine, name)
    renewal = asyncio.create_task(_renew(engine, name))
    try:
        yield
    finally:
        renewal.cancel()
        try:
            await asyncio.to_thread(release, engine, name)
        except StorageError as error:
            _logger.warning("storage does not know that this server has stopped: %s", error)


async def _renew(engine: Engine, name: WriterName) -> None:
    while True:
        await asyncio.sleep(RENEWAL)
        try:
            await asyncio.to_thread(renew, engine, name)
        except StorageError as error:
            _logger.warning("storage does not know that this server still writes: %s", error)


def _open_logs(
    name: WriterName, settings: Settings, data: DataDirectory, engine: Engine, give_up: threading.Event
) -> tuple[dict[Stream, LogWriter], TrustedKeys]:
    signer = data.signer()
    names = {stream: LogName(name.deployment, stream, name.writer) for stream in Stream}
    data.publish_keys(signer, names.values())
    writers = {stream: _open_log(name, data, engine, signer, give_up) for stream, name in names.items()}
    own_key = signer.verifier_key(names[Stream.AUDIT].origin).public_key
    keys = TrustedKeys(settings.public_keys.named, (own_key, *settings.public_keys.unnamed))
    return writers, keys


def _open_log(
    name: LogName, data: DataDirectory, engine: Engine, signer: Signer, give_up: threading.Event
) -> LogWriter:
    def remember(batch: Batch) -> None:
        data.remember_checkpoint(name.stream, batch.checkpoint)

    state = open_log(engine, name, signer.verifier_key(name.origin), data.last_checkpoint(name))
    return LogWriter(engine, state, signer, remember, give_up)


def _build_pipeline(settings: Settings, writers: dict[Stream, LogWriter]) -> Pipeline:
    limits = BatchLimits(settings.batch_rows, settings.batch_bytes, settings.batch_age)
    batchers = {stream: Batcher(limits, writer.commit) for stream, writer in writers.items()}
    return Pipeline(
        ReferenceCodec(settings.audit_rules),
        batchers,
        memory_limit=settings.memory_limit,
        ack_timeout=settings.ack_timeout,
    )


@contextlib.asynccontextmanager
async def _serve(
    settings: Settings,
    pipeline: Pipeline,
    backend: Backend,
    not_ready: Callable[[], str],
) -> AsyncIterator[BoundAddresses]:
    pipeline.start()
    async with contextlib.AsyncExitStack() as stack:
        otlp = grpc.aio.server(options=server_options(settings.max_request_bytes))
        otlp.add_generic_rpc_handlers((build_logs_handler(pipeline),))
        otlp_address = await stack.enter_async_context(serve_grpc(otlp, settings.otlp_grpc))

        api = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_services(api, backend)
        healthy = await _add_health(api)
        reflection.enable_server_reflection((*SERVICE_NAMES, HEALTH_SERVICE, reflection.SERVICE_NAME), api)
        api_address = await stack.enter_async_context(serve_grpc(api, settings.api_grpc))
        stack.push_async_callback(healthy.enter_graceful_shutdown)

        receiver = build_http_app(pipeline, settings.max_request_bytes)
        receiver_address = await stack.enter_async_context(serve_http(receiver, settings.otlp_http))
        http_api = build_http_api(backend, not_ready)
        http_address = await stack.enter_async_context(serve_http(http_api, settings.http))
        yield BoundAddresses(otlp_address, receiver_address, api_address, http_address)


async def _add_health(server: grpc.aio.Server) -> HealthServicer:
    servicer = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for name in ("", *SERVICE_NAMES):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    return servicer


def _not_ready(engine: Engine, writers: dict[Stream, LogWriter]) -> str:
    for stream, writer in writers.items():
        if writer.blocked:
            return f"the {stream.value} log waits for storage to answer"
    try:
        engine.query("SELECT 1")
    except StorageError as error:
        return f"storage is not reached: {error}"
    return ""
