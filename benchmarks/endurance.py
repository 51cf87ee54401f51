"""Throughput over many records: the last minute compared with the first.

ClickHouse merges as in real use. If a run is shorter than ten minutes, its last tenth is compared
with its first.
"""

from __future__ import annotations

import argparse
import math
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load import LoadResult, Requests, describe_retries, loading
from benchmarks.processes import (
    Meter,
    add_server_flags,
    clickhouse,
    count_records,
    lognotary,
    scratch,
    server_flags,
)
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of

_MINUTE = 60.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("endurance", f"throughput while {options.total:,} records go in", options)
    requests = Requests.build(shape_of(options), directory)
    count = math.ceil(options.total / requests.shape.records)
    with (
        clickhouse(directory) as node,
        lognotary(f"{node.url}/lognotary", directory, **server_flags(options)) as server,
    ):
        report.versions["clickhouse"] = node.query("SELECT version()")
        flags = {"clients": options.clients, "requests": count, "progress": 0.5}
        with loading(server.otlp_grpc, requests, **flags) as begin:
            meter = Meter.of(server.pid, node.pid)
            result = begin()()
            server_cpu, storage_cpu = meter.read()
        stored = count_records(node, "lognotary")
        if stored < result.records:
            raise RuntimeError(f"{result.records} records were acknowledged and {stored} are stored")
    span = min(_MINUTE, result.seconds / 10)
    first, last = _rate(result, 0.0, span), _rate(result, result.seconds - span, result.seconds)
    windows = max(1, int(result.seconds / span))
    report.figure("whole run", "records/s", [result.records_per_second])
    report.figure(f"each {span:.0f} s", "records/s", [_rate(result, n * span, (n + 1) * span) for n in range(windows)])
    report.figure(f"first {span:.0f} s", "records/s", [first])
    report.figure(f"last {span:.0f} s", "records/s", [last])
    report.figure("CPU of lognotary", "µs/record", [server_cpu / stored * 1e6])
    report.figure("CPU of ClickHouse, with merges", "µs/record", [storage_cpu / stored * 1e6])
    report.figure("loader busy", "cores", [result.busy])
    report.ratio(f"last / first {span:.0f} s", [last], [first])
    report.notes.append(f"{stored} records stored and signed in {result.seconds:.0f} s; {describe_retries([result])}")
    if stored > result.records:
        # A request that was refused too late, when a part of it was being committed: OTLP is at least once.
        report.notes.append(f"{stored - result.records} of them twice, since they were refused and sent again")
    return report


def _rate(result: LoadResult, begin: float, end: float) -> float:
    """Return the records acknowledged per second between two times of a run."""
    return (_records_at(result, end) - _records_at(result, begin)) / (end - begin)


def _records_at(result: LoadResult, time: float) -> float:
    """Return the records acknowledged at a time, interpolated between samples."""
    looks = [(0.0, 0), *result.progress, (result.seconds, result.records)]
    place = bisect_left(looks, (time, 0))
    if place == 0 or place == len(looks):
        return float(looks[min(place, len(looks) - 1)][1])
    (before, fewer), (after, more) = looks[place - 1], looks[place]
    return fewer + (more - fewer) * (time - before) / (after - before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description=__doc__.partition("\n")[0])
    parser.add_argument("--total", type=int, default=20_000_000, metavar="N", help="records (default: 20 million)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    add_server_flags(parser)
    add_report_flags(parser)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
