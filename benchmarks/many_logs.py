"""Many logs of one stream: what a batch, a checkpoint and a leaf range for each log cost, on the same records.

The same requests are committed by the same number of commits, as the records of one log and as those of many: each
commit signs a batch for each log, and all go to storage together. With ``--apart``, each log also has its own commits.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.codecs import fastest_codec
from benchmarks.disk import disk_of
from benchmarks.processes import Meter, clickhouse, fresh_engine, scratch, settle_merges
from benchmarks.realistic import RealisticRequests, RealisticShape
from benchmarks.report import Report, add_report_flags
from harness.clickhouse_node import ClickHouseNode
from server.codec.rows import Rows
from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.log.key_changes import KeyChanges
from server.log.open_log import LogRecords, OpenLog
from server.log.stream_writer import StreamWriter
from server.notary.batch import Batch, LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.engine import Engine

_DATABASE = "many_logs"


class _Forgetful:
    """A memory of logs that remembers nothing: files of a data directory are not measured."""

    def remember_checkpoints(self, notes: Mapping[LogName, str]) -> None:
        """Forget checkpoints."""

    def remember_statements(self, notes: Mapping[LogName, str]) -> None:
        """Forget statements."""


@dataclass(slots=True)
class _Costs:
    """Costs of a number of logs, one value for each round; CPU in microseconds per record."""

    own: list[float] = field(default_factory=list)
    storage: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    inserts: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    evidence: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("many_logs", "the same records in one log and in many logs of a stream", options)
    runs = [(count, False) for count in options.logs] + [(count, True) for count in options.apart]
    costs = {run: _Costs() for run in runs}
    for _ in range(options.rounds):
        for count, apart in runs:
            with scratch() as directory:
                _measure(options, directory, count, costs[count, apart], apart=apart)
    for (count, apart), found in costs.items():
        name = f"{count} log{'s' if count > 1 else ''}{', a commit for each' if apart else ''}"
        report.figure(f"{name}: the writer's CPU", "µs/record", found.own)
        report.figure(f"{name}: ClickHouse's CPU with merges", "µs/record", found.storage)
        report.figure(f"{name}: time of a commit", "ms", [1000 * seconds for seconds in found.seconds])
        report.figure(f"{name}: INSERTs", "", found.inserts)
        report.figure(f"{name}: parts after merges", "", found.parts)
        report.figure(f"{name}: evidence beside the records on disk", "bytes/record", found.evidence)
    first = costs[runs[0]]
    for (count, apart), found in list(costs.items())[1:]:
        name = f"{count} logs{', a commit for each' if apart else ''} / {runs[0][0]}"
        report.ratio(f"the writer's CPU, {name}", found.own, first.own)
        report.ratio(f"ClickHouse's CPU, {name}", found.storage, first.storage)
    report.publish(options)


def _measure(options: argparse.Namespace, directory: Path, logs: int, costs: _Costs, *, apart: bool) -> None:
    names = [LogName("example.org", Stream.OPERATIONAL, f"tenant-{number}") for number in range(logs)]
    with (
        clickhouse(directory) as node,
        fresh_engine(node, _DATABASE) as engine,
        closing(Journal(directory / "journal" / "operational", 1 << 30)) as journal,
    ):
        writer = _writer(engine, journal, names)
        meter, inserts = Meter.of(node.pid), _inserts(node)
        own = elapsed = 0.0
        commits = records = 0
        for parts in _commits(options):
            by_log: dict[LogName, list[Rows]] = {}
            for number, part in enumerate(parts):
                by_log.setdefault(names[number % logs], []).append(part)
            of_commit = {name: LogRecords(some) for name, some in by_log.items()}
            began, cpu = time.perf_counter(), time.process_time()
            for batches in [{name: some} for name, some in of_commit.items()] if apart else [of_commit]:
                if not all(isinstance(outcome, Batch) for outcome in writer.commit(batches).values()):
                    raise RuntimeError("a batch was refused")
            own += time.process_time() - cpu
            elapsed += time.perf_counter() - began
            commits += 1
            records += sum(part.count for part in parts)
        settle_merges(node)
        (storage,) = meter.read()
        disk = disk_of(lambda statement: node.query(statement, database=_DATABASE), _DATABASE)
        costs.own.append(own / records * 1e6)
        costs.storage.append(storage / records * 1e6)
        costs.seconds.append(elapsed / commits)
        costs.inserts.append(_inserts(node) - inserts)
        costs.parts.append(disk.parts)
        costs.evidence.append(sum(disk.tables.get(table, 0) for table in ("log_tiles", "log_batches")) / records)


def _writer(engine: Engine, journal: Journal, names: Sequence[LogName]) -> StreamWriter:
    writer = StreamWriter(engine, Stream.OPERATIONAL, journal, _Forgetful(), threading.Event())
    signer = Signer.generate()
    for name in names:
        writer.add(OpenLog(CommittedLog(LogState(name)), KeyChanges(name.origin, signer)))
    return writer


def _commits(options: argparse.Namespace) -> Iterator[list[Rows]]:
    """Yield the rows of the requests of each commit."""
    codec = fastest_codec()
    requests = RealisticRequests(RealisticShape(records=options.records, audit=0.0, seed=options.seed))
    now, number = time.time_ns(), 0
    for _ in range(max(1, options.total // (options.records * options.requests))):
        yield [
            part for at in range(options.requests) for part in codec.encode(requests[number + at], now + number + at)
        ]
        number += options.requests


def _inserts(node: ClickHouseNode) -> int:
    return int(node.query("SELECT sum(value) FROM system.events WHERE event = 'InsertQuery'"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_logs", description=__doc__)
    usual = "(default: %(default)s)"
    for name, default, meaning in (
        ("--logs", [1, 10, 100, 300], f"numbers of logs {usual}"),
        ("--apart", [], "numbers of logs that are measured with a commit for each log too"),
    ):
        parser.add_argument(name, type=int, nargs="+", default=default, metavar="N", help=meaning)
    for name, number, meaning in (
        ("--total", 300_000, "records"),
        ("--records", 50, "records in a request"),
        ("--requests", 300, "requests in a commit, dealt to the logs by turns"),
        ("--seed", 1, "seed of the records"),
    ):
        parser.add_argument(name, type=int, default=number, metavar="N", help=f"{meaning} {usual}")
    add_report_flags(parser, rounds=3)
    return parser


if __name__ == "__main__":
    main()
