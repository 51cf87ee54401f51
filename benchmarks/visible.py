"""Time from the acknowledgement of a record to its appearance in a search and in tails, under load.

A client sends a record with a unique word and waits for the acknowledgement. The benchmark measures the time from then
until a search for the word finds the record, and until each tail shows it.
"""

from __future__ import annotations

import argparse
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from benchmarks.load import LoadResult, Requests, describe_retries, loading
from benchmarks.loader import percentiles
from benchmarks.processes import add_server_flags, clickhouse, lognotary, scratch, server_flags
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, own_connection, request_of
from lognotary.v1.correlation_pb2 import SearchRequest, TailRequest
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub

__all__ = ["main"]

_PROBE = "visibleprobe"  # a word that all probes have
_PATIENCE = 60.0  # seconds
_LIMITS = {"search": 100.0, "tail": 1000.0}  # milliseconds: limit of p99
_PAUSE = 0.05  # seconds between two probes


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


@dataclass(slots=True)
class _Seen:
    """Probes that a tail showed: word -> time."""

    at: dict[str, float] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, words: Iterator[str]) -> None:
        now = time.perf_counter()
        with self.changed:
            self.at.update((word, now) for word in words)
            self.changed.notify_all()

    def when(self, word: str) -> float:
        """Wait for a word, and return when it was shown."""
        with self.changed:
            if not self.changed.wait_for(lambda: word in self.at, _PATIENCE):
                raise TimeoutError(f"a tail did not show {word} within {_PATIENCE:.0f} s")
            return self.at[word]


@contextmanager
def _tail(address: str) -> Iterator[_Seen]:
    """Follow the probes in a thread."""
    seen = _Seen()
    with own_connection(address) as channel:
        call = CorrelationServiceStub(channel).Tail(TailRequest(query=_PROBE, streams=["operational"]))
        next(call)

        def read() -> None:
            with suppress(grpc.RpcError):  # the call is cancelled at the end
                for answer in call:
                    seen.add(entry.log.body.split()[1] for entry in answer.entries)

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield seen
        finally:
            call.cancel()
            thread.join()


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("visible", "acknowledged to visible", options)
    requests = Requests.build(shape_of(options), directory)
    rounds: list[dict[str, list[float]]] = []
    loads: list[LoadResult] = []
    with ExitStack() as stack:
        node = stack.enter_context(clickhouse(directory))
        report.versions["clickhouse"] = node.query("SELECT version()")
        server = stack.enter_context(lognotary(f"{node.url}/lognotary", directory, **server_flags(options)))
        tails = [stack.enter_context(_tail(server.api_grpc)) for _ in range(options.tails)]
        for number in range(options.rounds + 1):
            seconds = options.seconds if number else min(2.0, options.seconds)
            load = loading(
                server.otlp_grpc, requests, rate=float(options.rate), clients=options.clients, seconds=seconds
            )
            with load as begin:
                wait = begin()
                found = _probes(server, tails, seconds)
                result = wait()
            if number:  # the first round warms up
                rounds.append(found)
                loads.append(result)
    report.figure("load", "records/s", [each.records_per_second for each in loads])
    for what, limit in _LIMITS.items():
        each = [percentiles(found[what]) for found in rounds]
        for name in ("p50", "p99", "max"):
            report.figure(f"{what}: {name}", "ms", [one[name] for one in each])
        report.ratio(f"{what}: p99 / {limit:.0f} ms", [one["p99"] for one in each], [limit] * len(each))
    report.notes.append(f"{sum(len(found['search']) for found in rounds)} probes; {describe_retries(loads)}")
    return report


def _probes(server: LognotaryServer, tails: Sequence[_Seen], seconds: float) -> dict[str, list[float]]:
    """Send probes one after the other, and return the seconds from each acknowledgement until it was visible."""
    found: dict[str, list[float]] = {"search": [], "tail": []}
    end = time.perf_counter() + seconds
    with own_connection(server.otlp_grpc) as channel, server.correlation() as api:
        sending = LogsServiceStub(channel)
        while time.perf_counter() < end or not found["search"]:
            word = f"v{uuid.uuid4().hex}"
            sending.Export(request_of([log_record(f"{_PROBE} {word}")]), timeout=_PATIENCE)
            acknowledged = time.perf_counter()
            query = SearchRequest(query=f"{_PROBE} {word}", streams=["operational"])
            while not api.Search(query, timeout=_PATIENCE).entries:
                if time.perf_counter() - acknowledged > _PATIENCE:
                    raise TimeoutError(f"a search did not find {word} within {_PATIENCE:.0f} s")
            found["search"].append(time.perf_counter() - acknowledged)
            found["tail"] += [max(0.0, tail.when(word) - acknowledged) for tail in tails]
            time.sleep(_PAUSE)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.visible", description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=2, metavar="N", help="clients of the load (default: 2)")
    parser.add_argument("--rate", type=int, default=5000, metavar="N", help="load in records/s (default: 5000)")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="load in each round (default: 20)")
    parser.add_argument("--tails", type=int, default=4, metavar="N", help="tails at the same time (default: 4)")
    add_server_flags(parser)
    add_report_flags(parser, rounds=3)
    add_shape_flags(parser, records=256)
    return parser


if __name__ == "__main__":
    main()
