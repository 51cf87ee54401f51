"""The intake of a server whose workers receive records."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

from server.intake.process import Intake, OpenIntake, Process, Reached, retention_around
from server.keys.identity import Identity
from server.process.background import background
from server.process.lifecycle import call_on_event
from server.process.metrics import Metrics, ready_gauge
from server.workers.messages import Order
from server.workers.reserved_ports import reserve
from server.workers.supervisor import Supervisor

__all__ = ["workers_intake"]

_logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def workers_intake(process: Process, identity: Identity) -> AsyncIterator[Intake]:
    """Have workers receive records."""
    settings, stop = process.settings, process.signals.stop
    with reserve(settings.otlp_grpc) as otlp_grpc, reserve(settings.otlp_http) as otlp_http:
        share = replace(
            settings,
            otlp_grpc=otlp_grpc,
            otlp_http=otlp_http,
            memory_limit=settings.memory_limit // (settings.workers + 1),  # this process has a share too
            journal_bytes=max(1, settings.journal_bytes // settings.workers),
        )
        numbers = range(1, settings.workers + 1)
        token = process.own_token
        workers = Supervisor([Order(number, identity.writer_of(number), share, token) for number in numbers])
        process.signals.before_end.append(workers.kill)
        journals = settings.data_dir / "workers"
        process.signals.left.append(lambda: f"what was acknowledged is in storage, or in the journals in {journals}")

        def not_ready() -> str:
            return process.waiting.reason or workers.not_ready()

        metrics = Metrics(lambda: [ready_gauge(not_ready())], workers.metrics)

        @contextlib.asynccontextmanager
        async def accepting(storage: Reached) -> AsyncIterator[OpenIntake]:
            async with contextlib.AsyncExitStack() as stack:
                async with retention_around(process, storage.engine):
                    await stack.enter_async_context(workers.running())
                    await workers.wait_until_ready(stop)
                reloading = call_on_event(process.reload_keys, workers.reload_keys)
                stack.enter_context(background("key reloading", reloading, stop))
                yield OpenIntake(workers.run_until, workers.signed_by)

        told = workers.rules_problem, workers.reloads, workers.usage, workers.has_sent
        yield Intake(otlp_grpc, otlp_http, metrics, not_ready, *told, accepting)
