"""Latency of lookups among many records and spans over gRPC: traces, an actor, words, attributes, counts.

Records and spans are sent through the server, spread over thirty days, and merged; the directory may be reused. One
caller makes each lookup after ClickHouse has dropped its caches, then makes the same lookups again.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from statistics import quantiles

import grpc

from benchmarks.kept import Content, add_data_flags, build, kept_directory
from benchmarks.lookup_calls import PLAIN_TRACE, Calls, lookups, plain_trace
from benchmarks.plain_table import fill_plain_table
from benchmarks.processes import clickhouse, lognotary
from benchmarks.report import Report, add_report_flags
from harness.clickhouse_node import ClickHouseNode
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub

_DATABASE = "lookups"
_CACHES = ("MARK", "UNCOMPRESSED", "INDEX MARK", "INDEX UNCOMPRESSED", "QUERY CONDITION")
_COMPARED = "a trace of about 40 entries, verified"
_SMALLER = ", a tenth of the records"
_SPANS_OF_RECORDS = 12 / 105

_Draw = Callable[[], Calls]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("lookups", f"lookups among {options.total:,} records", options)
    wanted = Content(options.total, options.audit, options.seed, int(options.total * _SPANS_OF_RECORDS))
    with ExitStack() as stack:
        drawn = _begin(options.data, wanted, report, options, stack)
        if options.tenth:
            tenth = Content(wanted.records // 10, wanted.audit, wanted.seed, wanted.spans // 10)
            smaller = _begin(
                f"{options.data}/tenth" if options.data else "", tenth, report, options, stack, plain=False
            )
            drawn[_COMPARED + _SMALLER] = (smaller[_COMPARED][0], smaller[_COMPARED][1])
        _measure({name: each for name, each in drawn.items() if options.only in name}, report, options)
    report.publish(options)


def _begin(
    kept: str, content: Content, report: Report, options: argparse.Namespace, stack: ExitStack, *, plain: bool = True
) -> dict[str, tuple[ClickHouseNode, _Draw]]:
    """Start the servers of a data set, which is built if necessary; return the lookups in it."""
    directory = stack.enter_context(kept_directory(kept))
    node = stack.enter_context(clickhouse(directory))
    report.versions["clickhouse"] = node.query("SELECT version()")
    server = stack.enter_context(lognotary(f"{node.url}/{_DATABASE}", directory))
    data = build(directory, node, _DATABASE, server, content)
    channel = stack.enter_context(grpc.insecure_channel(server.api_grpc))
    draw = random.Random(options.seed)  # noqa: S311 - repeatable, not secret
    drawn: dict[str, _Draw] = {**lookups(node, _DATABASE, CorrelationServiceStub(channel), data, draw, options.calls)}
    if plain and options.plain:
        drawn[PLAIN_TRACE] = plain_trace(node, _DATABASE, fill_plain_table(node, _DATABASE), data, draw, options.calls)
    return {name: (node, each) for name, each in drawn.items()}


def _measure(drawn: Mapping[str, tuple[ClickHouseNode, _Draw]], report: Report, options: argparse.Namespace) -> None:
    medians: dict[str, list[float]] = {}
    refused: list[str] = []
    for name, (node, draw_calls) in drawn.items():
        rounds: dict[str, list[list[float]]] = {"cold": [], "warm": []}
        for _ in range(options.rounds):
            calls = draw_calls()
            for cache in _CACHES:
                node.query(f"SYSTEM DROP {cache} CACHE")
            for results in rounds.values():
                results.append(_timed(calls, refused))
        for when, results in rounds.items():
            cuts = [quantiles(result, n=100, method="inclusive") for result in results]
            report.figure(f"{name}, {when}: p50", "ms", [cut[49] for cut in cuts])
            report.figure(f"{name}, {when}: p99", "ms", [cut[98] for cut in cuts])
            medians[name] = [cut[49] for cut in cuts]
    for other in (PLAIN_TRACE, _COMPARED + _SMALLER):
        if other in medians:
            report.ratio(f"warm p50, {other} / {_COMPARED}", medians[other], medians[_COMPARED])
    if refused:
        report.notes.append(
            f"{len(refused)} calls reached a limit, and are counted with the time until then: {refused[0]}"
        )
    report.notes.append(f"one caller; {options.calls} calls a round for different things, and the same again")


def _timed(calls: Calls, refused: list[str]) -> list[float]:
    """Make the calls one after another; return the latencies in milliseconds, and add the errors of reached limits."""
    taken = []
    for call in calls:
        start = time.perf_counter()
        try:
            call()
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            refused.append(error.details() or "")
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookups", description=__doc__.partition("\n")[0])
    add_data_flags(parser, 20_000_000)
    parser.add_argument("--audit", type=float, default=0.05, metavar="N", help="share of audit records (default: 0.05)")
    parser.add_argument("--calls", type=int, default=200, metavar="N", help="calls a round (default: %(default)s)")
    parser.add_argument(
        "--plain", action="store_true", help="copy the rows into the exporter's own table, and look traces up there too"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only the lookups whose name has this text")
    parser.add_argument("--tenth", action="store_true", help="look traces up among a tenth of the records too")
    add_report_flags(parser, rounds=1)
    return parser


if __name__ == "__main__":
    main()
