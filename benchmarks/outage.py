"""An outage of ClickHouse under load: answers to senders, and records missing or duplicated afterwards.

ClickHouse is killed, stays down, and comes back. With ``--ack journal`` senders should get OK until the journal is
full; with ``--ack commit`` they are told to retry.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load import LoadResult, Requests, describe_retries, loading
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
from harness.process_stats import resident

_MIB = 1 << 20
_DRAINED_WITHIN = 600.0  # seconds
_STORED = "SELECT sum(RecordCount) FROM log_batches"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("outage", f"ClickHouse is away for {options.away:.0f} s", options)
    requests = Requests.build(shape_of(options), directory)
    total = 2 * options.around + options.away
    with clickhouse(directory) as node:
        report.versions["clickhouse"] = node.query("SELECT version()")
        flags = {"ack": options.ack, "journal_bytes": options.journal_bytes, **server_flags(options)}
        load = {"clients": options.clients, "rate": options.rate, "seconds": total, "progress": 0.5}
        with lognotary(f"{node.url}/lognotary", directory, **flags) as server:
            with loading(server.otlp_grpc, requests, **load) as begin:
                wait = begin()
                stored_at: list[tuple[float, int]] = []
                outage = threading.Thread(target=_outage, args=(node, options, stored_at))
                outage.start()
                result = wait()
                outage.join()
            resting = time.monotonic()
            while read_metric(server, "lognotary_journal_batches"):
                if time.monotonic() - resting > _DRAINED_WITHIN:
                    raise RuntimeError(f"the journal was not stored within {_DRAINED_WITHIN:.0f} s")
                time.sleep(0.1)
            drained = time.monotonic() - resting
            memory = resident(server.pid) / _MIB
            found = findings(server)
        stored = count_records(node, "lognotary")
    gone = options.around, options.around + options.away
    report.figure("acknowledged before", "records/s", [_rate(result, 1.0, gone[0])])
    report.figure("acknowledged while it was away", "records/s", [_rate(result, gone[0] + 1.0, gone[1] - 1.0)])
    report.figure("acknowledged after", "records/s", [_rate(result, gone[1] + 5.0, result.seconds)])
    report.figure("refusals", "requests", [sum(result.retries.values())])
    report.figure("missing", "records", [max(0, result.records - stored)])
    report.figure("double", "records", [max(0, stored - result.records)])
    report.figure("findings of verification", "", [found])
    report.figure("until the backlog was stored, after it was back", "s", [_caught_up(result, stored_at)])
    report.figure("until the journal was stored, after the load", "s", [drained])
    report.figure("memory at the end", "MiB", [memory])
    report.notes.append(f"{result.records} records acknowledged, {stored} stored; {describe_retries([result])}")
    return report


def _outage(node: ClickHouseNode, options: argparse.Namespace, stored: list[tuple[float, int]]) -> None:
    """Take storage away; from its return to the end of the load, note when it has how many records."""
    began = time.monotonic()
    time.sleep(options.around)
    node.kill()
    time.sleep(options.away)
    node.start()
    while (seconds := time.monotonic() - began) < 2 * options.around + options.away:
        stored.append((seconds, int(node.query(_STORED, database="lognotary"))))
        time.sleep(0.1)


def _caught_up(result: LoadResult, stored: Sequence[tuple[float, int]]) -> float:
    """Return the seconds from the return of storage until it has all that was acknowledged before its return."""
    back = stored[0][0]
    backlog = max((records for seconds, records in result.progress if seconds <= back), default=0)
    return next((seconds - back for seconds, records in stored if records >= backlog), float("inf"))


def _rate(result: LoadResult, begin: float, end: float) -> float:
    looks = [(seconds, records) for seconds, records in result.progress if begin <= seconds <= end]
    if len(looks) < 2:
        return 0.0
    (first, fewer), (last, more) = looks[0], looks[-1]
    return (more - fewer) / (last - first)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outage", description=__doc__.partition("\n")[0])
    parser.add_argument("--ack", choices=["commit", "journal"], default="journal", help="(default: journal)")
    parser.add_argument("--journal-bytes", default="", metavar="N", help="setting of the server")
    parser.add_argument("--away", type=float, default=60.0, metavar="S", help="seconds without it (default: 60)")
    parser.add_argument("--around", type=float, default=15.0, metavar="S", help="before and after it (default: 15)")
    parser.add_argument("--rate", type=float, default=10_000, metavar="N", help="records/s offered (default: 10,000)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    add_server_flags(parser)
    add_report_flags(parser)
    add_shape_flags(parser, records=500)
    return parser


if __name__ == "__main__":
    main()
