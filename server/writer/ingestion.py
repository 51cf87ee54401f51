"""Ingestion in one process: from the pipeline to the logs that the process writes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import uuid4

from server.admission.admission import Admission, Ticket
from server.admission.tenant_limits import TenantMeters, Usage
from server.audit_ids.claims import Claims
from server.audit_ids.gate import AuditGate
from server.audit_ids.gates import AuditGates
from server.audit_ids.standing import Claimant
from server.audit_ids.threads import AuditThreads
from server.codec.audit.built_in import native_rules
from server.codec.audit.rules import Rule
from server.codec.choose import build_codec, build_look
from server.codec.limits import ROW_LIMITS, RowLimits
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.redaction_rules import NO_REDACTION
from server.codec.request_look import RequestLook
from server.codec.rows import Codec
from server.data_dir.directory import DataDirectory
from server.errors.ingest import StorageRefusedError
from server.keys.journal_key import journal_keys
from server.keys.keyring import Keyring
from server.keys.redaction_key import redaction_of
from server.log.journal_keys import JournalKeys, MasterKey
from server.notary.origin import LogOwner, Stream
from server.pipeline.audit_ingest import AuditReceipt
from server.pipeline.clock import Clock
from server.pipeline.pipeline import Components, Pipeline
from server.process.allocator import keep_freed_memory
from server.process.background import background
from server.process.ending import FLUSH_GRACE
from server.process.lifecycle import Signals, run_once, sole_writer
from server.process.memory_limit import resident_memory
from server.process.metrics import GaugeSample, Metrics, ready_gauge
from server.process.pools import Pools
from server.process.storage_probe import StorageProbe
from server.process.storage_wait import retry_until_available
from server.retry.trouble import Trouble
from server.settings.settings import Settings
from server.settings.values import Acknowledge
from server.writer.batchers import build_batchers
from server.writer.disclosing import Disclosing
from server.writer.gauges import admission_gauges, audit_gauges, log_gauges, rules_gauge, tenant_gauges
from server.writer.inherited_journals import store_journals
from server.writer.memory import memory_guard, memory_plan
from server.writer.open_streams import OpenStreams, open_streams
from server.writer.retry_ledger_file import RetryLedgerFile
from server.writer.rules_in_force import RulesInForce
from server.writer.signatures_in_force import SignaturesInForce
from server.writer.storing import stored
from server.writer.upkeep import upkeep
from server.writer.writing import Writing
from storage.engine import Engine
from storage.errors import StorageError
from storage.writers import WriterName

__all__ = ["Ingestion"]

_logger = logging.getLogger(__name__)


class Ingestion:
    """Ingestion in one process. Requests are refused until its logs are open, and while it stops."""

    def __init__(self, settings: Settings, pools: Pools, waiting: Trouble, clock: Clock | None = None) -> None:
        """Prepare, without storage.

        Args:
            settings: the settings.
            pools: threads for blocking work.
            waiting: has the reason while the start waits for storage.
            clock: when records are received and statements signed; else the system's clock.

        Raises:
            KeyStoreError: the key of redaction or of journals cannot be used.
        """
        keep_freed_memory(settings.memory_limit)
        self._settings = settings
        self._redaction = redaction_of(settings)
        self._journal_keys = _journal_keys(settings)
        self._pools = pools
        self._waiting = waiting
        self._rules: RulesInForce | None = None
        self._audit: AuditGates | None = None
        self._tenants: TenantMeters | None = None
        self._give_up = threading.Event()
        self._clock = clock or Clock()
        self.metrics = Metrics(self._gauges)
        self._signatures = SignaturesInForce(settings, self.metrics.producer_signatures)
        self.pipeline = Pipeline(self._clock, ack_timeout=settings.ack_timeout, waits_for=lambda: waiting.reason)

    def not_ready(self) -> str:
        """Return why records cannot be acknowledged, empty if they can; does not block."""
        return self.pipeline.not_ready()

    async def submit_audit(
        self,
        request: bytes,
        ticket: Ticket,
        *,
        every: bool,
        provenance: Provenance = NO_PROVENANCE,
        streams: frozenset[Stream] | None = None,
    ) -> Sequence[AuditReceipt]:
        """Check, store and sign a request with audit records; see ``AuditIngest``."""
        if self._audit is None:  # the ticket was given while the server was starting
            raise StorageRefusedError("the server is starting", retry_after=5.0)
        return await self._audit.submit_audit(request, ticket, every=every, provenance=provenance, streams=streams)

    def has_room(self, tenant: str) -> bool:
        """Return whether a tenant has logs of this process already, or may get some (``max_tenants``)."""
        return self._tenants is None or self._tenants.has_room(tenant, self._settings.max_tenants)

    def has_logs(self, tenant: str) -> bool:
        """Return whether a tenant has logs of this process, as far as it knows yet; thread-safe, does not block."""
        return self._tenants is not None and self._tenants.has_logs(tenant)

    def usage(self) -> dict[str, Usage]:
        """Return what each tenant has sent to this process since its start; thread-safe, does not block."""
        tenants = self._tenants
        return tenants.usage() if tenants else {}

    @property
    def waits_for_storage(self) -> bool:
        """True if senders get OK only after storage has committed (``--ack commit``)."""
        return self._settings.ack is Acknowledge.COMMIT

    @contextlib.asynccontextmanager
    async def writing(
        self,
        name: WriterName,
        data: DataDirectory,
        keys: Keyring,
        engine: Engine,
        probe: StorageProbe,
        signals: Signals,
    ) -> AsyncIterator[Writing]:
        """Go on with the logs of a writer, until the block ends; what is in their journals is stored.

        Raises:
            StoppedError: the server was told to stop before that was possible.
            LogUnusableError: a log in storage is not the one this writer wrote.
            JournalDamagedError: a journal cannot be read.
            JournalKeyError: a journal is encrypted with a key that was not given.
            DataDirectoryError: what the data directory remembers is damaged.
            KeyStoreError: a key cannot be used, or is not here.
            StorageConfigError: another server holds this name.
            LeaseLostError: another server has taken this name over.
            TaskFailedError: a background task failed; ``Signals.stop`` was set then.
        """
        settings, give_up, pools = self._settings, self._give_up, self._pools
        writer = sole_writer(pools.lease, engine, name, signals.stop, give_up, waiting=self._waiting)
        async with writer as fenced, contextlib.AsyncExitStack() as stack:
            with background("stop during the start", run_once(signals.stop, give_up.set), signals.stop):
                streams = await retry_until_available(
                    pools.housekeeping,
                    lambda: open_streams(
                        settings, name.writer, data, keys, fenced, give_up, self._clock.seconds, self._journal_keys
                    ),
                    signals.stop,
                    self._waiting,
                )
                for journaled in streams:
                    stack.callback(journaled.close)
                    signals.left.append(journaled.left)
                files = {
                    stream: RetryLedgerFile(data.journal(f"{stream.value}.left-behind")) for stream in streams.writers
                }
                for file in files.values():
                    stack.callback(file.close)
                batchers = build_batchers(settings, streams, self.metrics, files)
                behind = not self.waits_for_storage
                await store_journals(streams, batchers, files, pools.housekeeping, give_up, stack, behind=behind)
            self._clock.not_before(max(log.latest for logs in streams.all_logs.values() for log in logs))
            duties = upkeep(
                settings,
                name,
                keys,
                fenced,
                streams,
                clock=self._clock,
                pools=pools,
                metrics=self.metrics,
                stop=signals.stop,
            )
            await stack.enter_async_context(duties)
            gates = self._gates(fenced, streams)
            yield Writing(streams, batchers, probe, waits_for_storage=self.waits_for_storage, audit=gates)

    @contextlib.asynccontextmanager
    async def taking_requests(self, writing: Writing, engine: Engine, stop: asyncio.Event) -> AsyncIterator[None]:
        """Let requests in, as many as there is memory for, which is watched until the block ends.

        Audit rules are read again before: a worker that is started again has those of the server's start.

        Args:
            writing: the logs.
            engine: the storage.
            stop: stops the server; set if the memory can no longer be watched, or a stream can no longer be committed.

        Raises:
            MemoryLimitError: there is not enough memory for any.
            TaskFailedError: the memory guard or a batcher failed.
        """
        plan = memory_plan(self._settings, resident_memory() or 0, embedded=engine.info.exclusive)
        admission = Admission(plan.admission)
        known = writing.streams.tenants
        tenants = TenantMeters(self._settings.tenant_default, self._settings.tenant_limits, known=known)
        self._tenants = tenants
        settings, logs = self._settings, writing.streams.logs

        def codec_of(rules: Sequence[Rule]) -> Codec:
            return build_codec(settings.codec, rules, plan.rows, logs, self._redaction)

        in_force = self._rules = RulesInForce(settings, lambda rules: self.pipeline.use_codec(codec_of(rules)))
        await self._pools.housekeeping.run(self.reload_rules)
        self.metrics.add_gauges(
            lambda: [
                *admission_gauges(admission),
                *log_gauges(writing.streams, writing.batchers, writing.probe),
                rules_gauge(self.rules_problem()),
                *audit_gauges(writing.audit),
                *tenant_gauges(tenants),
            ]
        )
        writing.audit.look_at_requests(self._look(plan.rows))
        with contextlib.ExitStack() as stack:
            stack.enter_context(background("memory guard", memory_guard(plan, admission, engine).run(), stop))
            disclosing = Disclosing(engine)
            stack.callback(disclosing.close)
            parts = Components(
                codec_of(in_force.rules),
                writing.batchers,
                admission,
                writing.not_ready,
                self.metrics.redacted,
                self._signatures.examine,
                codec_of(native_rules()),
                # Who holds, releases and erases must not become a value that can be erased.
                build_codec(settings.codec, native_rules(), plan.rows, logs, NO_REDACTION),
                tenants,
                disclosing.store,
            )
            self.pipeline.start(parts)
            self._audit = gates = writing.audit
            stack.callback(gates.close)
            stack.enter_context(background("claims of audit ids", gates.run(), stop))
            for stream, batcher in writing.batchers.items():
                stack.enter_context(background(f"batches of {stream.value} records", batcher.running(), stop))
            yield

    def rules_problem(self) -> str:
        """Return why the audit rules could not be reloaded the last time, empty if they could; does not block."""
        rules = self._rules
        return rules.problem if rules else ""

    def reload_rules(self) -> None:
        """Use the audit rules and producers' keys that the files have now; what goes wrong is logged. Blocks."""
        self._signatures.reload()
        if self._rules is not None:
            self._rules.reload()

    async def finish(self, writing: Writing) -> None:
        """Refuse new requests, and bring those that were taken to storage, as long as it takes them."""
        asyncio.get_running_loop().call_later(FLUSH_GRACE, self._give_up.set)
        await self.pipeline.close()
        await stored(list(writing.streams.writers.values()), self._give_up)
        try:
            await writing.audit.flush()
        except StorageError as error:
            _logger.info("what became of the last claims of audit ids is left to the next start: %s", error)

    def _gates(self, engine: Engine, streams: OpenStreams) -> AuditGates:
        audit = streams.logs[Stream.AUDIT]

        def gate(tenant: str, threads: AuditThreads) -> AuditGate:
            me = Claimant(audit.name_of(LogOwner(tenant)).origin, uuid4(), tenant)
            return AuditGate(
                self.pipeline,
                Claims(engine, me, lambda: not audit.stream.has_inherited),
                threads,
                lambda: audit.stored_size(tenant),
                self._clock.now,
                ack_timeout=self._settings.ack_timeout,
            )

        tenants = [log.name.tenant for log in audit if not log.name.access]
        return AuditGates(gate, tenants, self.pipeline, self._look(ROW_LIMITS), self._settings.ack_timeout)

    def _look(self, limits: RowLimits) -> RequestLook:
        return build_look(self._settings.codec, self._redaction.removing(), limits)

    def _gauges(self) -> Iterator[GaugeSample]:
        yield ready_gauge(self.not_ready())
        yield "lognotary_memory_limit_bytes", "Memory limit of the process in bytes", {}, self._settings.memory_limit


def _journal_keys(settings: Settings) -> JournalKeys:
    given = journal_keys(settings.journal_key, settings.journal_retired_keys)
    current = None if given.current is None else MasterKey(given.current, given.wrapped)
    return JournalKeys(current, given.retired, given.unwrap)
