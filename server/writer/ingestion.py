"""What records go through in a process, from the pipeline's door to the logs that it writes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

from server.admission.admission import MEMORY_FACTOR, Admission
from server.codec.choose import build_codec
from server.data_dir.directory import DataDirectory
from server.errors.ingest import RefusedError
from server.keys.store import KeyStore
from server.notary.checkpoint import Checkpoint
from server.notary.origin import Stream
from server.notary.statement import Statement
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.gatherer import BatchLimits
from server.pipeline.pipeline import Components, Pipeline
from server.pipeline.retry_ledger import NotedRequest
from server.process.allocator import give_freed_memory_back, keep_freed_memory
from server.process.lifecycle import Signals, StoppedError, background, retry_until_available, run_once, sole_writer
from server.process.memory_limit import MemoryGuard, MemoryPlan, plan_memory, resident_memory
from server.process.metrics import GaugeSample, Metrics, ready_gauge
from server.process.storage_probe import StorageProbe
from server.settings.settings import Settings
from server.settings.values import Acknowledge
from server.witness.scheduler import WitnessScheduler, build_tasks
from server.writer.owned_logs import (
    OwnedLog,
    keep_alive,
    open_logs,
    reload_keys,
    settle_keys,
    signed_by,
    stored,
    storing,
)
from server.writer.retry_ledger_file import RetryLedgerFile
from server.writer.witnessed_log import WitnessedLog
from storage.engine import Engine
from storage.writers import WriterName

__all__ = ["Ingestion"]

_logger = logging.getLogger(__name__)

_FLUSH_GRACE = 30.0  # seconds that storage may take for the last batches


class Ingestion:
    """Refuses requests until it is opened, then brings their records to storage."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """Prepare, without storage.

        Args:
            settings: the settings.
            clock: when records are received and statements signed; else the system's clock.
        """
        keep_freed_memory()
        self._settings = settings
        self._give_up = threading.Event()
        self._clock = clock or Clock()
        self._batchers: Mapping[Stream, Batcher] = {}
        self._probe: StorageProbe | None = None
        self._admission: Admission | None = None
        self.metrics = Metrics(self._gauges)
        self.pipeline = Pipeline(self._clock, ack_timeout=settings.ack_timeout)
        self.logs: Mapping[Stream, OwnedLog] = {}
        """The logs that are written, empty before they are."""

    def checkpoints(self) -> list[Checkpoint | Statement]:
        """Return the last checkpoints and statements that are in storage."""
        stated = (log.statements.last for log in self.logs.values())
        return [*(log.writer.checkpoint for log in self.logs.values()), *filter(None, stated)]

    def reload_keys(self, keys: KeyStore) -> None:
        """Sign with the keys that the store has now, as soon as that is possible."""
        reload_keys(self.logs.values(), keys)

    def signed_by(self) -> str:
        """Return the fingerprints of the keys that sign all logs, as storage has it; empty while that changes."""
        return signed_by(self.logs.values())

    def not_ready(self) -> str:
        """Return why records cannot be acknowledged, empty if they can; does not block."""
        if (probe := self._probe) is None:
            return "it waits for storage"
        if self.waits_for_storage and (trouble := probe.not_ready()):
            return trouble
        troubles = {stream: self._trouble(log) for stream, log in self.logs.items()}
        return next((f"the {stream.value} log: {trouble}" for stream, trouble in troubles.items() if trouble), "")

    @property
    def waits_for_storage(self) -> bool:
        """Whether OK comes after storage has answered."""
        return self._settings.ack is Acknowledge.COMMIT

    def _trouble(self, log: OwnedLog) -> str:
        return log.writer.trouble if self.waits_for_storage else log.writer.journal_trouble

    @contextlib.asynccontextmanager
    async def writing(
        self, name: WriterName, data: DataDirectory, keys: KeyStore, engine: Engine, signals: Signals
    ) -> AsyncIterator[None]:
        """Go on with the logs of a writer, until the block ends; what is in their journals is stored.

        Raises:
            StoppedError: the server was told to stop before that was possible.
            LogUnusableError: a log in storage is not the one this writer wrote.
            JournalDamagedError: a journal cannot be read.
            DataDirectoryError: what the data directory remembers is damaged.
            KeyStoreError: a key cannot be used, or is not here.
            StorageConfigError: another server holds this name.
            LeaseLostError: another server has taken this name over.
        """
        settings, give_up = self._settings, self._give_up
        writer = sole_writer(engine, name, signals.stop, give_up)
        async with writer as fenced, contextlib.AsyncExitStack() as stack:
            with background(run_once(signals.stop, give_up.set)):
                logs = await retry_until_available(
                    lambda: open_logs(settings, name.writer, data, keys, fenced, give_up, self._clock.seconds),
                    signals.stop,
                )
                for log in logs.values():
                    stack.callback(log.close)
                files = {stream: RetryLedgerFile(data.journal(f"{stream.value}.left-behind")) for stream in logs}
                batchers = _build_batchers(settings, logs, self.metrics, files)
                for stream, log in logs.items():
                    stack.callback(files[stream].close)
                    await self._store_journal(log, batchers[stream], files[stream], stack)
            self._clock.not_before(max(log.latest for log in logs.values()))
            probe = StorageProbe(engine)
            # In this order: other threads take it for ready when there is a probe, and have batchers for all logs.
            self._batchers, self.logs, self._probe = batchers, logs, probe
            stack.enter_context(background(probe.run()))
            stack.enter_context(background(settle_keys(logs.values(), in_commits=self.waits_for_storage)))
            stack.enter_context(background(keep_alive(logs.values(), settings.heartbeat)))
            tasks = build_tasks(
                [WitnessedLog(log, fenced) for log in logs.values()],
                settings.witnesses,
                settings.timestamp_authority,
                witness_interval=settings.witness_interval,
            )
            await stack.enter_async_context(WitnessScheduler(tasks).running())
            yield

    def start(self, engine: Engine, stack: contextlib.AsyncExitStack) -> None:
        """Let requests in, as many as there is memory for; until the block of a stack ends that is watched.

        Raises:
            MemoryLimitError: there is not enough memory for any.
        """
        settings = self._settings
        plan = plan_memory(
            settings.memory_limit,
            resident_memory() or 0,
            max_requests=settings.max_requests,
            batch_bytes=settings.batch_bytes,
            embedded=engine.info.exclusive,
            behind=not self.waits_for_storage,
        )
        self._admission = Admission(plan.admission)
        stack.enter_context(background(_guard(plan, self._admission, engine).run()))
        codec = build_codec(settings.codec, settings.audit_rules, plan.rows)
        self.pipeline.start(Components(codec, self._batchers, self._admission))

    async def finish(self) -> None:
        """Refuse new requests, and bring those that were taken to storage, as long as it takes them."""
        _logger.info("stopping: requests that were taken are committed, new ones refused")
        asyncio.get_running_loop().call_later(_FLUSH_GRACE, self._give_up.set)
        await self.pipeline.close()
        await stored([log.writer for log in self.logs.values()], self._give_up)

    def _gauges(self) -> Iterator[GaugeSample]:
        yield ready_gauge(self.not_ready())
        yield "lognotary_memory_limit_bytes", "Bytes of memory that it may take", {}, self._settings.memory_limit
        if self._probe is not None:
            ahead = self._probe.clock_offset
            yield "lognotary_storage_clock_offset_seconds", "How far the clock is ahead of storage's", {}, ahead
        if self._admission is not None:
            yield "lognotary_requests_in_flight", "Requests that are not answered", {}, self._admission.requests
            held = self._admission.size * MEMORY_FACTOR
            yield "lognotary_request_bytes_held", "Bytes of memory that they count for", {}, held
        for stream, log in self.logs.items():
            labels = {"stream": stream.value}
            journal = log.writer.journal
            oldest = self._batchers[stream].oldest
            signed = log.writer.signed + log.statements.signed
            yield "lognotary_journal_batches", "Batches in the journal, not in storage", labels, len(journal)
            yield "lognotary_journal_bytes", "Bytes that the journal takes", labels, journal.size
            yield "lognotary_journal_limit_bytes", "Bytes that the journal may take", labels, journal.limit
            yield "lognotary_log_entries", "Entries of the log in storage", labels, log.writer.checkpoint.size
            yield "lognotary_oldest_unacknowledged_seconds", "How long the oldest records wait", labels, oldest
            pending = int(log.writer.keys.pending)
            yield "lognotary_key_change_pending", "1 while a change of the log's keys is not stated", labels, pending
            yield "lognotary_signatures", "Checkpoints and statements signed since the start", labels, signed

    async def _store_journal(
        self, log: OwnedLog, batcher: Batcher, file: RetryLedgerFile, stack: contextlib.AsyncExitStack
    ) -> None:
        """Store what is in a journal: behind those who send, or before they may."""
        # Where OK comes after the commit, the senders of what waits here were not told OK.
        waiting = log.writer.inherited_requests if self.waits_for_storage else []
        batcher.restore(file.open(waiting))
        if not self.waits_for_storage:
            await stack.enter_async_context(storing(log.writer, self._give_up))
            return
        try:
            await asyncio.to_thread(log.writer.store_waiting)
        except RefusedError as error:  # it was given up
            raise StoppedError from error
        file.waiting_stored()
        batcher.restore(NotedRequest(request, 0.0) for request in waiting)


def _build_batchers(
    settings: Settings,
    logs: Mapping[Stream, OwnedLog],
    metrics: Metrics,
    files: Mapping[Stream, RetryLedgerFile],
) -> dict[Stream, Batcher]:
    limits = BatchLimits(settings.batch_rows, settings.batch_bytes, settings.batch_age)
    in_journal = settings.ack is Acknowledge.JOURNAL

    def batcher(stream: Stream) -> Batcher:
        writer = logs[stream].writer
        commit = writer.append if in_journal else writer.commit
        return Batcher(limits, commit, metrics.batch_of(stream), files[stream].note, settle=writer.store_waiting)

    return {stream: batcher(stream) for stream in logs}


def _guard(plan: MemoryPlan, admission: Admission, engine: Engine) -> MemoryGuard:
    give_back: list[Callable[[], object]] = [give_freed_memory_back]
    if engine.info.exclusive:  # it keeps freed memory in an allocator of its own, in this process
        give_back.append(lambda: engine.execute("SYSTEM JEMALLOC PURGE"))
    return MemoryGuard(plan.limit, admission, give_back)
