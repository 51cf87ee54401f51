"""The one place where the parts of a server are put together, started and stopped.

A server is one process, or several: then its workers receive records and write them, each to logs of
its own, and the server itself answers the API over all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial

from server.access.recorded_tokens import recorded_tokens_path
from server.access.token_file import tokens_path
from server.access.token_uses import read_uses
from server.access_log.calls import RecordedCalls
from server.access_log.noticed import start_event
from server.access_log.opening import access_log_gauges
from server.access_log.token_changes import note_token_changes
from server.answering.key_rereading import reread_keys
from server.answering.ports import ApiParts, answering
from server.answering.reads import reading_storage
from server.api.administration import Administration
from server.api.alarms import alarming
from server.api.backend import Backend
from server.api.disclosures import Disclosures
from server.api.kept_holds import keep_holds
from server.api.remembered import visible_checkpoints
from server.api.server_status import StatusSource
from server.api.tenant_drops import TenantDrops
from server.api.tokens import TokenAdministration
from server.codec.choose import chosen_codec
from server.codec.hidden_actors import hides_actor_names, hides_actors
from server.data_dir.acknowledgements import read_acknowledgements
from server.data_dir.directory import DataDirectory
from server.data_dir.drop_orders import DropOrders
from server.data_dir.seen_logs import read_seen
from server.intake.access_log import end_access_log, running_access_log
from server.intake.key_publication import publish_keys
from server.intake.own import own_intake
from server.intake.own_sockets import own_sockets
from server.intake.process import reached_storage, started_process
from server.intake.workers import workers_intake
from server.keys.identity import identify
from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement
from server.notary.trust import fingerprints
from server.own_records.access_logs import has_access_log
from server.own_records.administration import record_change
from server.own_records.erasures import record_erasure
from server.own_records.proof import new_token
from server.own_records.retention_changes import keep_recording, record_retention
from server.own_records.sender import OwnRecords
from server.process.background import background
from server.process.finding_log import FoundOverApi
from server.process.garbage import freeze_garbage
from server.process.lifecycle import install_signal_handlers
from server.process.metrics import build_gauge
from server.process.pools import open_pools
from server.process.start_report import log_ready, log_start, until_ready
from server.process.storage_wait import StoppedError, retry_until_available
from server.self_verification.service import self_verification
from server.self_verification.status import gauges
from server.settings.access_summary import access_summary
from server.settings.settings import Settings
from server.settings.trace_links import link_to_trace
from server.settings.values import Address
from server.transport.open_connections import connection_gauges
from server.transport.servers import check_addresses
from server.writer.old_logs import refuse_new_key_for_old_logs
from server.writer.retention import recorded_policies, retention_policies
from storage.bound import BoundEngine
from storage.deferred import DeferredEngine

__all__ = ["BoundAddresses", "run_server"]


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
        orders = DropOrders(settings.data_dir)
        orders.end_all()

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
            usage=intake.usage,
            limits=lambda tenant: settings.tenant_limits.get(tenant, settings.tenant_default),
            started=time.time_ns(),
            settings=settings.shown,
            settings_file=settings.file,
        )
        backend = Backend(
            bound_reader,
            identity.trusted(),
            visible_checkpoints(remembered, settings.deployment),
            acknowledged=partial(read_acknowledgements, settings.data_dir),
            on_verified=metrics.verified,
            on_finding=alarming(FoundOverApi(metrics), settings.deployment),
            status=overview,
            signing_key=identity.signing_key,
            trace_links=[(name, partial(link_to_trace, url)) for name, url in settings.trace_links],
            queries=settings.query_concurrency,
        )
        policies = retention_policies(settings)
        own_records = OwnRecords(intake.otlp_grpc, process.own_token, own_sockets(settings))
        stack.callback(own_records.close)
        record = partial(record_change, own_records)
        recorded: dict[str, RecordedCalls] = {}
        # Without an access log of calls, there is still one record of the start, which says so.
        own_log = stack.enter_context(running_access_log(process, own_records))
        access_log = None if settings.access_log == "off" else own_log
        if access_log is not None:
            recorded = {name: RecordedCalls(access_log, name) for name in ("grpc", "http")}
            known = recorded_tokens_path(settings.data_dir)
            changes = note_token_changes(
                access_log, lambda: process.tokens.tokens, known, pools.files, lambda: not intake.not_ready()
            )
            stack.enter_context(background("records of changes of tokens", changes, signals.stop))
        rereading = reread_keys(process, intake, backend, identity, access_log)
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
        drops = TenantDrops(
            bound_reader,
            record,
            settings.administration,
            administration.changing,
            orders,
            identity.writers(settings.workers),
        )
        tokens = TokenAdministration(
            tokens_path(settings.data_dir, settings.tokens_file),
            partial(read_uses, settings.data_dir),
            settings.administration,
        )
        parts = ApiParts(backend, administration, disclosures, drops, tokens)
        ports_of_api = answering(process, parts, intake, access_log, recorded)
        api_grpc, http = await stack.enter_async_context(ports_of_api)
        bound = BoundAddresses(intake.otlp_grpc, intake.otlp_http, api_grpc, http)
        ports = {each.name: getattr(bound, each.name) for each in fields(bound)}
        built = build_gauge(chosen_codec(settings.codec, settings.redaction))
        metrics.add_gauges(
            lambda: [built, *connection_gauges(ports), *process.certificates.gauges(), *access_log_gauges(own_log)]
        )
        expiring = process.certificates.warn_of_expiry()
        stack.enter_context(background("expiry of certificates", expiring, signals.stop))
        storage = await stack.enter_async_context(reached_storage(process, metrics.statement))
        check = partial(refuse_new_key_for_old_logs, storage.engine, identity)
        await retry_until_available(pools.housekeeping, check, signals.stop, process.waiting, may_be_left=True)
        reader.arrive(await stack.enter_async_context(reading_storage(process, storage, metrics.statement)))
        opened = await stack.enter_async_context(intake.accepting(storage))
        administration.begin()

        def record_policies() -> None:
            record_retention(reader, recorded_policies(settings), record, identity.writer)
            administration.follow_recorded()

        recording = keep_recording(pools.housekeeping, record_policies)
        stack.enter_context(background("records of retention", recording, signals.stop))

        def note_start() -> None:
            # Where nothing was ever recorded, nothing can be missing.
            if access_log is not None or has_access_log(reader):
                own_log.note(start_event(access_summary(settings), identity.writer))

        starting = keep_recording(
            pools.housekeeping, note_start, "the start of the server, with its settings of access,"
        )
        stack.enter_context(background("record of the start", starting, signals.stop))
        keeping = keep_holds(pools.housekeeping, administration)
        stack.enter_context(background("legal holds", keeping, signals.stop))
        publishing = publish_keys(process, identity.publisher, opened.signed_by, access_log)
        stack.enter_context(background("key publication", publishing, signals.stop))
        verification = self_verification(pools.housekeeping, settings, lambda: backend.keys, remembered, own_records)
        status = await stack.enter_async_context(verification)
        metrics.add_gauges(lambda: gauges(status()))
        overview.self_verification = status
        freeze_garbage()
        if await until_ready(intake.not_ready, signals.stop):
            log_ready(ports)
            on_ready(bound)
        refusing = asyncio.Event()
        last_events = end_access_log(process, own_log, refusing, recorded)
        stack.enter_context(background("end of the access log", last_events, signals.stop))
        await opened.run(refusing)
