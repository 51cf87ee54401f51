"""A worker process: ``python -m server.worker``, started by the server, which sends its order to standard input."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

from server.errors.base import LognotaryError, run_reporting_errors
from server.intake.worker import run_worker
from server.process.ending import end_without_threads
from server.process.lifecycle import install_signal_handlers
from server.process.log_setup import configure_logging, log_uncaught_errors
from server.workers.messages import CANNOT_START, Order, Report
from server.workers.report_pipe import ReportPipe

__all__ = ["main"]

_logger = logging.getLogger(__name__)


def main() -> int:
    """Run a worker and return its exit status: 0, 2 if it can never start, 1 if a restart may succeed."""
    reports = ReportPipe(_take_stdout())
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):  # the server ended before it sent the order
        return 0
    order = Order.decode(line)
    configure_logging(order.settings.log_level, order.settings.log_format, worker=order.number)
    log_uncaught_errors()

    def say(report: Report) -> None:
        reports.send(report.encode())

    def work() -> int:
        asyncio.run(_work(order, say))
        return end_without_threads(0)

    def end(error: LognotaryError) -> int:
        if error.retryable:
            _logger.warning("the worker is ending and will be restarted: %s", error)
            return 1
        reports.send_last(Report(failure=str(error)).encode())
        return CANNOT_START

    return run_reporting_errors(work, end)


async def _work(order: Order, say: Callable[[Report], None]) -> None:
    signals = install_signal_handlers()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])  # the server starts workers with SIGHUP blocked
    loop = asyncio.get_running_loop()

    def server_is_done() -> None:
        loop.remove_reader(sys.stdin)
        signals.stop.set()

    # The server sends nothing after the order, so the next event on the pipe is its end.
    loop.add_reader(sys.stdin, server_is_done)
    await run_worker(order, signals, say)


def _take_stdout() -> int:
    """Reserve standard output for reports; anything printed by mistake goes to standard error."""
    reports = os.dup(1)
    os.dup2(2, 1)
    return reports


if __name__ == "__main__":
    raise SystemExit(main())
