"""The one place where the parts of a server are put together, started and stopped.

A server is one process, or several: then its workers receive records and write them, each to logs of
its own, and the server itself answers the API over all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from types import MappingProxyType

import grpc.aio
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection

from server.access.chain import AuthenticationChain
from server.access.policy import GRPC_RULES, http_rules
from server.access.token_authenticator import TokenAuthenticator
from server.access_log.access_log import AccessLog
from server.access_log.calls import RecordedCalls
from server.access_log.noticed import key_rotation, note_token_changes, reload_event
from server.access_log.opening import access_log_gauges, open_access_log
from server.api.administration import Administration
from server.api.administration_calls import add_administration
from server.api.asking import Queries
from server.api.backend import Backend
from server.api.disclosures import Disclosures, add_disclosures
from server.api.grpc_services import SERVICE_NAMES, add_services
from server.api.guarded_grpc import GuardedCalls
from server.api.guarded_http import guarded_http
from server.api.health import add_health, following_readiness
from server.api.http_api import build_http_api
from server.api.kept_holds import keep_holds
from server.api.measured_calls import GRPC_CALLS, HTTP_CALLS, MeasuredCalls, measured_http
from server.api.remembered import visible_checkpoints
from server.api.server_options import api_server_options
from server.api.server_status import StatusSource
from server.codec.choose import chosen_codec
from server.codec.hidden_actors import hides_actor_names, hides_actors
from server.data_dir.acknowledgements import read_acknowledgements
from server.data_dir.directory import DataDirectory
from server.data_dir.kept_notes import worker_directory
from server.data_dir.own_socket import own_socket
from server.data_dir.seen_logs import read_seen
from server.intake.own import own_intake, receiving, writing_logs
from server.intake.process import Intake, OpenIntake, Process, reached_storage, started_process
from server.intake.tokens import api_needs_credentials
from server.intake.workers import workers_intake
from server.keys.identity import Identity, identify, key_store
from server.keys.store import KeyStoreError
from server.login.build import open_login
from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement
from server.notary.trust import fingerprints
from server.otlp.errors import NotServedError
from server.otlp.http_refusals import unserved_routes
from server.otlp.refusal_log import RefusalLog
from server.otlp.unserved import SERVICES, not_served_by_api, unserved_handler
from server.own_records.administration import record_change
from server.own_records.erasures import record_erasure
from server.own_records.proof import new_token
from server.own_records.retention_changes import keep_recording, record_retention
from server.own_records.sender import OwnRecords
from server.process.background import background
from server.process.fair_queue import FairQueue
from server.process.finding_log import FoundOverApi
from server.process.lifecycle import Signals, install_signal_handlers
from server.process.metrics import build_gauge
from server.process.pools import Pool, open_pools
from server.process.start_report import log_ready, log_start, until_ready
from server.process.storage_wait import StoppedError, retry_until_available
from server.query.side_by_side import MOST_READS
from server.self_verification.service import self_verification
from server.self_verification.status import gauges
from server.settings.settings import Settings
from server.settings.trace_links import link_to_trace
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.open_connections import connection_gauges
from server.transport.servers import check_addresses, serve_grpc, serve_http_apart
from server.workers.messages import REPORT_INTERVAL, Order, Report
from server.writer.ingestion import Ingestion
from server.writer.old_logs import refuse_new_key_for_old_logs
from server.writer.retention import recorded_policies, retention_policies
from storage.bound import BoundEngine
from storage.clickhouse import connect
from storage.deferred import DeferredEngine
from storage.interrupt import Interrupt
from storage.measured import MeasuredEngine
from storage.watched import WatchedEngine

__all__ = ["BoundAddresses", "run_server", "run_worker"]

_logger = logging.getLogger(__name__)

_FLUSH = 1.0  # seconds that the last records of who looked may take
_OTHER_READS = 4  # connections for evidence, beside those for queries


@dataclass(frozen=True, slots=True)
class BoundAddresses:
    """Addresses that a server listens on, with the ports that the operating system chose."""

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
        AddressUnavailableError: the server cannot listen on an address.
        WitnessError: a timestamp authority cannot be used as it is set.
        MemoryLimitError: there is not enough memory for any request.
        TokenError: the file of tokens is damaged.
        ListenerEndedError: a listener ended unexpectedly; accepted requests are committed.
        TaskFailedError: a background task failed; accepted requests are committed.
    """
    signals = install_signal_handlers()
    if not settings.data_dir.exists():  # otherwise another server may run on it, which is told first
        check_addresses((settings.otlp_grpc, settings.otlp_http, settings.api_grpc, settings.http))
    async with contextlib.AsyncExitStack() as stack:
        data = stack.enter_context(DataDirectory(settings.data_dir))
        stack.enter_context(contextlib.suppress(StoppedError))
        pools = stack.enter_context(open_pools())
        process = stack.enter_context(started_process(settings, data, pools, signals, asyncio.Event(), new_token()))
        identity = identify(settings, data)
        log_start(settings, identity.writer, fingerprints(identity.store.signer()))
        logs = (*identity.logs, *identity.workers_logs)

        def remembered() -> Sequence[Checkpoint | Statement]:
            # What was written down was committed before, so storage can never be behind it.
            own = {name.origin for name in logs}
            return [*data.kept(logs), *(seen for seen in read_seen(settings.data_dir) if seen.origin not in own)]

        # Before storage is reached, so that senders and monitoring get an answer that says what is missing.
        intake_of = own_intake if settings.workers == 1 else workers_intake
        intake = await stack.enter_async_context(intake_of(process, identity))
        metrics = intake.metrics
        # Reading has connections of its own, so that commits never wait for queries.
        reader = DeferredEngine()
        bound_reader = BoundEngine(reader)
        overview = StatusSource(
            str(settings.storage),
            intake.not_ready,
            unsigned_streams=settings.unsigned_streams,
            rules_problem=intake.rules_problem,
        )
        backend = Backend(
            bound_reader,
            identity.trusted(),
            visible_checkpoints(remembered, settings.deployment),
            acknowledged=partial(read_acknowledgements, settings.data_dir),
            on_verified=metrics.verified,
            on_finding=FoundOverApi(metrics),
            status=overview,
            signing_key=identity.signing_key,
            trace_links=[(name, partial(link_to_trace, url)) for name, url in settings.trace_links],
            queries=settings.query_concurrency,
        )
        policies = retention_policies(settings)
        own_records = OwnRecords(intake.otlp_grpc, process.own_token, _own_sockets(settings))
        record = partial(record_change, own_records)
        recorded: dict[str, RecordedCalls] = {}
        access_log = open_access_log(settings.access_log, own_records)
        if access_log is not None:
            stack.enter_context(access_log.running())
            recorded = {name: RecordedCalls(access_log, name) for name in ("grpc", "http")}
            process.denied_senders.log = access_log
            changes = note_token_changes(access_log, lambda: process.tokens.tokens)
            stack.enter_context(background("records of changes of tokens", changes, signals.stop))
        rereading = _reread_keys(process, backend, identity, access_log)
        stack.enter_context(background("key reloading of the API", rereading, signals.stop))
        administration = Administration(
            bound_reader,
            policies,
            record,
            settings.administration,
            settings.retention_disclosures,
            hides_actors=hides_actors(settings.redaction),
            hides_names=hides_actor_names(settings.redaction),
        )
        erasing = partial(record_erasure, own_records)
        disclosures = Disclosures(bound_reader, erasing, settings.administration, administration.changing)
        answering = _answer(process, backend, intake, administration, disclosures, access_log, recorded)
        api_grpc, http = await stack.enter_async_context(answering)
        bound = BoundAddresses(intake.otlp_grpc, intake.otlp_http, api_grpc, http)
        ports = {each.name: getattr(bound, each.name) for each in fields(bound)}
        built = build_gauge(chosen_codec(settings.codec, settings.redaction))
        metrics.add_gauges(
            lambda: [built, *connection_gauges(ports), *process.certificates.gauges(), *access_log_gauges(access_log)]
        )
        expiring = process.certificates.warn_of_expiry()
        stack.enter_context(background("expiry of certificates", expiring, signals.stop))
        storage = await stack.enter_async_context(reached_storage(process, metrics.statement))
        check = partial(refuse_new_key_for_old_logs, storage.engine, identity)
        await retry_until_available(pools.housekeeping, check, signals.stop, process.waiting, may_be_left=True)
        ending = Interrupt()
        clients = _OTHER_READS + MOST_READS * settings.query_concurrency
        open_reads = partial(connect, settings.storage, clients=clients, interrupt=ending)
        reads = await retry_until_available(
            pools.housekeeping, open_reads, signals.stop, process.waiting, may_be_left=True
        )
        measured = MeasuredEngine(stack.enter_context(contextlib.closing(reads)), metrics.statement)
        reader.arrive(measured if measured.info.exclusive else WatchedEngine(measured, storage.probe))
        stack.callback(ending.set)  # calls that still run do not keep the process from ending
        opened = await stack.enter_async_context(intake.accepting(storage))
        administration.begin()

        def record_policies() -> None:
            record_retention(reader, recorded_policies(settings), record, identity.writer)
            administration.follow_recorded()

        recording = keep_recording(pools.housekeeping, record_policies)
        stack.enter_context(background("records of retention", recording, signals.stop))
        keeping = keep_holds(pools.housekeeping, administration)
        stack.enter_context(background("legal holds", keeping, signals.stop))
        publishing = _publish_keys(process, identity, opened.signed_by, access_log)
        stack.enter_context(background("key publication", publishing, signals.stop))
        verification = self_verification(pools.housekeeping, settings, lambda: backend.keys, remembered, own_records)
        status = await stack.enter_async_context(verification)
        metrics.add_gauges(lambda: gauges(status()))
        overview.self_verification = status
        _freeze_gc()
        if await until_ready(intake.not_ready, signals.stop):
            log_ready(ports)
            on_ready(bound)
        refusing = asyncio.Event()
        stack.enter_context(
            background("end of the access log", _end(process, access_log, refusing, recorded), signals.stop)
        )
        await opened.run(refusing)


