"""Ingest while callers search without pause, compared with ingest alone, in alternating rounds."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.load import LoadResult, Requests, describe_retries, loading
from benchmarks.processes import add_server_flags, clickhouse, lognotary, scratch, server_flags
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.lognotary_server import LognotaryServer

_DATABASE = "lognotary"
_QUERIES = ("order", "service:shop", "outcome:failure", "severity:>=warn", "actor:alice OR refused")
_PATIENCE = 60.0  # seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    requests = Requests.build(shape_of(options), directory)
    report = Report.of("searching", f"ingest while {options.callers} callers search without pause", options)
    alone: list[LoadResult] = []
    beside: list[LoadResult] = []
    answered: list[float] = []
    waited: list[float] = []
    with (
        clickhouse(directory) as node,
        lognotary(f"{node.url}/{_DATABASE}", directory, **server_flags(options)) as server,
    ):
        report.versions["clickhouse"] = node.query("SELECT version()")
        _load(options, server, requests)  # so that searches find something
        for _ in range(options.rounds):
            alone.append(_load(options, server, requests))
            with _searching(server, options.callers) as seconds:
                beside.append(_load(options, server, requests))
            answered.append(len(seconds) / beside[-1].seconds)
            waited.append(sum(seconds) / max(1, len(seconds)) * 1000)
    report.figure("throughput alone", "records/s", [load.records_per_second for load in alone])
    report.figure("throughput beside searches", "records/s", [load.records_per_second for load in beside])
    report.figure("searches answered", "1/s", answered)
    report.figure("time of a search, mean", "ms", waited)
    report.figure("p99 of acknowledgement alone", "ms", [load.latency_ms["p99"] for load in alone])
    report.figure("p99 of acknowledgement beside searches", "ms", [load.latency_ms["p99"] for load in beside])
    report.ratio(
        "ingest beside searches / alone",
        [load.records_per_second for load in beside],
        [load.records_per_second for load in alone],
    )
    report.notes.append(describe_retries(alone + beside))
    return report


def _load(options: argparse.Namespace, server: LognotaryServer, requests: Requests) -> LoadResult:
    with loading(server.otlp_grpc, requests, clients=options.clients, seconds=options.seconds) as begin:
        return begin()()


@contextmanager
def _searching(server: LognotaryServer, callers: int) -> Iterator[list[float]]:
    """Search until the block ends, each caller from its own address; yield the durations of answers, in seconds.

    Raises:
        HTTPStatusError: a search failed for a reason other than its cost or a full queue.
    """
    stop = threading.Event()
    seconds: list[float] = []

    def call(number: int) -> None:
        transport = httpx.HTTPTransport(local_address=f"127.0.0.{2 + number}")
        with httpx.Client(transport=transport, timeout=_PATIENCE) as client:
            turn = number
            while not stop.is_set():
                turn += 1
                began = time.monotonic()
                query = {"query": _QUERIES[turn % len(_QUERIES)], "count_up_to": "10000"}
                answer = client.get(f"{server.http}/api/v1/search", params=query)
                if answer.status_code not in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.UNPROCESSABLE_ENTITY):
                    answer.raise_for_status()
                    seconds.append(time.monotonic() - began)

    with ThreadPoolExecutor(callers) as threads:
        calls = [threads.submit(call, number) for number in range(callers)]
        try:
            yield seconds
        finally:
            stop.set()
        for each in calls:
            each.result()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searching", description=__doc__.partition("\n")[0])
    add_server_flags(parser)
    parser.add_argument("--callers", type=int, default=8, metavar="N", help="callers who search (default: 8)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="load in each round (default: 10)")
    add_report_flags(parser, rounds=3)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
