"""Lognotary compared with an OpenTelemetry Collector and its clickhouseexporter, on the same ClickHouse server.

Both get the same requests in turn, from the same loader. The comparison is of the CPU of the ingesting
process. The Collector acknowledges once a request is in its queue, signs nothing and does not separate audit from
operational records, so it has less to do; its CPU is counted until all of its rows are in the table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.collector_binary import COLLECTOR_VERSION, clickhouse_collector
from benchmarks.load import LoadResult, Requests, describe_retries, loading
from benchmarks.processes import (
    Meter,
    add_server_flags,
    batch_sizes,
    clickhouse,
    count_records,
    count_rows,
    lognotary,
    scratch,
    server_flags,
    stop_merges,
)
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.clickhouse_node import ClickHouseNode
from harness.collector import Collector
from harness.free_port import free_port
from harness.process_stats import resident
from server.notary.origin import Stream

_OURS, _THEIRS = "lognotary", "collector"  # databases
_ARRIVAL_SECONDS = 300.0


@dataclass(slots=True)
class _Side:
    """One of the two sides, with its results for each round."""

    address: str
    pid: int
    count: Callable[[], int]
    loads: list[LoadResult] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    storage_cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    binary = clickhouse_collector()
    requests = Requests.build(shape_of(options), directory)
    report = Report.of("collector", "lognotary against a Collector with clickhouseexporter", options)
    report.versions["collector"] = COLLECTOR_VERSION
    port = free_port()
    with (
        clickhouse(directory) as node,
        lognotary(f"{node.url}/{_OURS}", directory, **server_flags(options)) as server,
        Collector(collector_configuration(options, node, port), directory / "collector", binary=binary) as collector,
    ):
        report.versions["clickhouse"] = node.query("SELECT version()")
        if not options.merges:
            stop_merges(node)
        sides = {
            "lognotary": _Side(server.otlp_grpc, server.pid, lambda: count_records(node, _OURS)),
            "Collector": _Side(f"127.0.0.1:{port}", collector.pid, lambda: count_rows(node, _THEIRS, "otel_logs")),
        }
        for number in range(options.rounds + 1):
            for side in sides.values():
                _run(options, node, side, requests, warm_up=not number)
        theirs = node.query("SELECT round(avg(rows)) FROM system.parts WHERE database = 'collector' AND level = 0")
        report.figure("rows of a batch in otel_logs: lognotary", "rows", batch_sizes(node, _OURS, Stream.OPERATIONAL))
        report.figure("rows of a batch in otel_logs: Collector", "rows", [float(theirs)])
        failures = [line for line in collector.log_text().splitlines() if "error" in line.lower()]
        if failures:
            report.notes.append(f"the Collector logged {len(failures)} errors, such as: {failures[0][:300]}")
    _fill(report, sides)
    return report


def collector_configuration(
    options: argparse.Namespace, node: ClickHouseNode, port: int, database: str = _THEIRS
) -> dict[str, Any]:
    """Return a configuration that favours throughput, as the exporter's README advises: large batches."""
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}", "max_recv_msg_size_mib": 64}}}},
        "exporters": {
            "clickhouse": {
                "endpoint": f"tcp://127.0.0.1:{node.tcp_port}?dial_timeout=10s",
                "database": database,
                "create_schema": True,
                "async_insert": options.async_insert,
                "compress": options.compress,
                "timeout": "30s",
                "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
                "sending_queue": {
                    "sizer": "items",
                    "queue_size": max(200_000, 4 * options.batch_rows),
                    "num_consumers": options.consumers,
                    "block_on_overflow": True,  # senders wait instead of being refused: nothing is lost
                    "batch": {"min_size": options.batch_rows, "flush_timeout": "1s"},
                },
            }
        },
        "service": {"pipelines": {"logs": {"receivers": ["otlp"], "exporters": ["clickhouse"]}}},
    }


def _run(options: argparse.Namespace, node: ClickHouseNode, side: _Side, requests: Requests, *, warm_up: bool) -> None:
    before = side.count()
    flags: dict[str, float] = {"requests": options.requests if not warm_up else 8, "clients": options.clients}
    with loading(side.address, requests, **flags) as begin:
        meter = Meter.of(side.pid, node.pid)
        result = begin()()
        _wait_for_rows(side, before + result.records)
        seconds = meter.seconds
        cpu, storage_cpu = meter.read()
    if side.count() != before + result.records and not result.retries:  # what is sent again may be there twice
        raise RuntimeError(f"{result.records} records were sent and {side.count() - before} arrived")
    if not warm_up:
        side.loads.append(result)
        side.cpu.append(cpu / result.records * 1e6)
        side.storage_cpu.append(storage_cpu / result.records * 1e6)
        side.rate.append(result.records / seconds)
        side.memory.append(resident(side.pid) / (1 << 20))


def _wait_for_rows(side: _Side, wanted: int) -> None:
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    while side.count() < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{wanted - side.count()} of the records did not arrive")
        time.sleep(0.1)


def _fill(report: Report, sides: dict[str, _Side]) -> None:
    for name, side in sides.items():
        report.figure(f"{name}: CPU", "µs/record", side.cpu)
        report.figure(f"{name}: per CPU second", "records", [1e6 / cpu for cpu in side.cpu])
        report.figure(f"{name}: throughput until stored", "records/s", side.rate)
        report.figure(f"{name}: CPU of ClickHouse", "µs/record", side.storage_cpu)
        report.figure(f"{name}: resident", "MiB", side.memory)
        report.figure(f"{name}: loader busy", "cores", [load.busy for load in side.loads])
        report.notes.append(f"{name}: all records arrived; {describe_retries(side.loads)}")
    ours, theirs = sides["lognotary"], sides["Collector"]
    report.ratio("records per CPU second, lognotary / Collector", theirs.cpu, ours.cpu)
    report.ratio("throughput, lognotary / Collector", ours.rate, theirs.rate)
    both = {name: [a + b for a, b in zip(s.cpu, s.storage_cpu, strict=True)] for name, s in sides.items()}
    report.ratio("CPU with ClickHouse's, Collector / lognotary", both["Collector"], both["lognotary"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=48, metavar="N", help="requests a round (default: 48)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    parser.add_argument("--merges", action="store_true", help="let ClickHouse merge meanwhile")
    add_server_flags(parser)
    group = parser.add_argument_group("the Collector")
    group.add_argument("--batch-rows", type=int, default=8192, metavar="N", help="least of a batch (default: 8192)")
    group.add_argument("--consumers", type=int, default=2, metavar="N", help="batches sent at a time (default: 2)")
    group.add_argument("--compress", default="lz4", choices=["none", "lz4", "zstd"], help="(default: lz4, its own)")
    group.add_argument("--async-insert", action="store_true", help="let ClickHouse gather inserts (its own default)")
    add_report_flags(parser, rounds=3)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
