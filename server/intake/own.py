"""The intake of a process that receives records itself: a server without workers, or a worker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial

import grpc.aio

from server.access.browsers import SenderRules
from server.access.errors import Denial
from server.access.requirement import is_loopback
from server.data_dir.own_socket import own_socket
from server.intake.process import Intake, OpenIntake, Process, Reached, retention_around
from server.intake.tokens import check_senders
from server.keys.identity import Identity
from server.keys.keyring import Keyring
from server.otlp.audit_records import AuditReceiving
from server.otlp.grpc_receiver import build_handlers, server_options
from server.otlp.http_receiver import build_http_app
from server.otlp.outcomes import OUTCOMES
from server.otlp.unserved import SERVICES
from server.process.background import background
from server.process.descriptors import allow_descriptors
from server.process.lifecycle import run_on_event
from server.process.memory_limit import largest_acceptable_request, resident_memory
from server.process.storage_wait import retry_until_available
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_grpc, serve_http
from server.writer.ingestion import Ingestion
from server.writer.owned_logs import state_changes
from storage.url import EmbeddedUrl
from storage.writers import WriterName

__all__ = ["own_intake", "receiving", "writing_logs"]


@contextlib.asynccontextmanager
async def own_intake(process: Process, identity: Identity) -> AsyncIterator[Intake]:
    """Receive records in this process."""
    ingestion = Ingestion(process.settings, process.pools, process.waiting)

    def accepting(storage: Reached) -> AbstractAsyncContextManager[OpenIntake]:
        return writing_logs(
            process, ingestion, identity.writer, identity.keys, storage, retention_around(process, storage.engine)
        )

    async with receiving(process, ingestion) as (otlp_grpc, otlp_http):
        yield Intake(
            otlp_grpc,
            otlp_http,
            ingestion.metrics,
            ingestion.not_ready,
            ingestion.rules_problem,
            lambda: (process.reloads.number,),
            ingestion.usage,
            ingestion.has_logs,
            accepting,
        )


@contextlib.asynccontextmanager
async def writing_logs(
    process: Process,
    ingestion: Ingestion,
    writer: str,
    keys: Keyring,
    storage: Reached,
    retention: AbstractAsyncContextManager[None],
) -> AsyncIterator[OpenIntake]:
    """Write a writer's logs in this process, and take requests. ``retention`` is around what the logs state of it."""
    settings, data, pools, signals = process.settings, process.data, process.pools, process.signals
    name = WriterName(settings.deployment, writer, data.place)
    async with ingestion.writing(name, data, keys, storage.engine, storage.probe, signals) as writing:
        async with retention:
            stating = partial(state_changes, settings, writing.streams.all_logs)
            await retry_until_available(pools.housekeeping, stating, signals.stop, process.waiting)

        async def run(until: asyncio.Event) -> None:
            await until.wait()
            await ingestion.finish(writing)

        def reload() -> None:
            writing.reload_keys(keys)
            ingestion.reload_rules()
            process.reloads.number += 1

        async with ingestion.taking_requests(writing, storage.engine, signals.stop):
            process.reloads.number += 1  # the rules were read again, and the keys at the start of the logs
            reloading = run_on_event(pools.housekeeping, process.reload_keys, reload)
            with background("reloading of keys and audit rules", reloading, signals.stop):
                yield OpenIntake(run, lambda: writing.signed_by(keys))


@contextlib.asynccontextmanager
async def receiving(
    process: Process, ingestion: Ingestion, *, shared: bool = False
) -> AsyncIterator[tuple[Address, Address]]:
    """Receive OTLP, over gRPC and HTTP; yields where. Shared: other processes may listen there too.

    If a listener ends by itself, ``Signals.stop`` is set, and the block ends with a ListenerEndedError.
    """
    settings, pool, ended = process.settings, process.pools.ingest, process.signals.stop
    pipeline, measure = ingestion.pipeline, process.denied_senders.around(ingestion.metrics.request)
    ingestion.metrics.expect_requests(("grpc", "http"), OUTCOMES, SERVICES)
    ingestion.metrics.expect_denials(("otlp_grpc", "otlp_http"), [denial.value for denial in Denial])
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
    audit = AuditReceiving(ingestion, settings.audit_strict)
    grpc_check, http_check = (
        check_senders(settings, process.tokens, address, ingestion.has_room)
        for address in (settings.otlp_grpc, settings.otlp_http)
    )
    most_bytes, own_token = settings.max_request_bytes, process.own_token
    handlers = build_handlers(pipeline, most_bytes, pool, measure, audit, own_token, grpc_check)
    server.add_generic_rpc_handlers(handlers)
    login, on_loopback = settings.login, is_loopback(settings.otlp_http.host)
    pages = SenderRules(login.public_url, on_loopback, login.trusted_proxies)
    app = build_http_app(pipeline, most_bytes, pool, measure, audit=audit, check=http_check, pages=pages)
    limits = ConnectionLimits(settings.max_connections, settings.max_connection_age)
    certificate = process.certificates.of("otlp_grpc")
    async with (
        serve_grpc(
            server, settings.otlp_grpc, ended, certificate, own_socket(process.data.path) if certificate else ""
        ) as grpc_address,
        serve_http(
            app, settings.otlp_http, limits, ended, process.certificates.of("otlp_http"), shared=shared
        ) as http_address,
    ):
        yield grpc_address, http_address
