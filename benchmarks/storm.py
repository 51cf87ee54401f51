"""Overload generator (open loop): sends ready-made OTLP requests over gRPC at a rate, whatever the answers are.

It runs in its own process. Each request goes out when its time has come, not when the previous one
was answered. A fraction of the clients honours refusals as senders should, and retries after the requested delay;
the others ignore it.
"""

# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio

from benchmarks.loader import EXPORT, percentiles, read_requests, retry_delay

__all__ = ["main"]

_TICK = 0.01  # seconds between looks at what is due
_CHANNEL_OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
_Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


@dataclass(slots=True)
class _Storm:
    """One run: requests to send, and results."""

    requests: Iterator[bytes]
    rate: float
    seconds: float
    timeout: float
    most: int
    started: float = 0.0
    attempts: int = 0
    left_out: int = 0
    latencies: list[float] = field(default_factory=list)
    refused_in: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)

    async def run(self, callers: Sequence[tuple[_Call, bool]]) -> None:
        """Send until the end; ``callers`` are the clients, each with True if it honours retry delays."""
        self.started = time.perf_counter()
        order = itertools.cycle(callers)
        under_way: set[asyncio.Task[None]] = set()
        sent = 0
        while (passed := time.perf_counter() - self.started) < self.seconds:
            for _ in range(int(passed * self.rate) - sent):
                sent += 1
                call, heeds = next(order)
                if len(under_way) >= self.most:  # the generator itself must not run out of memory
                    self.left_out += 1
                    continue
                task = asyncio.create_task(self._send(call, next(self.requests), heeds=heeds))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(_TICK)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _send(self, call: _Call, request: bytes, *, heeds: bool) -> None:
        while True:
            self.attempts += 1
            begin = time.perf_counter()
            try:
                await call(request, timeout=self.timeout)
            except grpc.aio.AioRpcError as error:
                self.codes[error.code().name] += 1
                self.refused_in.append(time.perf_counter() - begin)
                told = retry_delay(error)
                if told is not None:
                    self.told.append(told)
                if not heeds or told is None:
                    return
                await asyncio.sleep(told * random.uniform(1.0, 1.2))  # noqa: S311 - jitter
            else:
                self.latencies.append(time.perf_counter() - begin)
                return


async def _storm(storm: _Storm, address: str, clients: int, heeding: float) -> None:
    channels = [grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS) for _ in range(clients)]
    try:
        callers: list[tuple[_Call, bool]] = [
            (channel.unary_unary(EXPORT), (number + 1) * heeding // 1 > number * heeding // 1)
            for number, channel in enumerate(channels)
        ]
        await storm.run(callers)
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    requests = read_requests(options.requests_from)
    storm = _Storm(itertools.cycle(requests), options.rate, options.seconds, options.timeout, options.most)
    print(json.dumps({"ready": True}), flush=True)
    if not sys.stdin.readline():
        return
    cpu = time.process_time()
    asyncio.run(_storm(storm, options.address, options.clients, options.heeding))
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - storm.started,
                "attempts": storm.attempts,
                "left_out": storm.left_out,
                "accepted": len(storm.latencies),
                "refusals": dict(storm.codes),
                "latency_ms": percentiles(storm.latencies),
                "refusal_ms": percentiles(storm.refused_in),
                "told_seconds": {name: value / 1000 for name, value in percentiles(storm.told).items()},
                "cpu_seconds": time.process_time() - cpu,
            }
        ),
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__.partition("\n")[0])
    parser.add_argument("address", metavar="HOST:PORT", help="where OTLP/gRPC is received")
    parser.add_argument("--requests-from", type=Path, required=True, metavar="FILE", help="ready-made requests")
    parser.add_argument("--rate", type=float, required=True, metavar="N", help="requests a second")
    parser.add_argument("--seconds", type=float, required=True, metavar="S", help="how long")
    parser.add_argument("--clients", type=int, default=64, metavar="N", help="connections (default: 64)")
    parser.add_argument(
        "--heeding", type=float, default=0.5, metavar="P", help="fraction of clients that honour the retry delay"
    )
    parser.add_argument("--timeout", type=float, default=15.0, metavar="S", help="of one attempt (default: 15)")
    parser.add_argument("--most", type=int, default=3000, metavar="N", help="most requests under way (default: 3000)")
    return parser


if __name__ == "__main__":
    main()