async def run_worker(order: Order, signals: Signals, say: Callable[[Report], None]) -> None:
    """Run a worker of a server.

    Args:
        order: the configuration from the supervisor.
        signals: requests to stop, and other signals.
        say: called at regular intervals with a report.

    Raises:
        DataDirectoryError, LogUnusableError, JournalDamagedError, StorageConfigError,
            AddressUnavailableError, ListenerEndedError, TaskFailedError: as ``run_server``.
    """
    settings = order.settings
    async with contextlib.AsyncExitStack() as stack:
        data = stack.enter_context(DataDirectory(worker_directory(settings.data_dir, order.number)))
        stack.enter_context(contextlib.suppress(StoppedError))
        pools = stack.enter_context(open_pools())
        process = stack.enter_context(
            started_process(settings, data, pools, signals, signals.reread, order.own_token, order.number)
        )
        ingestion = Ingestion(settings, pools, process.waiting)
        otlp_grpc, _ = await stack.enter_async_context(receiving(process, ingestion, shared=True))
        sockets = [own_socket(data.path)] if "otlp_grpc" in settings.tls else []
        access_log = open_access_log(settings.access_log, OwnRecords(otlp_grpc, order.own_token, sockets))
        if access_log is not None:
            stack.enter_context(access_log.running())
            process.denied_senders.log = access_log
        ingestion.metrics.add_gauges(partial(access_log_gauges, access_log))
        reporter = _Reporter(ingestion, say)
        stack.enter_context(background("reports to the server", reporter.run(), signals.stop))
        storage = await stack.enter_async_context(reached_storage(process, ingestion.metrics.statement))
        # The server sets how long records are kept.
        writing = writing_logs(process, ingestion, order.writer, key_store(settings), storage, contextlib.nullcontext())
        opened = await stack.enter_async_context(writing)
        _freeze_gc()
        reporter.opened = opened
        refusing = asyncio.Event()
        stack.enter_context(background("end of the access log", _end(process, access_log, refusing), signals.stop))
        await opened.run(refusing)


