"""Latency of lookups among many records: a trace, an actor, words, over gRPC.

The records are sent through the server, spread over thirty days, and merged; the directory may be kept and used again.
One caller asks, first for each lookup after ClickHouse has dropped its caches, then the same lookups again.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from statistics import quantiles

import grpc

from benchmarks.kept import Content, build, kept_directory
from benchmarks.processes import clickhouse, lognotary
from benchmarks.report import Report, add_report_flags
from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer
from lognotary.v1.correlation_pb2 import (
    CHECK_RECORDS,
    CHECK_SIGNATURES,
    EvidenceCheck,
    GetTraceRequest,
    SearchAuditEventsRequest,
)
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub

_DATABASE = "lookups"
_CACHES = ("MARK", "UNCOMPRESSED", "INDEX MARK", "INDEX UNCOMPRESSED", "QUERY CONDITION")
_LENGTHS = {"short": (1, 5), "of about 40 entries": (35, 45)}

_TRACES = """\
SELECT TraceId FROM (SELECT TraceId FROM otel_logs UNION ALL SELECT TraceId FROM audit_logs)
WHERE cityHash64(TraceId) % 97 = 0
GROUP BY TraceId HAVING count() BETWEEN {least} AND {most} LIMIT 20000"""

_Calls = list[Callable[[], object]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("lookups", f"lookups among {options.total:,} records", options)
    with kept_directory(options.data) as directory, clickhouse(directory) as node:
        report.versions["clickhouse"] = node.query("SELECT version()")
        with lognotary(f"{node.url}/{_DATABASE}", directory) as server:
            build(directory, node, _DATABASE, server, Content(options.total, options.audit, options.seed))
            _measure(node, server, report, options)
    report.publish(options)


def _measure(node: ClickHouseNode, server: LognotaryServer, report: Report, options: argparse.Namespace) -> None:
    draw = random.Random(options.seed)  # noqa: S311 - repeatable, not secret
    with grpc.insecure_channel(server.api_grpc) as channel:
        stub = CorrelationServiceStub(channel)
        for name, draw_calls in _lookups(node, stub, draw, options.calls).items():
            rounds: dict[str, list[list[float]]] = {"cold": [], "warm": []}
            for _ in range(options.rounds):
                calls = draw_calls()
                for cache in _CACHES:
                    node.query(f"SYSTEM DROP {cache} CACHE")
                for results in rounds.values():
                    results.append(_timed(calls))
            for when, results in rounds.items():
                cuts = [quantiles(result, n=100, method="inclusive") for result in results]
                report.figure(f"{name}, {when}: p50", "ms", [cut[49] for cut in cuts])
                report.figure(f"{name}, {when}: p99", "ms", [cut[98] for cut in cuts])
    report.notes.append(f"one caller; {options.calls} calls a round for different things, and the same again")


def _lookups(
    node: ClickHouseNode, stub: CorrelationServiceStub, draw: random.Random, count: int
) -> dict[str, Callable[[], _Calls]]:
    """Return functions that draw calls, by the name of the lookup."""

    def trace(trace_id: str, check: EvidenceCheck) -> Callable[[], object]:
        return lambda: stub.GetTrace(GetTraceRequest(trace_id=trace_id, check=check))

    def actor(actor_id: str) -> Callable[[], object]:
        return lambda: stub.SearchAuditEvents(SearchAuditEventsRequest(actor_id=actor_id))

    found: dict[str, Callable[[], _Calls]] = {}
    for length, (least, most) in _LENGTHS.items():
        ids = _values(node, _TRACES.format(least=least, most=most))
        for what, check in {"verified": CHECK_RECORDS, "signed": CHECK_SIGNATURES}.items():
            found[f"a trace {length}, {what}"] = lambda ids=ids, check=check: [  # type: ignore[misc]
                trace(each, check) for each in draw.sample(ids, min(count, len(ids)))
            ]
    actors = _values(node, "SELECT ActorId FROM audit_logs WHERE ActorId != '' GROUP BY ActorId LIMIT 100000")
    found["an actor's first page"] = lambda: [actor(each) for each in draw.sample(actors, min(count, len(actors)))]
    return found


def _values(node: ClickHouseNode, query: str) -> list[str]:
    return sorted(node.query(query, database=_DATABASE).split("\n"))


def _timed(calls: _Calls) -> list[float]:
    """Make the calls one after another; returns the latencies in milliseconds."""
    taken = []
    for call in calls:
        start = time.perf_counter()
        call()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookups", description=__doc__.partition("\n")[0])
    parser.add_argument("--total", type=int, default=20_000_000, metavar="N", help="records (default: 20 million)")
    parser.add_argument("--audit", type=float, default=0.05, metavar="N", help="share of audit records (default: 0.05)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="what the records are drawn from")
    parser.add_argument("--calls", type=int, default=200, metavar="N", help="calls a round (default: %(default)s)")
    parser.add_argument("--data", default="", metavar="DIR", help="directory to keep the records in, and to use again")
    add_report_flags(parser, rounds=1)
    return parser


if __name__ == "__main__":
    main()
