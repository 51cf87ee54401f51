"""The largest requests that the documentation permits, with default settings: stored, within the memory limit."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, request_of
from harness.process_stats import peak_resident
from harness.waiting import wait_for
from server.settings.values import read_size

MIB = 1 << 20
LARGEST = 64 * MIB
SECONDS = 240.0  # that a sender tries
RETRY_AFTER = 1.0  # seconds: the least that RetryInfo asks for
EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def filled(records: Sequence[LogRecord]) -> bytes:
    """A request of exactly the largest size: a last record has what is missing."""
    request = request_of(records)
    last = request.resource_logs[0].scope_logs[0].log_records.add()
    last.body.string_value = "x" * (LARGEST - request.ByteSize() - 100)
    last.body.string_value += "x" * (LARGEST - request.ByteSize())
    serialized = request.SerializeToString()
    assert len(serialized) == LARGEST
    return serialized


def many_records() -> bytes:
    choose = random.Random(64)
    record = log_record("x" * 80, trace_id="ab" * 16, user="alice", path="/cart", status="200")
    count = 62 * MIB // (record.ByteSize() + 3)
    records = []
    for _ in range(count):
        records.append(LogRecord())
        records[-1].CopyFrom(record)
        records[-1].body.string_value = choose.randbytes(24).hex() + "x" * 32
    return filled(records)


def few_records() -> bytes:
    choose = random.Random(64)
    return filled([log_record(choose.randbytes(4 * MIB - 128).hex()) for _ in range(7)])


def over_grpc(server: LognotaryServer, request: bytes, *, compressed: bool) -> str:
    """Send once; "OK", or the name of the code."""
    compression = grpc.Compression.Gzip if compressed else None
    with grpc.insecure_channel(server.otlp_grpc) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        try:
            call(request, timeout=SECONDS, compression=compression)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


def over_http(server: LognotaryServer, request: bytes, *, compressed: bool) -> str:
    headers = {"Content-Type": "application/x-protobuf"}
    if compressed:
        headers["Content-Encoding"] = "gzip"
        request = gzip.compress(request, 1)
    return http_outcome(httpx.post(f"{server.otlp_http}/v1/logs", content=request, headers=headers, timeout=SECONDS))


def http_outcome(answer: httpx.Response) -> str:
    return {200: "OK", 503: "UNAVAILABLE", 413: "RESOURCE_EXHAUSTED"}.get(answer.status_code, str(answer.status_code))


def outcome(send: Callable[..., str], server: LognotaryServer, request: bytes, *, compressed: bool) -> str:
    """Send as senders do: again for as long as the server says so."""
    codes: list[str] = []

    def is_answered() -> bool:
        codes.append(send(server, request, compressed=compressed))
        return codes[-1] != "UNAVAILABLE"

    with contextlib.suppress(TimeoutError):
        wait_for(is_answered, SECONDS, every=RETRY_AFTER)
    return codes[-1]


def memory_limit(server: LognotaryServer) -> int:
    (line,) = (
        line
        for line in httpx.get(f"{server.http}/metrics", timeout=60.0).text.splitlines()
        if line.startswith("lognotary_memory_limit_bytes ")
    )
    return int(float(line.split()[1]))


def test_what_is_said_to_be_taken_is_taken_within_the_memory_limit(storage_url: str, tmp_path: Path) -> None:
    many, few = many_records(), few_records()
    with LognotaryServer(storage_url, tmp_path / "data") as server:
        assert "leaves room" not in server.log_text()
        assert outcome(over_grpc, server, many, compressed=False) == "OK"
        assert outcome(over_http, server, many, compressed=True) == "OK"
        assert outcome(over_grpc, server, few, compressed=True) == "OK"
        assert outcome(over_http, server, few, compressed=False) == "OK"
        for send in (over_grpc, over_http):
            for compressed in (False, True):
                assert outcome(send, server, few + b"\x00", compressed=compressed) == "RESOURCE_EXHAUSTED"
        assert peak_resident(server.pid) < memory_limit(server)
        assert server.stop() == 0


def json_request(size: int) -> bytes:
    """An OTLP/JSON request of some size, with records such as services send."""
    choose = random.Random(64)
    records: list[str] = []
    while size > 0:
        attributes = [{"key": f"key.{n}", "value": {"stringValue": str(choose.getrandbits(40))}} for n in range(4)]
        text = {"stringValue": choose.randbytes(200).hex()}
        records.append(json.dumps({"timeUnixNano": "1764316800000000000", "body": text, "attributes": attributes}))
        size -= len(records[-1]) + 1
    return f'{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{",".join(records)}]}}]}}]}}'.encode()


def test_a_large_json_request_is_taken_within_the_memory_limit(storage_url: str, tmp_path: Path) -> None:
    def send(server: LognotaryServer, request: bytes, *, compressed: bool) -> str:
        headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if compressed else {})
        body = gzip.compress(request, 1) if compressed else request
        return http_outcome(httpx.post(f"{server.otlp_http}/v1/logs", content=body, headers=headers, timeout=SECONDS))

    with LognotaryServer(storage_url, tmp_path / "data") as server:
        request = json_request(60 * MIB)
        assert [outcome(send, server, request, compressed=how) for how in (False, True)] == ["OK", "OK"]
        assert peak_resident(server.pid) < memory_limit(server)


@pytest.mark.parametrize("send", [over_grpc, over_http])
def test_a_start_with_less_memory_says_which_requests_are_taken_and_what_would_do(
    tmp_path: Path, send: Callable[..., str]
) -> None:
    url = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(url, tmp_path / "data", memory_limit=1088 * MIB) as server:
        (line,) = [line for line in server.log_text().splitlines() if "leaves room for requests of up to" in line]
        largest = int(float(re.findall(r"up to ([\d.]+) MiB:", line)[0]) * MIB)
        enough = read_size(line.partition("--memory-limit ")[2].partition(",")[0])
        assert outcome(send, server, bytes(largest + MIB // 8), compressed=False) == "RESOURCE_EXHAUSTED"
        taken = request_of([log_record("x" * (largest // 2))]).SerializeToString()
        assert outcome(send, server, taken, compressed=False) == "OK"
    with LognotaryServer(url, tmp_path / "data", memory_limit=enough) as server:
        assert "leaves room" not in server.log_text()