async def _end(
    process: Process,
    access_log: AccessLog | None,
    refusing: asyncio.Event,
    recorded: Mapping[str, RecordedCalls] = MappingProxyType({}),
) -> None:
    """Send what waits for the access log while records are still accepted, once the process has to stop."""
    await process.signals.stop.wait()
    try:
        for calls in recorded.values():
            calls.stop()
        if access_log is not None:
            await process.pools.files.run(partial(access_log.flush, _FLUSH))
    finally:
        refusing.set()


def _own_sockets(settings: Settings) -> list[str]:
    """Return the sockets of the processes that receive records, none if the server reaches their port without TLS."""
    if "otlp_grpc" not in settings.tls:
        return []
    if settings.workers == 1:
        return [own_socket(settings.data_dir)]
    return [own_socket(worker_directory(settings.data_dir, number)) for number in range(1, settings.workers + 1)]


async def _reread_keys(process: Process, backend: Backend, identity: Identity, access_log: AccessLog | None) -> None:
    """Believe other keys when that is asked for, at once, and sign with others as soon as possible; never ends."""
    while True:
        await process.signals.reread.wait()
        process.signals.reread.clear()
        problem = await process.pools.housekeeping.run(lambda: _believe_anew(backend, identity))  # needs no storage
        if access_log is not None:
            access_log.note(reload_event(problem))
        process.reload_keys.set()


def _believe_anew(backend: Backend, identity: Identity) -> str:
    """Believe the public keys that the store has now, but for those that others may have.

    What goes wrong is logged and returned; empty if nothing does.
    """
    try:
        keys = identity.trusted()
    except KeyStoreError as error:
        _logger.error("the keys could not be reloaded, so new marks of compromised keys have no effect: %s", error)  # noqa: TRY400 - told whole
        return str(error)
    if keys != backend.keys:
        backend.believe(keys)
        _logger.info("the public keys were read anew; %d of them are marked as compromised", len(keys.compromised))
    return ""


