"""Load generator (closed loop): sends ready-made OTLP requests as fast as its clients get answers.

It runs in its own process. Requests were serialized before, and go out as bytes, over gRPC or, to a URL, over HTTP;
with ``--realistic`` or ``--fresh`` each is filled with other contents. On a refusal it does what a real sender does: it
waits for the requested delay, and retries.
"""

# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import argparse
import asyncio
import json
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import grpc
import grpc.aio
import httpx
from google.rpc import error_details_pb2, status_pb2

from benchmarks.fresh import FreshRequests, FreshShape
from benchmarks.realistic import RealisticRequests, RealisticShape
from benchmarks.realistic_spans import RealisticSpans, SpansOfRecords
from benchmarks.shape import add_shape_flags, build_requests, shape_of

__all__ = ["EXPORT", "percentiles", "read_requests", "retry_delay", "write_requests"]

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_EXPORT_SPANS = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

# "Failures" in the OTLP specification. RESOURCE_EXHAUSTED is sent again only where the server says when.
_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_FIRST_PAUSE = 0.1  # seconds before sending again where the server gives no time, doubled each time
_LONGEST_PAUSE = 5.0
_CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # a connection for each client, as separate senders have
    ("grpc.enable_retries", 0),  # every attempt is to be seen and counted here
]
_RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})  # OTLP/HTTP, "Retryable Response Codes"
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


class _Requests(Protocol):
    """Requests by number, from 0; the number may be any."""

    def __getitem__(self, number: int, /) -> bytes: ...


class _Rotation:
    """Requests that are sent in rotation."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests

    def __getitem__(self, number: int, /) -> bytes:
        return self._requests[number % len(self._requests)]


@dataclass(slots=True)
class _Load:
    """One run: requests to send, and results."""

    requests: _Requests
    limit: int
    seconds: float
    timeout: float
    compression: grpc.Compression
    method: str = EXPORT
    authorization: str = ""
    tls: grpc.ChannelCredentials | None = None
    interval: float = 0.0  # seconds from one request of a client to its next
    sent: int = 0
    latencies: list[float] = field(default_factory=list)
    retries: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    started: float = 0.0

    def next_request(self) -> bytes | None:
        """Return the next request to send, None at the end."""
        if self.limit and self.sent >= self.limit:
            return None
        if self.seconds and time.perf_counter() - self.started >= self.seconds:
            return None
        self.sent += 1
        return self.requests[self.sent - 1]

    async def client(self, address: str) -> None:
        """Send one request after another, each until it is acknowledged or permanently refused."""
        async with _sender(address, self) as send:
            due = self.started + random.uniform(0.0, self.interval)  # noqa: S311
            while (request := self.next_request()) is not None:
                if self.interval:
                    # What was late is not made up for: a sender that waits for an answer has less to send then.
                    due = max(due + self.interval, time.perf_counter())
                    await asyncio.sleep(due - time.perf_counter())
                begin = time.perf_counter()
                if await self._send(send, request):
                    self.latencies.append(time.perf_counter() - begin)

    async def _send(self, send: _Send, request: bytes) -> bool:
        pause = _FIRST_PAUSE
        while True:
            try:
                await send(request)
            except _RefusedError as error:
                if not error.retryable:
                    self.errors[error.code] += 1
                    return False
                self.retries[error.code] += 1
                # Some jitter, else all clients come back at once.
                await asyncio.sleep((error.after or pause) * random.uniform(1.0, 1.2))  # noqa: S311
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return True


class _RefusedError(Exception):
    def __init__(self, code: str, after: float | None, *, retryable: bool) -> None:
        super().__init__(code)
        self.code, self.after, self.retryable = code, after, retryable


_Send = Callable[[bytes], Awaitable[None]]


@asynccontextmanager
async def _sender(address: str, load: _Load) -> AsyncIterator[_Send]:
    """Yield a function that sends a request over a connection of its own, and raises _RefusedError."""
    within, compression = load.timeout, load.compression
    credentials = {"authorization": load.authorization} if load.authorization else {}
    if "://" in address:
        headers = {"Content-Type": "application/x-protobuf", **credentials}
        async with httpx.AsyncClient(timeout=within, headers=headers) as client:
            yield lambda request: _post(client, address, request)
        return
    async with _channel(address, load.tls) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(load.method)

        metadata = tuple(credentials.items())

        async def send(request: bytes) -> None:
            try:
                await call(request, timeout=within, compression=compression, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                told = retry_delay(error)
                retryable = error.code() in _RETRYABLE or told is not None
                raise _RefusedError(error.code().name, told, retryable=retryable) from error

        yield send


def _channel(address: str, tls: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    if tls is None:
        return grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(address, tls, options=_CHANNEL_OPTIONS)


async def _post(client: httpx.AsyncClient, url: str, request: bytes) -> None:
    try:
        answer = await client.post(url, content=request)
    except httpx.TransportError as error:
        raise _RefusedError(type(error).__name__, None, retryable=True) from error
    if answer.status_code // 100 != 2:
        after = answer.headers.get("Retry-After", "")
        raise _RefusedError(
            f"HTTP {answer.status_code}",
            float(after) if after.isdecimal() else None,
            retryable=answer.status_code in _RETRYABLE_STATUSES,
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    shape = shape_of(options)
    records = options.spans or shape.records
    ready: Sequence[bytes] = []
    endless = _endless(options)
    if endless is None:
        ready = read_requests(options.requests_from) if options.requests_from else build_requests(shape)
    load = _Load(
        endless or _Rotation(ready),
        options.requests,
        options.seconds,
        options.timeout,
        grpc.Compression.Gzip if options.gzip else grpc.Compression.NoCompression,
        _EXPORT_SPANS if options.spans else EXPORT,
        options.authorization,
        grpc.ssl_channel_credentials(options.ca.read_bytes()) if options.ca else None,
        options.clients * records / options.rate if options.rate else 0.0,
    )
    if not load.limit and not load.seconds:
        load.limit = max(1, len(ready))
    if options.wait:
        print(json.dumps({"ready": True}), flush=True)
        if not sys.stdin.readline():
            return
    cpu = time.process_time()
    asyncio.run(_run(load, options.address, options.clients, options.progress, records))
    seconds = time.perf_counter() - load.started
    acknowledged = len(load.latencies)
    print(
        json.dumps(
            {
                "requests": acknowledged,
                "records": acknowledged * records,
                "seconds": seconds,
                "records_per_second": acknowledged * records / seconds,
                "retries": dict(load.retries),
                "errors": dict(load.errors),
                "latency_ms": percentiles(load.latencies),
                "cpu_seconds": time.process_time() - cpu,
            }
        ),
        flush=True,
    )


def _endless(options: argparse.Namespace) -> _Requests | None:
    """Return requests that are all different, if they are wanted."""
    if options.realistic:
        own = {name: value for name in ("start", "step") if (value := getattr(options, name))}
        shape = RealisticShape(records=options.records, audit=options.audit, seed=options.seed, **own)
        return RealisticSpans(SpansOfRecords(shape, options.spans)) if options.spans else RealisticRequests(shape)
    if options.fresh:
        return FreshRequests(FreshShape(records=options.records, audit=options.audit, seed=options.seed))
    return None


async def _run(load: _Load, address: str, clients: int, progress: float, records: int) -> None:
    load.started = time.perf_counter()
    reporter = asyncio.create_task(_report_progress(load, progress, records)) if progress else None
    await asyncio.gather(*(load.client(address) for _ in range(clients)))
    if reporter is not None:
        reporter.cancel()


async def _report_progress(load: _Load, every: float, records: int) -> None:
    while True:
        await asyncio.sleep(every)
        passed = time.perf_counter() - load.started
        print(json.dumps({"progress": len(load.latencies) * records, "seconds": passed}), flush=True)


def retry_delay(error: grpc.aio.AioRpcError) -> float | None:
    """Return the retry delay that the server requests, in seconds, if any."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    return float(info.retry_delay.ToNanoseconds()) / 1e9
    return None


