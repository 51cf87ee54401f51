"""Calls of the API with records of who looked, and with records that answers wait for, compared with calls without.

Three servers with the same few records answer GetTrace in turn, one for each value of ``access_log``. Many callers at
the same time show the CPU of a call, until its record is signed and stored. One caller alone shows how long a call
takes.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from benchmarks.processes import (
    Meter,
    add_server_flags,
    clickhouse,
    lognotary,
    read_metric,
    scratch,
    server_flags,
    stop_merges,
)
from benchmarks.report import Report, add_report_flags
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, own_connection, request_of
from lognotary.v1.correlation_pb2 import GetTraceRequest
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub

_WAYS = ("off", "on", "required")
_TRACES = 100
_IDLE = 3.0  # seconds
_DEADLINE = 60.0  # seconds for a call, and for what waits for the access log


@dataclass(frozen=True, slots=True)
class _Run:
    """Results of one round of one server.

    Attributes:
        server: CPU time of the server per call in microseconds, minus what an idle server uses.
        storage: CPU time of ClickHouse per call in microseconds, minus what an idle ClickHouse uses.
        rate: calls per second.
        latency: median duration of a call of one caller alone, in milliseconds.
    """

    server: float
    storage: float
    rate: float
    latency: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("looked", "calls with records of who looked, against calls without", options)
    with clickhouse(directory) as node, ExitStack() as stack:
        report.versions["clickhouse"] = node.query("SELECT version()")
        servers = {
            way: stack.enter_context(
                lognotary(f"{node.url}/{way}", directory, way, access_log=way, **server_flags(options))
            )
            for way in _WAYS
        }
        stop_merges(node)
        for server in servers.values():
            _fill(server, options.records)
            _call(server, options.clients, 2.0)
        runs: dict[str, list[_Run]] = {way: [] for way in _WAYS}
        for number in range(options.rounds):
            for way in reversed(_WAYS) if number % 2 else _WAYS:
                runs[way].append(_run(servers[way], node.pid, options))
    for way, some in runs.items():
        report.figure(f"CPU of lognotary, {way}", "µs/call", [run.server for run in some])
        report.figure(f"CPU of ClickHouse, {way}", "µs/call", [run.storage for run in some])
        report.figure(f"calls of {options.clients} callers, {way}", "/s", [run.rate for run in some])
        report.figure(f"one caller alone, {way}", "ms", [run.latency for run in some])
    for way in _WAYS[1:]:
        for what, name in (("CPU of lognotary", "server"), ("CPU of ClickHouse", "storage"), ("duration", "latency")):
            values = {each: [getattr(run, name) for run in runs[each]] for each in ("off", way)}
            report.ratio(f"{what}, {way} / off", values[way], values["off"])
    report.notes.append(f"GetTrace of {options.records} records each, among {_TRACES * options.records}")
    return report


def _trace_id(number: int) -> str:
    return f"{number % _TRACES + 1:032x}"


def _fill(server: LognotaryServer, records: int) -> None:
    with own_connection(server.otlp_grpc) as channel:
        stub = LogsServiceStub(channel)
        for number in range(_TRACES):
            some = [log_record(f"step {step} of an order", trace_id=_trace_id(number)) for step in range(records)]
            stub.Export(request_of(some), timeout=_DEADLINE)


def _run(server: LognotaryServer, storage: int, options: argparse.Namespace) -> _Run:
    idle = Meter.of(server.pid, storage)
    time.sleep(_IDLE)
    resting = [taken / idle.seconds for taken in idle.read()]
    busy = Meter.of(server.pid, storage)
    calls = len(_call(server, options.clients, options.seconds))
    rate = calls / busy.seconds
    deadline = time.monotonic() + _DEADLINE
    while read_metric(server, "lognotary_access_log_waiting") and time.monotonic() < deadline:
        time.sleep(0.1)
    seconds = busy.seconds
    cpu = [(taken - rest * seconds) / calls * 1e6 for taken, rest in zip(busy.read(), resting, strict=True)]
    return _Run(cpu[0], cpu[1], rate, median(_call(server, 1, options.seconds / 2)) * 1e3)


def _call(server: LognotaryServer, clients: int, seconds: float) -> list[float]:
    """Call without pause, each client over a connection of its own; return the duration of each call in seconds."""
    durations: list[float] = []
    end = time.monotonic() + seconds

    def call(first: int) -> None:
        with own_connection(server.api_grpc) as channel:
            stub, number = CorrelationServiceStub(channel), first
            while (began := time.monotonic()) < end:
                stub.GetTrace(GetTraceRequest(trace_id=_trace_id(number)), timeout=_DEADLINE)
                durations.append(time.monotonic() - began)
                number += 1

    threads = [threading.Thread(target=call, args=(7 * client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return durations


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.looked", description=__doc__.partition("\n")[0])
    add_server_flags(parser)
    parser.add_argument("--clients", type=int, default=16, metavar="N", help="callers (default: 16)")
    parser.add_argument("--records", type=int, default=20, metavar="N", help="records of a trace (default: 20)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="calls in each round (default: 10)")
    add_report_flags(parser, rounds=5)
    return parser


if __name__ == "__main__":
    main()
