"""Latency of the acknowledgement of /v1/audit against /v1/logs: one audit record a request, on both engines.

The same clients send the same kind of record to both endpoints in turn, each record under an id of its own, wait until
it is acknowledged, and send the next. What /v1/audit does more is to check each record and to claim its id.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

from benchmarks.loader import percentiles
from benchmarks.processes import add_server_flags, clickhouse, lognotary, scratch, server_flags
from benchmarks.report import Report, add_report_flags
from harness.otlp_load import log_record, request_of

_PATHS = ("/v1/logs", "/v1/audit")
_PERCENTILES = ("p50", "p90", "p99")


class RefusedError(RuntimeError):
    """A request was not accepted, so the figures would mean nothing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("audit_endpoint", "acknowledgement of /v1/audit against /v1/logs", options)
    engines = options.engine or ("server", "embedded")
    for engine in engines:
        results: dict[str, list[dict[str, float]]] = {path: [] for path in _PATHS}
        with ExitStack() as stack:
            if engine == "server":
                node = stack.enter_context(clickhouse(directory))
                report.versions["clickhouse"] = node.query("SELECT version()")
                storage = f"{node.url}/lognotary"
            else:
                storage = f"chdb://{directory / 'chdb'}"
            flags = server_flags(options)
            server = stack.enter_context(
                lognotary(storage, directory, f"lognotary-{engine}", batch_age=options.batch_age, **flags)
            )
            address = server.otlp_http.removeprefix("http://")
            for number in range(options.rounds + 1):
                for path in _PATHS if number % 2 else _PATHS[::-1]:
                    seconds = options.seconds if number else min(2.0, options.seconds)
                    latencies = asyncio.run(_load(address, path, options.clients, seconds))
                    if number:  # the first round was to warm up
                        results[path].append(percentiles(latencies))
        for name in _PERCENTILES:
            for path in _PATHS:
                report.figure(f"{engine}: {path}: {name}", "ms", [each[name] for each in results[path]])
        for name in _PERCENTILES:
            plain, audit = ([each[name] for each in results[path]] for path in _PATHS)
            report.ratio(f"{engine}: {name} of /v1/audit / /v1/logs", audit, plain)
    return report


async def _load(address: str, path: str, clients: int, seconds: float) -> list[float]:
    """Return the latencies of all requests of clients that send one record after another."""
    end = time.monotonic() + seconds
    some = await asyncio.gather(*(_client(address, path, end) for _ in range(clients)))
    return [latency for latencies in some for latency in latencies]


async def _client(address: str, path: str, end: float) -> list[float]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    placeholder = str(uuid4())
    before, after = _request(placeholder).split(placeholder.encode())
    head = f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\nContent-Length: "
    head += f"{len(before) + len(placeholder) + len(after)}\r\n\r\n"
    latencies = []
    try:
        while (began := time.monotonic()) < end:
            writer.write(head.encode() + before + str(uuid4()).encode() + after)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RefusedError(answer.decode())
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            latencies.append(time.monotonic() - began)
    finally:
        writer.close()
    return latencies


def _request(record_id: str) -> bytes:
    record = log_record(
        "role granted",
        audit_record_id=record_id,
        audit_actor_id="alice",
        audit_actor_type="user",
        audit_action="role.grant",
        audit_outcome="success",
        audit_target_id="bob",
        audit_source_id="192.0.2.7",
    )
    record.event_name = "role.grant"
    record.observed_time_unix_nano = record.time_unix_nano
    serialized: bytes = request_of([record]).SerializeToString()
    return serialized


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit_endpoint", description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=64, metavar="N", help="clients at the same time (default: 64)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="load in each round (default: 10)")
    parser.add_argument("--batch-age", type=float, default=0.25, metavar="S", help="flush age (default: 0.25)")
    parser.add_argument("--engine", action="append", choices=["server", "embedded"], help="only this one")
    add_server_flags(parser)
    add_report_flags(parser, rounds=3)
    return parser


if __name__ == "__main__":
    main()
