"""More than a server can take: it keeps to its memory, and goes on."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import grpc
import grpc.aio
import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import Load
from harness.process_stats import peak_resident

MIB = 1 << 20
LIMIT = 384 * MIB
EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def repeating() -> bytes:
    """A small request whose rows are hundreds of megabytes: each repeats its resource."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="k").value.string_value = "x" * 2000
    scope_logs = resource_logs.scope_logs.add()
    for _ in range(100_000):
        scope_logs.log_records.add()
    return request.SerializeToString()


def large() -> bytes:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in range(8):
        records.add().body.string_value = f"{number}" * MIB
    return request.SerializeToString()


async def send_at_once(address: str, requests: Sequence[bytes]) -> Counter[str]:
    """Send requests, each by a connection of its own; how often each code came back."""

    async def send(request: bytes) -> str:
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
            try:
                await call(request, timeout=60)
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return "OK"

    return Counter(await asyncio.gather(*map(send, requests)))


async def test_whatever_is_sent_memory_stays_below_its_limit(clickhouse_storage: str, tmp_path: Path) -> None:
    # A message that begins like gzip is inflated, whatever its call says.
    bomb = gzip.compress(bytes(60 * MIB))
    with LognotaryServer(clickhouse_storage, tmp_path / "data", memory_limit=LIMIT) as server:
        answers = await send_at_once(server.otlp_grpc, 32 * [bomb] + 16 * [repeating()] + 64 * [large()])
        assert peak_resident(server.pid) < LIMIT
        assert answers.keys() <= {"OK", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED"}
        assert answers["UNAVAILABLE"]
        assert (await asyncio.to_thread(httpx.get, f"{server.http}/healthz", timeout=60.0)).status_code == 200
        with Load(server.otlp_grpc, threads=1) as load:
            load.wait_for_acknowledged(3)


def test_a_memory_limit_that_is_too_low_is_told_at_the_start(tmp_path: Path) -> None:
    flags = ["--data-dir", str(tmp_path / "data"), "--memory-limit", str(64 * MIB)]
    for name in ("--otlp-grpc", "--otlp-http", "--api-grpc", "--http"):
        flags += [name, "127.0.0.1:0"]
    done = run_lognotary("serve", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert "a memory limit of 64 MiB is too low" in done.stderr
    assert not (tmp_path / "data" / "chdb").exists()
