"""Complete ingestion, from gRPC to committed and signed, compared with ClickHouse inserting ready-made blocks.

Both go into the same ClickHouse server in turn: records through Lognotary into one database, and the same
rows, encoded beforehand, into the same tables of another.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.codecs import ReadyBlock, ready_blocks
from benchmarks.load import LoadResult, Requests, describe_retries, loading
from benchmarks.processes import (
    Meter,
    add_server_flags,
    batch_sizes,
    clickhouse,
    count_records,
    fresh_engine,
    lognotary,
    scratch,
    server_flags,
    settle_merges,
    stop_merges,
)
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer
from storage.engine import Engine
from storage.schema import RECORD_TABLES, record_columns

_OURS, _READY = "lognotary", "ready"  # databases


@dataclass(slots=True)
class _Rounds:
    """Results, one value for each round. CPU is in microseconds per record."""

    loads: list[LoadResult] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    storage_cpu: list[float] = field(default_factory=list)
    ready_cpu: list[float] = field(default_factory=list)
    server_busy: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    requests = Requests.build(shape_of(options), directory)
    blocks = ready_blocks(requests.encoded, options.ready_rows)
    report = Report.of("ingest", "gRPC to committed and signed, against inserting ready-made blocks", options)
    rounds = _Rounds()
    flags = {"batch_rows": options.batch_rows, "batch_age": options.batch_age} | server_flags(options)
    with (
        clickhouse(directory) as node,
        lognotary(f"{node.url}/{_OURS}", directory, **flags) as server,
        fresh_engine(node, _READY) as engine,
    ):
        report.versions["clickhouse"] = node.query("SELECT version()")
        if not options.merges:
            stop_merges(node)
        tokens = itertools.count()
        _insert(engine, blocks[-1:], tokens)
        _run_load(options, node, server, requests, _Rounds(), seconds=min(1.0, options.seconds))
        for _ in range(options.rounds):
            _run_load(options, node, server, requests, rounds, seconds=options.seconds)
            _run_ready(options, node, engine, blocks, tokens, rounds)
        _fill(report, node, rounds)
        report.notes += [
            describe_retries(rounds.loads) + f"; {requests.bytes_per_record:.0f} bytes a record",
            f"ready-made: {sum(block.rows for block in blocks)} rows in {len(blocks)} blocks",
            *_check(node, sum(load.records for load in rounds.loads), merges=options.merges),
        ]
    return report


def _run_load(
    options: argparse.Namespace,
    node: ClickHouseNode,
    server: LognotaryServer,
    requests: Requests,
    rounds: _Rounds,
    *,
    seconds: float,
) -> None:
    with loading(server.otlp_grpc, requests, clients=options.clients, seconds=seconds, gzip=options.gzip) as begin:
        meter = Meter.of(server.pid, node.pid)
        result = begin()()  # the last acknowledgement: all is committed and signed
        if options.merges:
            settle_merges(node)
        server_cpu, storage_cpu = meter.read()
    rounds.loads.append(result)
    rounds.server_cpu.append(server_cpu / result.records * 1e6)
    rounds.storage_cpu.append(storage_cpu / result.records * 1e6)
    rounds.server_busy.append(server_cpu / result.seconds)


def _run_ready(
    options: argparse.Namespace,
    node: ClickHouseNode,
    engine: Engine,
    blocks: Sequence[ReadyBlock],
    tokens: itertools.count[int],
    rounds: _Rounds,
) -> None:
    meter = Meter.of(node.pid)
    _insert(engine, blocks, tokens)
    if options.merges:
        settle_merges(node)
    (cpu,) = meter.read()
    rounds.ready_cpu.append(cpu / sum(block.rows for block in blocks) * 1e6)


def _insert(engine: Engine, blocks: Sequence[ReadyBlock], tokens: itertools.count[int]) -> None:
    for block in blocks:
        names = [column.name for column in record_columns(block.stream)]
        # A token of its own each time: else ClickHouse would take the block for one that it has.
        engine.insert(RECORD_TABLES[block.stream], names, block.data, f"ready-{next(tokens)}")


def _fill(report: Report, node: ClickHouseNode, rounds: _Rounds) -> None:
    both = [ours + theirs for ours, theirs in zip(rounds.server_cpu, rounds.storage_cpu, strict=True)]
    report.figure("throughput", "records/s", [load.records_per_second for load in rounds.loads])
    report.figure("CPU of lognotary", "µs/record", rounds.server_cpu)
    report.figure("CPU of ClickHouse meanwhile", "µs/record", rounds.storage_cpu)
    report.figure("CPU of both", "µs/record", both)
    report.figure("CPU of ClickHouse, ready-made", "µs/record", rounds.ready_cpu)
    report.figure("lognotary busy", "cores", rounds.server_busy)
    report.figure("loader busy", "cores", [load.busy for load in rounds.loads])
    report.figure("p99 of acknowledgement", "ms", [load.latency_ms["p99"] for load in rounds.loads])
    for stream, table in RECORD_TABLES.items():
        report.figure(f"rows of a batch in {table}", "rows", batch_sizes(node, _OURS, stream))
    report.ratio("both / ready-made", both, rounds.ready_cpu)
    report.ratio("lognotary / ready-made", rounds.server_cpu, rounds.ready_cpu)
    report.ratio("ClickHouse meanwhile / ready-made", rounds.storage_cpu, rounds.ready_cpu)


def _check(node: ClickHouseNode, measured: int, *, merges: bool) -> list[str]:
    """Check that everything is stored; return a note about it and about merges."""
    stored = count_records(node, _OURS)
    if stored < measured:
        raise RuntimeError(f"{measured} records were acknowledged and {stored} are stored")
    tables = ", ".join(map(repr, RECORD_TABLES.values()))
    merged = node.query(f"SELECT max(level) FROM system.parts WHERE table IN ({tables})")  # noqa: S608 - constants
    return [
        f"{stored} records stored and signed; parts were {'not ' if merged == '0' else ''}merged meanwhile "
        f"(merging {'was on' if merges else 'was stopped'} for both)"
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__.partition("\n")[0])
    add_server_flags(parser)
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="load in each round (default: 10)")
    parser.add_argument("--gzip", action="store_true", help="send compressed requests")
    parser.add_argument("--batch-rows", default="", metavar="N", help="setting of the server")
    parser.add_argument("--batch-age", default="", metavar="S", help="setting of the server")
    parser.add_argument("--ready-rows", type=int, default=50_000, metavar="N", help="most rows of a ready-made block")
    parser.add_argument("--merges", action="store_true", help="let ClickHouse merge, and wait until it has settled")
    add_report_flags(parser, rounds=3)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
