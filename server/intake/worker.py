"""A worker of a server: it receives records, writes them to logs of its own, and reports to the server."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from functools import partial

from server.access_log.opening import access_log_gauges
from server.data_dir.directory import DataDirectory
from server.data_dir.kept_notes import worker_directory
from server.data_dir.own_socket import own_socket
from server.intake.access_log import end_access_log, running_access_log
from server.intake.own import receiving, writing_logs
from server.intake.process import OpenIntake, Process, reached_storage, started_process
from server.keys.identity import keyring
from server.own_records.sender import OwnRecords
from server.process.background import background
from server.process.garbage import freeze_garbage
from server.process.lifecycle import Signals
from server.process.pools import open_pools
from server.process.storage_wait import StoppedError
from server.workers.messages import REPORT_INTERVAL, Order, Report, encode_usage
from server.writer.ingestion import Ingestion

__all__ = ["run_worker"]

_USAGE_EVERY = 4  # reports: the usage of thousands of tenants is long


async def run_worker(order: Order, signals: Signals, say: Callable[[Report], None]) -> None:
    """Run a worker of a server.

    Args:
        order: the configuration from the supervisor.
        signals: requests to stop, and other signals.
        say: called at regular intervals with a report.

    Raises:
        DataDirectoryError, LogUnusableError, JournalDamagedError, StorageConfigError,
            AddressUnavailableError, ListenerEndedError, TaskFailedError: as ``server.app.run_server``.
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
        own_records = OwnRecords(otlp_grpc, order.own_token, sockets)
        stack.callback(own_records.close)
        is_off = settings.access_log == "off"
        access_log = None if is_off else stack.enter_context(running_access_log(process, own_records))
        ingestion.metrics.add_gauges(partial(access_log_gauges, access_log))
        reporter = _Reporter(process, ingestion, say)
        stack.enter_context(background("reports to the server", reporter.run(), signals.stop))
        storage = await stack.enter_async_context(reached_storage(process, ingestion.metrics.statement))
        # The server sets how long records are kept.
        writing = writing_logs(process, ingestion, order.writer, keyring(settings), storage, contextlib.nullcontext())
        opened = await stack.enter_async_context(writing)
        freeze_garbage()
        reporter.opened = opened
        refusing = asyncio.Event()
        stack.enter_context(
            background("end of the access log", end_access_log(process, access_log, refusing), signals.stop)
        )
        await opened.run(refusing)


class _Reporter:
    """The reports of a worker, from its start.

    Attributes:
        opened: the open intake, None until the worker accepts records.
    """

    def __init__(self, process: Process, ingestion: Ingestion, say: Callable[[Report], None]) -> None:
        self._process = process
        self._ingestion = ingestion
        self._say = say
        self.opened: OpenIntake | None = None

    async def run(self) -> None:
        """Report at regular intervals; never ends."""
        for number in itertools.count():
            metrics, not_ready = self._ingestion.metrics.expose().decode(), self._ingestion.not_ready()
            if self.opened is None:
                self._say(Report(starting=not_ready or "the worker is starting", metrics=metrics))
            else:
                reloads = self._process.reloads.number  # before what became of them
                problem = self._ingestion.rules_problem()
                signed_by = self.opened.signed_by()
                usage = "" if number % _USAGE_EVERY else encode_usage(self._ingestion.usage())
                self._say(Report("", not_ready, "", metrics, signed_by, problem, usage, reloads))
            await asyncio.sleep(REPORT_INTERVAL)
