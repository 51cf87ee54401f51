"""Requests that the HTTP receiver accepts: types, encodings, signals."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Callable

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness.waiting import until
from harness.zstd import zstd
from server.codec.signals import Signal
from server.process.pools import Pool
from tests.otlp.posting import BOTH, DOCUMENT_BODY, JSON, PROTOBUF, client, post, status_of
from tests.otlp.recording import RecordingIngest


def trace_id(serialized: bytes) -> bytes:
    request = ExportLogsServiceRequest.FromString(serialized)
    return request.resource_logs[0].scope_logs[0].log_records[0].trace_id


async def test_a_protobuf_request_arrives_unchanged_and_success_is_empty_protobuf() -> None:
    ingest = RecordingIngest()
    response = await post(ingest, b"\x0a\x00", PROTOBUF)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-protobuf"
    assert response.content == b""
    assert ingest.requests == [b"\x0a\x00"]


async def test_a_json_request_arrives_as_protobuf_and_success_is_empty_json() -> None:
    ingest = RecordingIngest()
    response = await post(ingest, DOCUMENT_BODY, JSON)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.content == b"{}"
    assert [trace_id(request) for request in ingest.requests] == [b"\xab" * 16]


@pytest.mark.parametrize(("body", "headers"), [(b"", PROTOBUF), (b"{}", JSON)])
async def test_an_empty_request_is_accepted(body: bytes, headers: dict[str, str]) -> None:
    ingest = RecordingIngest()
    assert (await post(ingest, body, headers)).status_code == 200
    assert ingest.requests == [b""]


@pytest.mark.parametrize("value", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8 "])
async def test_parameters_and_case_of_the_content_type_do_not_matter(value: str) -> None:
    ingest = RecordingIngest()
    response = await post(ingest, DOCUMENT_BODY, {"Content-Type": value})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("zstd", zstd.compress), ("identity", bytes)],
    ids=["gzip", "zstd", "identity"],
)
async def test_the_encodings_are_undone(
    headers: dict[str, str], encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    ingest = RecordingIngest()
    expected = ExportLogsServiceRequest()
    expected.resource_logs.add().scope_logs.add().log_records.add().trace_id = b"\xab" * 16
    body = DOCUMENT_BODY if headers is JSON else expected.SerializeToString()
    response = await post(ingest, compress(body), headers | {"Content-Encoding": encoding})
    assert response.status_code == 200
    assert ingest.requests == [expected.SerializeToString()]


@pytest.mark.parametrize("headers", BOTH)
async def test_large_bodies_are_worked_on_beside_the_event_loop_and_small_ones_wait_for_no_thread(
    headers: dict[str, str],
) -> None:
    pool, free = Pool("ingest", 1), threading.Event()
    busy = asyncio.create_task(pool.run(free.wait))
    text = "".join(map(chr, range(0x4E00, 0x9F00))) * 2  # compresses badly
    document = {"resourceLogs": [{"schemaUrl": text}]}
    request = json_format.ParseDict(document, ExportLogsServiceRequest()).SerializeToString()
    body = json.dumps(document, ensure_ascii=False).encode() if headers is JSON else request
    ingest = RecordingIngest()
    async with client(ingest, pool=pool) as http:
        compressed = headers | {"Content-Encoding": "gzip"}
        large = asyncio.create_task(http.post("/v1/logs", content=gzip.compress(body), headers=compressed))
        await until(lambda: ingest.clients)
        small = DOCUMENT_BODY if headers is JSON else b""
        assert (await http.post("/v1/logs", content=gzip.compress(small), headers=compressed)).status_code == 200
        assert not large.done()
        free.set()
        assert (await large).status_code == 200
    assert ingest.requests[-1] == request
    await busy


async def test_traces_arrive_at_their_own_path_as_protobuf_and_json() -> None:
    ingest = RecordingIngest()
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"\xab" * 16, name="pay")
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "ab" * 16, "name": "pay"}]}]}]}
    bodies = [(request.SerializeToString(), PROTOBUF, b""), (json.dumps(document).encode(), JSON, b"{}")]
    for body, headers, success in bodies:
        response = await post(ingest, body, headers, "/v1/traces")
        assert (response.status_code, response.content) == (200, success)
    assert ingest.requests == [request.SerializeToString()] * 2
    assert ingest.signals == [Signal.TRACES] * 2
    response = await post(ingest, DOCUMENT_BODY, JSON, "/v1/traces")
    assert response.status_code == 400
    assert "'resourceLogs' holds no spans" in status_of(response).message
