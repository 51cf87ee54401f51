"""Python's two gRPC servers, with threads and with asyncio: CPU and throughput of receiving alone.

Many small requests and few large ones, because each server is better at one of them. The handler gets
raw bytes; behind it is nothing, or with --pipeline everything except storage.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import LoadResult, Requests, loading
from benchmarks.processes import Meter, scratch
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import Shape

_KINDS = ("sync", "aio")
_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class _Rounds:
    loads: list[LoadResult] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # microseconds a request
    busy: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("receiver", "gRPC with threads (sync) and with asyncio (aio)", options)
    with scratch() as directory:
        for records, clients, distinct in (
            (1, options.small_clients, 100),
            (options.records, options.large_clients, 4),
        ):
            requests = Requests.build(Shape(records=records, distinct=distinct), directory)
            _measure(report, options, requests, clients)
    report.notes.append("where the loader is busy with about one core, requests/s is its limit: look at CPU then")
    report.publish(options)


def _measure(report: Report, options: argparse.Namespace, requests: Requests, clients: int) -> None:
    rounds = {kind: _Rounds() for kind in _KINDS}
    for number in range(options.rounds + 1):
        for kind, values in rounds.items():
            with _receiver(kind, pipeline=options.pipeline) as (pid, address):
                seconds = options.seconds if number else min(1.0, options.seconds)
                with loading(address, requests, clients=clients, seconds=seconds) as begin:
                    meter = Meter.of(pid)
                    result = begin()()
                    (cpu,) = meter.read()
            if number:  # the first round was to warm up
                values.loads.append(result)
                values.cpu.append(cpu / result.requests * 1e6)
                values.busy.append(cpu / result.seconds)
    what = f"{requests.shape.records} records"
    for kind, values in rounds.items():
        report.figure(f"{what}, {kind}: CPU", "µs/request", values.cpu)
        report.figure(f"{what}, {kind}: throughput", "requests/s", [r.requests / r.seconds for r in values.loads])
        report.figure(f"{what}, {kind}: p99", "ms", [load.latency_ms["p99"] for load in values.loads])
        report.figure(f"{what}, {kind}: server busy", "cores", values.busy)
        report.figure(f"{what}, {kind}: loader busy", "cores", [load.busy for load in values.loads])
    report.ratio(f"{what}: CPU of aio / sync", rounds["aio"].cpu, rounds["sync"].cpu)


@contextmanager
def _receiver(kind: str, *, pipeline: bool) -> Iterator[tuple[int, str]]:
    command = [sys.executable, "-m", "benchmarks.receiver_server", kind, *(["--pipeline"] if pipeline else [])]
    process = subprocess.Popen(command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe, as asked for
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the {kind} receiver ended with status {process.wait()}")
        yield process.pid, f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receiver", description=__doc__.partition("\n")[0])
    parser.add_argument("--pipeline", action="store_true", help="with the pipeline behind it, but no storage")
    parser.add_argument("--seconds", type=float, default=4.0, metavar="S", help="load in each round (default: 4)")
    parser.add_argument("--small-clients", type=int, default=64, metavar="N", help="clients of 1-record requests")
    parser.add_argument("--large-clients", type=int, default=4, metavar="N", help="clients of large requests")
    parser.add_argument("--records", type=int, default=8192, metavar="N", help="records of a large request")
    add_report_flags(parser, rounds=3)
    return parser


if __name__ == "__main__":
    main()
