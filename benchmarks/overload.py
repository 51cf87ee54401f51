"""Overload at ten times the capacity: remaining throughput, latency, memory and health.

First the best throughput is measured with clients that wait for their answers; then an open loop offers a multiple of
it. Memory and health are monitored from outside, by separate processes. So is an idle server:
its latency is due to the machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from benchmarks.load import LoadResult, Requests, describe_retries, load
from benchmarks.loader import EXPORT
from benchmarks.processes import Meter, add_server_flags, clickhouse, lognotary, scratch, server_flags
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.lognotary_server import LognotaryServer
from harness.process_stats import peak_resident, resident

_REPOSITORY = Path(__file__).resolve().parents[1]
_MIB = 1 << 20
_NORMAL_IN_A_ROW = 5
_NORMAL_SECONDS = 1.0  # for one request
_RECOVERY_SECONDS = 60.0


@dataclass(slots=True)
class _Watch:
    """Sampler of the memory of a process and its children."""

    pid: int
    peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Sample twenty times a second."""
        while not self._stop.wait(0.05):
            self.peak = max(self.peak, resident(self.pid))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sample while the block runs."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("overload", f"{options.times:g} times what the machine can take", options)
    requests = Requests.build(shape_of(options), directory)
    flags = {"memory_limit": options.memory_limit, "ack": options.ack} | server_flags(options)
    for engine in options.engine or ("server", "embedded"):
        with ExitStack() as stack:
            if engine == "server":
                node = stack.enter_context(clickhouse(directory))
                report.versions["clickhouse"] = node.query("SELECT version()")
                storage = f"{node.url}/lognotary"
                storage_pids = [node.pid]
            else:
                storage, storage_pids = f"chdb://{directory / 'chdb'}", []
            server = stack.enter_context(lognotary(storage, directory, f"lognotary-{engine}", **flags))
            _overload(report, options, engine, server, storage_pids, requests)
    return report


def _overload(
    report: Report,
    options: argparse.Namespace,
    engine: str,
    server: LognotaryServer,
    storage_pids: Sequence[int],
    requests: Requests,
) -> None:
    load(server.otlp_grpc, requests, clients=options.clients, seconds=min(3.0, options.best_seconds))
    meter = Meter.of(server.pid, *storage_pids)
    best = load(server.otlp_grpc, requests, clients=options.clients, seconds=options.best_seconds)
    best_cpu = sum(meter.read()) / best.records
    rate = options.times * best.requests / best.seconds
    watch, meter = _Watch(server.pid), Meter.of(server.pid, *storage_pids)
    with ExitStack() as stack:
        stack.enter_context(watch.watching())
        health = stack.enter_context(_probing(f"{server.http}/healthz"))
        api = stack.enter_context(_probing(f"{server.http}/api/v1/logs", "--pause=0.5"))
        still = stack.enter_context(_probing(stack.enter_context(_still_server())))
        storm = _storm(server.otlp_grpc, requests, rate, options)
        cpu = sum(meter.read())
        healthy, answered, timed_out = health(), api(), still()
        normal_after = _seconds_until_normal(server.otlp_grpc, requests)
    # Tables have grown and are merged meanwhile, which costs the same without overload.
    again = load(server.otlp_grpc, requests, clients=options.clients, seconds=options.best_seconds)
    records = storm["accepted"] * requests.shape.records
    processes = int(options.workers) + 1 if options.workers and int(options.workers) > 1 else 1
    limit = int(options.memory_limit or (2 << 30 if engine == "embedded" else processes << 30))
    # A process alone is watched by the kernel too, between two looks.
    peak = watch.peak if options.workers else max(watch.peak, peak_resident(server.pid))
    _fill(report, engine, best, storm, records, rate)
    report.figure(f"{engine}: most memory", "MiB", [peak / _MIB])
    for name in ("p99", "max"):
        report.figure(f"{engine}: {name} of /healthz", "ms", [healthy["latency_ms"][name]])
        report.figure(f"{engine}: {name} of a server that is idle", "ms", [timed_out["latency_ms"][name]])
    report.figure(f"{engine}: p99 of /api/v1/logs", "ms", [answered["latency_ms"]["p99"]])
    report.figure(f"{engine}: normal again after", "s", [normal_after])
    report.figure(f"{engine}: generator busy", "cores", [storm["cpu_seconds"] / storm["seconds"]])
    report.ratio(f"{engine}: memory / limit", [peak], [limit])
    report.ratio(f"{engine}: throughput / best", [records / storm["seconds"]], [best.records_per_second])
    report.ratio(f"{engine}: throughput / best afterwards", [records / storm["seconds"]], [again.records_per_second])
    report.ratio(f"{engine}: CPU per stored record / at best", [cpu / max(records, 1)], [best_cpu])
    # Where clients were refused already here, and waited, this is not the best: then give it fewer of them.
    report.figure(f"{engine}: best throughput afterwards", "records/s", [again.records_per_second])
    report.notes.append(f"{engine}, at best: {describe_retries([best, again])}")
    report.notes.append(
        f"{engine}: {storm['attempts']} attempts, {storm['accepted']} accepted, {storm['left_out']} left out by the "
        f"generator; refusals: {storm['refusals']}; told to wait: {_rounded(storm['told_seconds'])} s; health asked "
        f"{healthy['asked']} times, {healthy['failures']} failures, {healthy['slow']} took more than 100 ms; "
        f"API asked {answered['asked']} times, "
        f"{answered['failures']} failures"
    )


