"""The whole cost of keeping a record: CPU with merges until they have settled, disk, and bytes written.

Each system runs alone, on a fresh directory with a ClickHouse server of its own if it needs one, and takes the same
realistic requests. CPU counts from the first request until all processes have been idle for a while.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bill_systems import BUILT_IN, DATABASE, Peer, RunningSystem, System, parse_peer
from benchmarks.codecs import ready_blocks
from benchmarks.disk import Disk, disk_of, written_bytes
from benchmarks.fresh import FreshRequests, FreshShape
from benchmarks.load import EndlessShape, LoadResult, describe_retries, loading
from benchmarks.processes import Meter, clickhouse, fresh_engine, scratch, settle_merges
from benchmarks.realistic import RealisticRequests, RealisticShape
from benchmarks.realistic_spans import RealisticSpans, SpansOfRecords
from benchmarks.report import Report, add_report_flags
from harness.process_stats import cpu_seconds
from server.codec.signals import Signal
from storage.schema import RECORD_TABLES, record_columns

_READY = "ready-made, no index"
_IDLE_SECONDS = 4.0
_IDLE_CORES = 0.1  # a ClickHouse server that does nothing uses 0.02 to 0.05
_LONGEST_WAIT = 900.0
_READY_REQUESTS = 16  # that are encoded at a time
_SHOWN_BYTES = 0.5  # per record, from which a column or an index has a line of its own


@dataclass(slots=True)
class _Costs:
    """Costs of a system's records, one value for each round; CPU in microseconds per record, disk in bytes."""

    own: list[float] = field(default_factory=list)
    storage: list[float] = field(default_factory=list)
    disk: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    details: list[dict[str, float]] = field(default_factory=list)
    loads: list[LoadResult] = field(default_factory=list)

    @property
    def both(self) -> list[float]:
        return [own + storage for own, storage in zip(self.own, self.storage, strict=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    systems: dict[str, System] = {name: BUILT_IN[name] for name in options.systems}
    systems |= {peer.name: peer.run for peer in options.peer}
    report = Report.of("bill", "the whole cost of a record, merges and disk included", options)
    costs = {name: _Costs() for name in systems}
    ready = _Costs()
    for _ in range(options.rounds):
        for name, system in systems.items():
            with scratch() as directory:
                _measure(options, system, directory, costs[name])
        if options.ready:
            with scratch() as directory:
                _measure_ready(options, directory, ready)
    if options.ready:
        costs[_READY] = ready
    _fill(report, costs)
    report.publish(options)


def _measure(options: argparse.Namespace, system: System, directory: Path, costs: _Costs) -> None:
    shape = _shape(options)
    count = max(1, options.total // shape.records)
    with system(directory) as (running, disk):
        pids = [running.own] + ([running.node.pid] if running.node else [])
        with loading(running.address, shape, clients=options.clients, requests=count) as begin:
            _settle(pids, running)
            meter, written = Meter.of(*pids), sum(map(written_bytes, pids))
            result = begin()()
            _await_rows(running, result.records)
            seconds = meter.seconds
            _settle(pids, running)
            cpu = meter.read()
        costs.loads.append(result)
        costs.rate.append(result.records / seconds)
        costs.own.append(cpu[0] / result.records * 1e6)
        costs.storage.append(sum(cpu[1:]) / result.records * 1e6)
        costs.written.append((sum(map(written_bytes, pids)) - written) / result.records)
        _add_disk(costs, disk(), result.records)


def _measure_ready(options: argparse.Namespace, directory: Path, costs: _Costs) -> None:
    """Insert the same records, encoded beforehand, into tables without any index; only ClickHouse's CPU counts."""
    shape = _shape(options)
    requests, signal = _ready_requests(shape)
    count = max(1, options.total // shape.records)
    rows, tokens = 0, itertools.count()
    with clickhouse(directory) as node, fresh_engine(node, DATABASE) as engine:
        _drop_indexes(node.query)
        meter, written = Meter.of(node.pid), written_bytes(node.pid)
        for first in range(0, count, _READY_REQUESTS):
            chunk = [requests[number] for number in range(first, min(first + _READY_REQUESTS, count))]
            for block in ready_blocks(chunk, 50_000, most_requests=len(chunk), signal=signal):
                names = [column.name for column in record_columns(block.stream)]
                engine.insert(RECORD_TABLES[block.stream], names, block.data, f"ready-{next(tokens)}")
                rows += block.rows
        settle_merges(node)
        _settle([node.pid], None)
        (cpu,) = meter.read()
        costs.own.append(0.0)
        costs.storage.append(cpu / rows * 1e6)
        costs.written.append((written_bytes(node.pid) - written) / rows)
        _add_disk(costs, disk_of(node.query, DATABASE), rows)


def _ready_requests(shape: EndlessShape) -> tuple[RealisticRequests | RealisticSpans | FreshRequests, Signal]:
    match shape:
        case SpansOfRecords():
            return RealisticSpans(shape), Signal.TRACES
        case FreshShape():
            return FreshRequests(shape), Signal.LOGS
        case RealisticShape():
            return RealisticRequests(shape), Signal.LOGS


def _drop_indexes(query: Callable[[str], str]) -> None:
    for table in RECORD_TABLES.values():
        names = query(
            f"SELECT name FROM system.data_skipping_indices WHERE database = '{DATABASE}' AND table = '{table}'"  # noqa: S608
        )
        for name in names.split():
            query(f"ALTER TABLE {DATABASE}.{table} DROP INDEX {name}")


def _add_disk(costs: _Costs, disk: Disk | int, records: int) -> None:
    if isinstance(disk, int):
        costs.disk.append(disk / records)
        return
    costs.disk.append(sum(disk.tables.values()) / records)
    costs.parts.append(float(disk.parts))
    places = {**{f"table {name}": size for name, size in disk.tables.items()}, **disk.columns}
    places |= {f"index {name}": size for name, size in disk.indexes.items()}
    costs.details.append({name: size / records for name, size in places.items()})


def _settle(pids: Sequence[int], running: RunningSystem | None) -> None:
    """Wait until no merge runs and all processes have been idle for some seconds; give up after a long while."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < deadline:
        if running is not None and running.node is not None:
            settle_merges(running.node)
        before = sum(map(cpu_seconds, pids))
        time.sleep(_IDLE_SECONDS)
        if sum(map(cpu_seconds, pids)) - before < _IDLE_CORES * _IDLE_SECONDS:
            return
    raise RuntimeError("the processes do not come to rest")


def _await_rows(running: RunningSystem, wanted: int) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT
    while running.stored is not None and running.stored() < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{wanted - running.stored()} of {wanted} records did not arrive")
        time.sleep(0.1)


def _fill(report: Report, costs: dict[str, _Costs]) -> None:
    for name, cost in costs.items():
        report.figure(f"{name}: own CPU", "µs/record", cost.own)
        report.figure(f"{name}: CPU of ClickHouse", "µs/record", cost.storage)
        report.figure(f"{name}: CPU in all", "µs/record", cost.both)
        report.figure(f"{name}: on disk", "bytes/record", cost.disk)
        report.figure(f"{name}: written to disk", "bytes/record", cost.written)
        if cost.parts:
            report.figure(f"{name}: active parts", "parts", cost.parts)
        if cost.rate:
            report.figure(f"{name}: until all was stored", "records/s", cost.rate)
        if cost.loads:
            report.notes.append(f"{name}: {describe_retries(cost.loads)}")
    first, *_ = costs
    for place in sorted(costs[first].details[0], key=lambda place: -costs[first].details[0][place]):
        values = [details.get(place, 0.0) for details in costs[first].details]
        if max(values) >= _SHOWN_BYTES:
            report.figure(f"{first}: {place}", "bytes/record", values)
    for name, cost in list(costs.items())[1:]:
        report.ratio(f"CPU in all, {first} / {name}", costs[first].both, cost.both)
        report.ratio(f"on disk, {first} / {name}", costs[first].disk, cost.disk)


def _shape(options: argparse.Namespace) -> EndlessShape:
    if options.spans:
        return SpansOfRecords(RealisticShape(records=options.records, seed=options.seed), options.records)
    shape = FreshShape if options.fresh else RealisticShape
    return shape(records=options.records, audit=options.audit, seed=options.seed)


def _peer(text: str) -> Peer:
    try:
        return parse_peer(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bill", description=__doc__.partition("\n")[0])
    parser.add_argument("--total", type=int, default=1_600_000, metavar="N", help="records (default: 1.6 million)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    parser.add_argument(
        "--systems",
        nargs="*",
        default=list(BUILT_IN),
        choices=list(BUILT_IN),
        metavar="NAME",
        help=f"those to measure, of {', '.join(map(repr, BUILT_IN))} (default: all)",
    )
    parser.add_argument(
        "--peer",
        type=_peer,
        action="append",
        default=[],
        metavar="NAME=URL COMMAND",
        help="another system: where it takes OTLP/HTTP, and the command that starts it, in which {directory} stands "
        "for a directory of its own",
    )
    parser.add_argument("--no-ready", dest="ready", action="store_false", help="leave out the ready-made blocks")
    parser.add_argument("--records", type=int, default=8192, metavar="N", help="records in a request (default: 8192)")
    parser.add_argument("--audit", type=float, default=0.1, metavar="N", help="share of audit records (default: 0.1)")
    parser.add_argument(
        "--fresh", action="store_true", help="send the shape of other benchmarks with fresh trace IDs and times instead"
    )
    parser.add_argument("--spans", action="store_true", help="send realistic spans instead of records")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the records")
    add_report_flags(parser, rounds=1)
    return parser


if __name__ == "__main__":
    main()
