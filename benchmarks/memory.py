"""Resident memory of Lognotary when saturated, compared with idle.

Uses a ClickHouse server, so that the memory of the embedded engine does not count.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import Requests, describe_retries, loading
from benchmarks.processes import Meter, add_server_flags, clickhouse, lognotary, scratch, server_flags
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.process_stats import peak_resident, resident

_MIB = 1 << 20


@dataclass(slots=True)
class _Watch:
    """Sampler of a process's memory."""

    pid: int
    seen: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Sample four times a second."""
        while not self._stop.wait(0.25):
            self.seen.append(resident(self.pid) / _MIB)

    def stop(self) -> None:
        """End ``run``."""
        self._stop.set()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("memory", "resident memory of lognotary, saturated over idle", options)
    requests = Requests.build(shape_of(options), directory)
    flags = {"memory_limit": options.memory_limit} | server_flags(options)
    with clickhouse(directory) as node:
        report.versions["clickhouse"] = node.query("SELECT version()")
        for clients in options.clients or (8, 64):
            # A server of its own each time: what another load made it hold would count as idle.
            with (
                lognotary(f"{node.url}/clients_{clients}", directory, f"clients-{clients}", **flags) as server,
                loading(server.otlp_grpc, requests, clients=clients, seconds=options.seconds) as begin,
            ):
                pid = server.pid
                idle, watch, meter = resident(pid) / _MIB, _Watch(pid), Meter.of(pid)
                wait = begin()
                watcher = threading.Thread(target=watch.run)
                watcher.start()
                try:
                    result = wait()
                finally:
                    watch.stop()
                    watcher.join()
                (cpu,) = meter.read()
                # Between two looks, only the kernel sees a peak; of several processes, only looks see the sum.
                peak = max(peak_resident(pid) / _MIB, *watch.seen)
                what = f"{clients} clients"
                report.figure(f"{what}: idle", "MiB", [idle])
                report.figure(f"{what}: saturated", "MiB", watch.seen)
                report.figure(f"{what}: peak over idle", "MiB", [peak - idle])
                report.figure(f"{what}: throughput", "records/s", [result.records_per_second])
                report.figure(f"{what}: lognotary busy", "cores", [cpu / result.seconds])
                report.ratio(f"{what}: peak / idle", [peak], [idle])
                report.notes.append(f"{what}: {describe_retries([result])}")
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--clients", type=int, action="append", metavar="N", help="clients (repeated; default: 8 and 64)"
    )
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="load for each (default: 60)")
    add_server_flags(parser)
    parser.add_argument("--memory-limit", default="", metavar="BYTES", help="setting of the server")
    add_report_flags(parser)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