def _fill(report: Report, engine: str, best: LoadResult, storm: dict[str, Any], records: int, rate: float) -> None:
    attempts = storm["attempts"]
    report.figure(f"{engine}: best throughput", "records/s", [best.records_per_second])
    report.figure(f"{engine}: p99 at best", "ms", [best.latency_ms["p99"]])
    report.figure(f"{engine}: offered", "requests/s", [rate])
    report.figure(f"{engine}: attempted", "requests/s", [attempts / storm["seconds"]])
    report.figure(f"{engine}: stored meanwhile", "records/s", [records / storm["seconds"]])
    for name in ("p50", "p99", "max"):
        report.figure(f"{engine}: {name} of accepted", "ms", [storm["latency_ms"].get(name, float("nan"))])
    report.figure(f"{engine}: p99 of refusals", "ms", [storm["refusal_ms"].get("p99", float("nan"))])
    report.figure(f"{engine}: refused", "%", [100 * sum(storm["refusals"].values()) / max(attempts, 1)])


def _storm(address: str, requests: Requests, rate: float, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.storm", address, f"--requests-from={requests.file}"]
    command += [f"--rate={rate}", f"--seconds={options.seconds}", f"--clients={options.storm_clients}"]
    command += [f"--heeding={options.heeding}"]
    with subprocess.Popen(
        command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None  # noqa: S101 - a pipe, as asked for
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        process.stdout.readline()
        process.stdin.write("go\n")
        process.stdin.flush()
        line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the generator ended with status {process.returncode}")
    result: dict[str, Any] = json.loads(line)
    return result


@contextmanager
def _probing(url: str, *arguments: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Poll a URL; yields a function that stops polling and returns the results."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.prober", url, *arguments],
        cwd=_REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def end() -> dict[str, Any]:
        output, _ = process.communicate("")
        result: dict[str, Any] = json.loads(output)
        return result

    try:
        yield end
    finally:
        process.kill()
        process.wait()


@contextmanager
def _still_server() -> Iterator[str]:
    """Run an idle server; yields its URL."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with (
        tempfile.TemporaryDirectory() as nothing,
        subprocess.Popen(command, cwd=nothing, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - a pipe, as asked for
        try:
            # Serving HTTP on 127.0.0.1 port 8000 (http://127.0.0.1:8000/) ...
            yield process.stdout.readline().partition("(")[2].partition(")")[0]
        finally:
            process.kill()


def _seconds_until_normal(address: str, requests: Requests) -> float:
    """Return the seconds until the first of several consecutive requests that were stored promptly."""
    begin = time.perf_counter()
    in_a_row, since = 0, 0.0
    with grpc.insecure_channel(address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        while (passed := time.perf_counter() - begin) < _RECOVERY_SECONDS:
            try:
                call(requests.encoded[0], timeout=10.0)
            except grpc.RpcError:
                time.sleep(0.1)
                prompt = False
            else:
                prompt = time.perf_counter() - begin - passed <= _NORMAL_SECONDS
            if not prompt:
                in_a_row = 0
                continue
            if in_a_row == 0:
                since = passed
            in_a_row += 1
            if in_a_row == _NORMAL_IN_A_ROW:
                return since
    return float("inf")


def _rounded(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in values.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", action="append", choices=["server", "embedded"], help="only this one")
    parser.add_argument("--times", type=float, default=10.0, metavar="N", help="times the best (default: 10)")
    parser.add_argument("--seconds", type=float, default=120.0, metavar="S", help="of overload (default: 120)")
    parser.add_argument("--best-seconds", type=float, default=15.0, metavar="S", help="to find the best (default: 15)")
    parser.add_argument("--clients", type=int, default=16, metavar="N", help="clients for the best (default: 16)")
    parser.add_argument("--storm-clients", type=int, default=64, metavar="N", help="of the overload (default: 64)")
    parser.add_argument(
        "--heeding", type=float, default=0.5, metavar="P", help="fraction of clients that honour the retry delay"
    )
    add_server_flags(parser)
    parser.add_argument("--memory-limit", default="", metavar="BYTES", help="setting of the server")
    parser.add_argument("--ack", default="", choices=["commit", "journal"], help="setting of the server")
    add_report_flags(parser)
    add_shape_flags(parser, records=1000)
    return parser


if __name__ == "__main__":
    main()
