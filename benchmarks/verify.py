"""Full verification, compared with only reading the same records from ClickHouse.

Records are ingested through a real server. Then, in turn, the SELECT of verification is drained for both tables,
and ``lognotary verify --storage`` is run as a process, from start to end.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import Requests, describe_retries, loading
from benchmarks.processes import (
    Meter,
    add_server_flags,
    clickhouse,
    count_records,
    lognotary,
    scratch,
    server_flags,
    settle_merges,
)
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.clickhouse_node import ClickHouseNode
from server.notary.origin import Stream
from storage.clickhouse import connect
from storage.engine import Engine
from storage.schema import RECORD_TABLES
from storage.stored_records import scan_query
from storage.url import parse_storage_url

_DATABASE = "lognotary"
_MERGING_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class _Cost:
    """Cost of one run: seconds of wall time, of ClickHouse's CPU, and of the reader's CPU."""

    wall: float
    storage_cpu: float
    own_cpu: float


@dataclass(slots=True)
class _Rounds:
    """Results, one value for each round."""

    drained: list[_Cost] = field(default_factory=list)
    verified: list[_Cost] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)
    answer_bytes: int = 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("verify", f"verifying {options.total:,} records, against reading them", options)
    rounds = _Rounds()
    with clickhouse(directory) as node:
        report.versions["clickhouse"] = node.query("SELECT version()")
        key = _store(options, node, directory, report)
        stored = count_records(node, _DATABASE)
        with closing(connect(parse_storage_url(f"{node.url}/{_DATABASE}"))) as engine:
            _drain(node, engine, rounds)  # once unmeasured: it fills the caches of both
            rounds.drained.clear()
            for _ in range(options.rounds):
                _drain(node, engine, rounds)
                _verify(node, key, stored, rounds)
        report.notes.append(
            f"{stored} records in {_parts(node)}; {rounds.answer_bytes / stored:.0f} bytes each are read"
        )
    _fill(report, rounds, stored)
    return report


def _store(options: argparse.Namespace, node: ClickHouseNode, directory: Path, report: Report) -> Path:
    """Let a server store the records; returns its public key."""
    requests = Requests.build(shape_of(options), directory)
    count = math.ceil(options.total / requests.shape.records)
    with lognotary(f"{node.url}/{_DATABASE}", directory, **server_flags(options)) as server:
        with loading(server.otlp_grpc, requests, clients=8, requests=count) as begin:
            report.notes.append(describe_retries([begin()()]))
        key = server.public_key
    if options.optimize:
        for table in RECORD_TABLES.values():
            node.query(f"OPTIMIZE TABLE {table} FINAL", database=_DATABASE, timeout=_MERGING_SECONDS)
    settle_merges(node)
    return key


def _drain(node: ClickHouseNode, engine: Engine, rounds: _Rounds) -> None:
    meter, cpu = Meter.of(node.pid), time.process_time()
    rounds.answer_bytes = sum(len(piece) for stream in Stream for piece in engine.query_in_pieces(scan_query(stream)))
    (storage_cpu,) = meter.read()
    rounds.drained.append(_Cost(meter.seconds, storage_cpu, time.process_time() - cpu))


def _verify(node: ClickHouseNode, key: Path, stored: int, rounds: _Rounds) -> None:
    command = [sys.executable, "-m", "server", "verify", "--json"]
    meter = Meter.of(node.pid)
    process = subprocess.Popen(
        [*command, f"--storage={node.url}/{_DATABASE}", f"--public-key={key}"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None  # noqa: S101 - a pipe, as asked for
    with process.stdout:
        steps = [json.loads(line) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    (storage_cpu,) = meter.read()
    rounds.verified.append(_Cost(meter.seconds, storage_cpu, usage.ru_utime + usage.ru_stime))
    rounds.peak_mib.append(usage.ru_maxrss / 1024)
    summary = steps[-1].get("summary", {}) if steps else {}
    if process.returncode != 0 or int(summary.get("records", 0)) != stored:
        raise RuntimeError(f"{stored} records are stored, and verification ended with {process.returncode}: {summary}")


def _fill(report: Report, rounds: _Rounds, stored: int) -> None:
    for what, costs in (("reading", rounds.drained), ("verifying", rounds.verified)):
        report.figure(what, "s", [cost.wall for cost in costs])
        report.figure(f"CPU of ClickHouse, {what}", "s", [cost.storage_cpu for cost in costs])
        report.figure(f"CPU of the client, {what}", "s", [cost.own_cpu for cost in costs])
    report.figure("verified", "records/s", [stored / cost.wall for cost in rounds.verified])
    report.figure("peak memory of lognotary verify", "MiB", rounds.peak_mib)
    report.ratio("verifying / reading", [cost.wall for cost in rounds.verified], [cost.wall for cost in rounds.drained])
    report.ratio(
        "CPU of both, verifying / reading",
        [cost.storage_cpu + cost.own_cpu for cost in rounds.verified],
        [cost.storage_cpu + cost.own_cpu for cost in rounds.drained],
    )


def _parts(node: ClickHouseNode) -> str:
    query = "SELECT count() FROM system.parts WHERE active AND table = '{}'"
    told = [f"{node.query(query.format(table), database=_DATABASE)} of {table}" for table in RECORD_TABLES.values()]
    return f"parts: {', '.join(told)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify", description=__doc__.partition("\n")[0])
    parser.add_argument("--total", type=int, default=5_000_000, metavar="N", help="records (default: 5 million)")
    parser.add_argument("--optimize", action="store_true", help="merge everything to one part before")
    add_server_flags(parser)
    add_report_flags(parser, rounds=3)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
