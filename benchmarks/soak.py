"""Soak test: a long run at partial load with kills, to see whether memory, descriptors or parts grow.

First the best throughput is measured, then a share of it is offered. At intervals the server and ClickHouse
are killed in turn, and restarted at once. Samples are taken between kills, at the same time after each start.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import Requests, describe_retries, load, loading
from benchmarks.processes import (
    add_server_flags,
    clickhouse,
    count_records,
    findings,
    lognotary,
    read_metric,
    scratch,
    server_flags,
)
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.clickhouse_node import ClickHouseNode
from harness.free_port import free_port
from harness.lognotary_server import LognotaryServer
from harness.process_stats import descriptors, resident

_MIB = 1 << 20
_PARTS = "SELECT count() FROM system.parts WHERE active AND database = 'lognotary'"


@dataclass(slots=True)
class _Course:
    """Samples taken right before each kill, at the end of a period without kills."""

    memory: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    journal: list[float] = field(default_factory=list)
    kills: int = 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("soak", f"{options.seconds / 60:.0f} minutes at {options.share:.0%} load, with kills", options)
    requests = Requests.build(shape_of(options), directory)
    with clickhouse(directory) as node:
        report.versions["clickhouse"] = node.query("SELECT version()")
        flags = {"ack": options.ack, **server_flags(options)}
        with lognotary(f"{node.url}/best", directory, "best", **flags) as server:
            best = load(server.otlp_grpc, requests, clients=options.clients, seconds=20.0).records_per_second
        rate = options.share * best
        # A port of its own: senders find the server again after a kill.
        flags["otlp_grpc"] = f"127.0.0.1:{free_port()}"
        course, over = _Course(), threading.Event()
        with lognotary(f"{node.url}/lognotary", directory, **flags) as server:
            sent = {"clients": options.clients, "rate": rate, "seconds": options.seconds, "progress": 5.0}
            with loading(server.otlp_grpc, requests, **sent) as begin:
                wait = begin()
                killing = threading.Thread(target=_kill, args=(server, node, options.every, over, course))
                killing.start()
                try:
                    result = wait()
                finally:
                    over.set()
                    killing.join()
            while read_metric(server, "lognotary_journal_batches"):
                time.sleep(0.1)
            found = findings(server)
        stored = count_records(node, "lognotary")
    report.figure("best, without a limit", "records/s", [best])
    report.figure("offered", "records/s", [rate])
    report.figure("acknowledged", "records/s", [result.records_per_second])
    report.figure("kills", "", [course.kills])
    report.figure("memory of lognotary", "MiB", course.memory)
    report.figure("file descriptors", "", course.descriptors)
    report.figure("active parts", "", course.parts)
    report.figure("journal", "MiB", course.journal)
    report.figure("missing", "records", [max(0, result.records - stored)])
    report.figure("double", "records", [max(0, stored - result.records)])
    report.figure("findings of verification", "", [found])
    for what, values in (
        ("memory", course.memory),
        ("file descriptors", course.descriptors),
        ("active parts", course.parts),
    ):
        early, late = values[1 : 1 + len(values) // 3], values[-(len(values) // 3) :]
        if early and late:
            report.ratio(f"{what}: last third / first", [sum(late) / len(late)], [sum(early) / len(early)])
    report.notes.append(f"{result.records} records acknowledged, {stored} stored; {describe_retries([result])}")
    report.notes.append("double: records sent again because the server was killed before it answered")
    return report


def _kill(server: LognotaryServer, node: ClickHouseNode, every: float, over: threading.Event, course: _Course) -> None:
    for turn in itertools.count():
        if over.wait(every):
            return
        course.memory.append(resident(server.pid) / _MIB)
        course.descriptors.append(descriptors(server.pid))
        course.parts.append(float(node.query(_PARTS)))
        course.journal.append(read_metric(server, "lognotary_journal_bytes") / _MIB)
        killed = (server, node)[turn % 2]
        killed.kill()
        killed.start()
        course.kills += 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=1800.0, metavar="S", help="how long (default: 1,800)")
    parser.add_argument("--every", type=float, default=90.0, metavar="S", help="between kills (default: 90)")
    parser.add_argument("--share", type=float, default=0.7, metavar="N", help="of the best throughput (default: 0.7)")
    parser.add_argument("--ack", choices=["commit", "journal"], default="commit", help="(default: commit)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    add_server_flags(parser)
    add_report_flags(parser)
    add_shape_flags(parser, records=2048)
    return parser


if __name__ == "__main__":
    main()