def percentiles(latencies: Sequence[float]) -> dict[str, float]:
    """Return p50, p90, p99 and max of seconds, in milliseconds; empty for no values."""
    ordered = sorted(latencies)
    if not ordered:
        return {}
    return {
        name: 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)] for name, share in _PERCENTILES.items()
    }


def write_requests(path: Path, requests: Sequence[bytes]) -> None:
    """Write requests to a file, for ``--requests-from``."""
    path.write_bytes(b"".join(struct.pack("<I", len(request)) + request for request in requests))


def read_requests(path: Path) -> list[bytes]:
    """Read the output of ``write_requests``."""
    data, requests, place = path.read_bytes(), [], 0
    while place < len(data):
        (size,) = struct.unpack_from("<I", data, place)
        requests.append(data[place + 4 : place + 4 + size])
        place += 4 + size
    return requests


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "address", metavar="HOST:PORT|URL", help="where OTLP/gRPC is received, or the URL of OTLP/HTTP with its path"
    )
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients at the same time (default: 8)")
    parser.add_argument("--requests", type=int, default=0, metavar="N", help="stop after this many requests")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="stop after this many seconds")
    parser.add_argument("--rate", type=float, default=0.0, metavar="N", help="maximum load in records/s")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="S", help="of one attempt (default: 30)")
    parser.add_argument("--authorization", default="", metavar="VALUE", help="send this header")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="use TLS over gRPC, with this CA")
    parser.add_argument("--gzip", action="store_true", help="compress requests (by gRPC, each time: costs the loader)")
    parser.add_argument(
        "--progress", type=float, default=0.0, metavar="S", help="report progress at this interval in seconds"
    )
    parser.add_argument(
        "--requests-from", type=Path, metavar="FILE", help="ready-made requests, else built from the shape"
    )
    parser.add_argument(
        "--realistic", action="store_true", help="send realistic records, all of them different; see the README"
    )
    parser.add_argument("--start", type=int, default=0, metavar="NS", help="time of the first realistic record")
    parser.add_argument("--step", type=int, default=0, metavar="NS", help="between realistic records")
    parser.add_argument(
        "--spans", type=int, default=0, metavar="N", help="send N spans of each request of realistic records instead"
    )
    parser.add_argument("--fresh", action="store_true", help="send the shape with fresh trace IDs and times")
    parser.add_argument("--wait", action="store_true", help="print ready, then wait for a line on standard input")
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