async def _publish_keys(
    process: Process, identity: Identity, signed_by: Callable[[], str], access_log: AccessLog | None
) -> None:
    """Publish the keys of the logs each time that they have changed in storage; never ends."""
    published = ""
    trouble = ""
    while True:
        keys = signed_by()
        try:
            if keys and keys != published and await process.pools.housekeeping.run(partial(identity.publish, keys)):
                if published and access_log is not None:
                    access_log.note(key_rotation(keys))
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
async def _answer(
    process: Process,
    backend: Backend,
    intake: Intake,
    administration: Administration,
    disclosures: Disclosures,
    access_log: AccessLog | None,
    recorded: Mapping[str, RecordedCalls],
) -> AsyncIterator[tuple[Address, Address]]:
    """Answer the API, over gRPC and HTTP; yields where. Should one end by itself, it is as with ``receiving``."""
    settings, pool, ended = process.settings, process.pools.api, process.signals.stop
    metrics, not_ready = intake.metrics, intake.not_ready
    explain = partial(not_served_by_api, otlp_grpc=str(intake.otlp_grpc), otlp_http=str(intake.otlp_http))
    async with contextlib.AsyncExitStack() as stack:
        certificates = process.certificates
        metrics.expect_calls("grpc", GRPC_CALLS)
        metrics.expect_calls("http", HTTP_CALLS)
        metrics.expect_requests(("grpc", "http"), (NotServedError.outcome,), SERVICES)
        not_served = unserved_handler(metrics.request, RefusalLog("grpc"), explain)
        others = [TokenAuthenticator(process.tokens)]
        note = access_log.note if access_log else lambda _: None
        login = stack.enter_context(open_login(settings.login, settings.data_dir, others, note))
        stack.enter_context(background("revoked sessions", login.follow(), ended))

        def chain(address: Address) -> AuthenticationChain:
            return login.chain(api_needs_credentials(settings, process.tokens, address))

        denied = partial(metrics.denied, "api_grpc")
        guard = GuardedCalls(
            chain(settings.api_grpc), not_served, GRPC_RULES, denied, recorded.get("grpc"), login.presenting
        )
        server = grpc.aio.server(
            options=api_server_options(settings.max_connections), interceptors=[guard, MeasuredCalls(metrics.call)]
        )
        # Queries have their own threads: evidence and health never wait for them. One more closes answers left early.
        threads = stack.enter_context(contextlib.closing(Pool("query", settings.query_concurrency + 1)))
        queries = Queries(backend, threads, FairQueue(settings.query_concurrency))
        add_services(server, backend, pool, queries)
        add_administration(server, administration, pool)
        add_disclosures(server, disclosures, pool)
        health = add_health(server, not_ready)
        reflection.enable_server_reflection((*SERVICE_NAMES, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
        serving_grpc = serve_grpc(server, settings.api_grpc, ended, certificates.of("api_grpc"))
        grpc_address = await stack.enter_async_context(serving_grpc)
        await stack.enter_async_context(following_readiness(health, ended))
        limits = ConnectionLimits(settings.max_connections)
        unserved = unserved_routes(metrics.request, RefusalLog("http"), explain)
        app = build_http_api(
            backend, pool, not_ready, metrics.expose, unserved, queries, administration, disclosures, login.routes
        )
        rules = http_rules(public_tiles=settings.public_tiles)
        denied = partial(metrics.denied, "http")
        guarded = guarded_http(
            app,
            chain(settings.http),
            rules,
            denied,
            login.presenting,
            recorded.get("http"),
            login.browsers(settings.http.host),
        )
        http_api = login.guard(measured_http(guarded, metrics.call))
        serving_http = serve_http_apart(http_api, settings.http, limits, ended, certificates.of("http"))
        http_address = await stack.enter_async_context(serving_http)
        yield grpc_address, http_address


class _Reporter:
    """The reports of a worker, from its start.

    Attributes:
        opened: the open intake, None until the worker accepts records.
    """

    def __init__(self, ingestion: Ingestion, say: Callable[[Report], None]) -> None:
        self._ingestion = ingestion
        self._say = say
        self.opened: OpenIntake | None = None

    async def run(self) -> None:
        """Report at regular intervals; never ends."""
        while True:
            metrics, not_ready = self._ingestion.metrics.expose().decode(), self._ingestion.not_ready()
            if self.opened is None:
                self._say(Report(starting=not_ready or "the worker is starting", metrics=metrics))
            else:
                problem = self._ingestion.rules_problem()
                signed_by = self.opened.signed_by()
                self._say(Report(not_ready=not_ready, metrics=metrics, signed_by=signed_by, rules_problem=problem))
            await asyncio.sleep(REPORT_INTERVAL)
