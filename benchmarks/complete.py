"""Complete answers over many audit records, compared with only reading the same columns from ClickHouse.

The records are sent through the server, spread over thirty days, and merged; the directory may be reused. In turn,
the benchmark reads the rows of verification's SELECT, and requests complete answers over gRPC to queries that match
few, some and all records.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import grpc

from benchmarks.kept import Content, add_data_flags, build, kept_directory
from benchmarks.processes import Meter, clickhouse, lognotary
from benchmarks.report import Report, add_report_flags
from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer
from lognotary.v1.correlation_pb2 import CompleteSearchRequest
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from server.notary.origin import Stream
from storage.clickhouse import connect
from storage.stored_records import scan_query
from storage.url import parse_storage_url

_DATABASE = "complete"
_QUERIES = {
    "one actor": "actor:u-00109",
    "words": "*order 77* OR outcome:failure actor:u-000*",
    "an attribute": "LogAttributes.session.id:3b4* -actor:nobody",
}


@dataclass(slots=True)
class _Costs:
    """Results, one value for each round."""

    wall: list[float] = field(default_factory=list)
    storage_cpu: list[float] = field(default_factory=list)
    own_cpu: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)  # seconds until the first record
    matched: int = 0

    @property
    def cpu(self) -> list[float]:
        """CPU of ClickHouse and of the reader."""
        return [storage + own for storage, own in zip(self.storage_cpu, self.own_cpu, strict=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("complete", f"complete answers over {options.total:,} audit records", options)
    with kept_directory(options.data) as directory, clickhouse(directory) as node:
        report.versions["clickhouse"] = node.query("SELECT version()")
        with lognotary(f"{node.url}/{_DATABASE}", directory) as server:
            build(directory, node, _DATABASE, server, Content(options.total, 1.0, options.seed))
            _measure(node, server, report, options.rounds)
    report.publish(options)


def _measure(node: ClickHouseNode, server: LognotaryServer, report: Report, rounds: int) -> None:
    stored = int(node.query("SELECT count() FROM audit_logs", database=_DATABASE))
    read, answers = _Costs(), {name: _Costs() for name in _QUERIES}
    with grpc.insecure_channel(server.api_grpc) as channel:
        stub = CorrelationServiceStub(channel)
        _drain(node, _Costs())  # once unmeasured: it fills the caches
        for _ in range(rounds):
            _drain(node, read)
            for name, query in _QUERIES.items():
                _answer(node, server, stub, query, stored, answers[name])
    _fill(report, "reading", read, stored)
    for name, costs in answers.items():
        _fill(report, f"complete answer, {name}", costs, stored)
        report.figure(f"complete answer, {name}: first record", "s", costs.first)
        report.ratio(f"{name} / reading", costs.wall, read.wall)
        report.ratio(f"{name} / reading, CPU of both", costs.cpu, read.cpu)
    matched = ", ".join(f"{costs.matched:,} ({name})" for name, costs in answers.items())
    report.notes.append(f"{stored:,} records; {matched} match")


def _drain(node: ClickHouseNode, costs: _Costs) -> None:
    meter = Meter.of(node.pid, os.getpid())
    with closing(connect(parse_storage_url(f"{node.url}/{_DATABASE}"))) as engine:
        for _ in engine.query_in_pieces(scan_query(Stream.AUDIT)):
            pass
    _keep(costs, meter)


def _answer(
    node: ClickHouseNode, server: LognotaryServer, stub: CorrelationServiceStub, query: str, stored: int, costs: _Costs
) -> None:
    meter = Meter.of(node.pid, server.pid)
    begin, first = time.perf_counter(), 0.0
    for step in stub.CompleteSearch(CompleteSearchRequest(query=query, streams=["audit"])):
        if not first and step.HasField("records"):
            first = time.perf_counter() - begin
        summary = step.summary
    if not summary.complete or summary.leaves != stored:
        raise RuntimeError(f"{stored} records are stored, but the answer covers {summary.leaves}: {summary}")
    costs.matched = summary.matched
    costs.first.append(first)
    _keep(costs, meter)


def _keep(costs: _Costs, meter: Meter) -> None:
    storage_cpu, own_cpu = meter.read()
    costs.wall.append(meter.seconds)
    costs.storage_cpu.append(storage_cpu)
    costs.own_cpu.append(own_cpu)


def _fill(report: Report, what: str, costs: _Costs, stored: int) -> None:
    report.figure(what, "s", costs.wall)
    report.figure(f"{what}: speed", "records/s", [stored / wall for wall in costs.wall])
    report.figure(f"{what}: CPU of ClickHouse", "s", costs.storage_cpu)
    report.figure(f"{what}: CPU of the reader", "s", costs.own_cpu)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.complete", description=__doc__.partition("\n")[0])
    add_data_flags(parser, 5_000_000)
    add_report_flags(parser, rounds=3)
    return parser


if __name__ == "__main__":
    main()
