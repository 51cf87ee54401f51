"""Latency of the acknowledgement of single records, on both engines.

Clients send one record, wait until it is committed and signed, and send the next. A record waits until its
batch is old enough, so the flush age is the floor; the rest is due to Lognotary and ClickHouse.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import LoadResult, Requests, describe_retries, load
from benchmarks.processes import add_server_flags, clickhouse, lognotary, scratch, server_flags
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of

_PERCENTILES = ("p50", "p90", "p99", "max")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("latency", "acknowledgement of single records", options)
    requests = Requests.build(shape_of(options), directory)
    age = options.batch_age * 1000
    results: dict[str, list[LoadResult]] = {engine: [] for engine in options.engine or ("server", "embedded")}
    with ExitStack() as stack:
        addresses = {}
        for engine in results:
            if engine == "server":
                node = stack.enter_context(clickhouse(directory))
                report.versions["clickhouse"] = node.query("SELECT version()")
                storage = f"{node.url}/lognotary"
            else:
                storage = f"chdb://{directory / 'chdb'}"
            server = lognotary(
                storage, directory, f"lognotary-{engine}", batch_age=options.batch_age, **server_flags(options)
            )
            addresses[engine] = stack.enter_context(server).otlp_grpc
        for number in range(options.rounds + 1):
            for engine, address in addresses.items():
                seconds = options.seconds if number else min(2.0, options.seconds)
                result = load(address, requests, clients=options.clients, seconds=seconds)
                if number:  # the first round was to warm up
                    results[engine].append(result)
    for engine, loads in results.items():
        report.figure(f"{engine}: throughput", "records/s", [each.records_per_second for each in loads])
        for name in _PERCENTILES:
            report.figure(f"{engine}: {name}", "ms", [each.latency_ms[name] for each in loads])
        report.figure(f"{engine}: p99 above the flush age", "ms", [each.latency_ms["p99"] - age for each in loads])
        report.figure(f"{engine}: loader busy", "cores", [each.busy for each in loads])
        report.ratio(f"{engine}: p99 / flush age", [each.latency_ms["p99"] for each in loads], [age] * len(loads))
        report.notes.append(f"{engine}: {sum(each.requests for each in loads)} records; {describe_retries(loads)}")
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=64, metavar="N", help="clients at the same time (default: 64)")
    parser.add_argument("--seconds", type=float, default=15.0, metavar="S", help="load in each round (default: 15)")
    parser.add_argument("--batch-age", type=float, default=0.25, metavar="S", help="flush age (default: 0.25)")
    parser.add_argument("--engine", action="append", choices=["server", "embedded"], help="only this one")
    add_server_flags(parser)
    add_report_flags(parser, rounds=3)
    add_shape_flags(parser, records=1, resources=1, distinct=1000)
    return parser


if __name__ == "__main__":
    main()
