from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from starlette.types import Message

from harness.waiting import until
from harness.zstd import zstd
from server.admission.admission import AdmissionLimits
from server.codec.signals import Signal
from server.errors.ingest import (
    MalformedRequestError,
    OverloadedError,
    ShuttingDownError,
    StorageRefusedError,
)
from server.otlp.http_receiver import build_http_app
from server.pipeline.ingest import Ingest
from server.process.pools import Pool
from tests.otlp.recording import RecordingIngest

LIMIT = 1024 * 1024
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
BOTH = [pytest.param(PROTOBUF, id="protobuf"), pytest.param(JSON, id="json")]

DOCUMENT = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "ab" * 16}]}]}]}
DOCUMENT_BODY = json.dumps(DOCUMENT).encode()


def client(ingest: Ingest, limit: int = LIMIT, pool: Pool | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(build_http_app(ingest, limit, pool or Pool("ingest", 2)))
    return httpx.AsyncClient(transport=transport, base_url="http://receiver")


async def post(ingest: Ingest, body: bytes, headers: dict[str, str], path: str = "/v1/logs") -> httpx.Response:
    async with client(ingest) as http:
        return await http.post(path, content=body, headers=headers)


def status_of(response: httpx.Response) -> status_pb2.Status:
    """Return the body of a refusal, after checking that it is written as its type says."""
    status = status_pb2.Status()
    if response.headers["content-type"] == "application/json":
        return json_format.Parse(response.content, status)
    assert response.headers["content-type"] == "application/x-protobuf"
    status.ParseFromString(response.content)
    return status


def trace_id(serialized: bytes) -> bytes:
    request = ExportLogsServiceRequest.FromString(serialized)
    return request.resource_logs[0].scope_logs[0].log_records[0].trace_id


async def test_a_protobuf_request_arrives_unchanged_and_success_is_empty_protobuf():
    ingest = RecordingIngest()
    response = await post(ingest, b"\x0a\x00", PROTOBUF)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-protobuf"
    assert response.content == b""
    assert ingest.requests == [b"\x0a\x00"]


async def test_a_json_request_arrives_as_protobuf_and_success_is_empty_json():
    ingest = RecordingIngest()
    response = await post(ingest, DOCUMENT_BODY, JSON)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.content == b"{}"
    assert [trace_id(request) for request in ingest.requests] == [b"\xab" * 16]


@pytest.mark.parametrize(("body", "headers"), [(b"", PROTOBUF), (b"{}", JSON)])
async def test_an_empty_request_is_accepted(body, headers):
    ingest = RecordingIngest()
    assert (await post(ingest, body, headers)).status_code == 200
    assert ingest.requests == [b""]


@pytest.mark.parametrize("value", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8 "])
async def test_parameters_and_case_of_the_content_type_do_not_matter(value):
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
async def test_the_encodings_are_undone(headers, encoding, compress):
    ingest = RecordingIngest()
    expected = ExportLogsServiceRequest()
    expected.resource_logs.add().scope_logs.add().log_records.add().trace_id = b"\xab" * 16
    body = DOCUMENT_BODY if headers is JSON else expected.SerializeToString()
    response = await post(ingest, compress(body), headers | {"Content-Encoding": encoding})
    assert response.status_code == 200
    assert ingest.requests == [expected.SerializeToString()]


@pytest.mark.parametrize("headers", BOTH)
async def test_large_bodies_are_worked_on_beside_the_event_loop_and_small_ones_wait_for_no_thread(headers):
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


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("error", [OverloadedError, StorageRefusedError, ShuttingDownError])
async def test_a_refused_request_is_to_be_sent_again_later(headers, error):
    ingest = RecordingIngest(error("try later", retry_after=2.25, public="try later"))
    response = await post(ingest, DOCUMENT_BODY if headers is JSON else b"", headers)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "3"
    assert response.headers["content-type"] == headers["Content-Type"]
    status = status_of(response)
    assert (status.code, status.message) == (14, "try later")
    retry_info = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(retry_info)
    assert retry_info.retry_delay.ToMilliseconds() == 2250


@pytest.mark.parametrize(("delay", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2"), (float("nan"), "1")])
async def test_retry_after_is_whole_seconds_and_never_none(delay, header):
    response = await post(RecordingIngest(OverloadedError("full", retry_after=delay)), b"", PROTOBUF)
    assert response.headers["retry-after"] == header


async def test_what_the_pipeline_finds_malformed_is_a_bad_request():
    response = await post(RecordingIngest(MalformedRequestError("wrong at byte 7")), b"?", PROTOBUF)
    assert response.status_code == 400
    assert "retry-after" not in response.headers
    status = status_of(response)
    assert (status.code, status.message) == (3, "wrong at byte 7")
    bad_request = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(bad_request)
    assert bad_request.field_violations[0].description == "wrong at byte 7"


async def test_malformed_json_is_a_bad_request_that_says_where():
    response = await post(RecordingIngest(), b'{"resourceLogs": [{"scopeLogs": 1}]}', JSON)
    assert response.status_code == 400
    assert response.json()["message"] == "resourceLogs[0].scopeLogs: an array is expected"
    assert response.json()["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"


@pytest.mark.parametrize("headers", BOTH)
async def test_truncated_gzip_is_a_bad_request(headers):
    ingest = RecordingIngest()
    body = gzip.compress(DOCUMENT_BODY)[:-1]
    response = await post(ingest, body, headers | {"Content-Encoding": "gzip"})
    assert response.status_code == 400
    assert status_of(response).message == "the gzip body ends too early"
    assert ingest.requests == []


@pytest.mark.parametrize("error", [RuntimeError("secret"), asyncio.CancelledError("secret")])
async def test_an_unforeseen_error_is_logged_and_answered_as_retryable(error, caplog):
    response = await post(RecordingIngest(error), b"", PROTOBUF)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "secret" not in status_of(response).message
    (record,) = caplog.records
    assert record.exc_info[1] is error


@pytest.mark.parametrize("value", ["text/plain", "application/protobuf", "", None])
async def test_another_content_type_is_refused_as_text_with_what_is_accepted(value):
    ingest = RecordingIngest()
    response = await post(ingest, b"", {} if value is None else {"Content-Type": value})
    assert response.status_code == 415
    assert response.headers["accept"] == "application/x-protobuf, application/json"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "accepted: application/x-protobuf, application/json" in response.text
    assert ingest.requests == []


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_another_encoding_is_refused_with_what_is_accepted(headers, encoding):
    ingest = RecordingIngest()
    response = await post(ingest, b"", headers | {"Content-Encoding": encoding})
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip, zstd, identity"
    assert "accepted: gzip, zstd, identity" in status_of(response).message
    assert ingest.requests == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
async def test_another_method_is_refused_with_the_one_that_is_allowed(method, path):
    async with client(RecordingIngest()) as http:
        response = await http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.text == "405: send logs with POST /v1/logs and traces with POST /v1/traces\n"


async def test_traces_arrive_at_their_own_path_as_protobuf_and_json():
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


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("path", ["/", "/v1/logs/", "/v1/LOGS", "/v1/logs2", "/v1/"])
async def test_another_path_is_not_found_and_the_answer_says_which_there_is(headers, path):
    response = await post(RecordingIngest(), b"", headers, path)
    assert response.status_code == 404
    assert response.headers["content-type"] == headers["Content-Type"]
    assert "POST /v1/logs" in status_of(response).message


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize("signal", ["metrics", "profiles"])
async def test_another_signal_is_refused_with_the_variable_that_keeps_it_away(headers, signal):
    response = await post(RecordingIngest(), b"", headers, f"/v1/{signal}")
    assert response.status_code == 404
    message = status_of(response).message
    assert message.startswith(f"404: {signal} are not served here")
    assert f"OTEL_{signal.upper()}_EXPORTER to none" in message


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/plain; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/plain; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/x-protobuf", "application/x-protobuf"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces", "/"])
async def test_who_sends_no_otlp_gets_text_unless_another_form_is_asked_for(accept, kind, path):
    async with client(RecordingIngest()) as http:
        response = await http.get(path, headers={"Accept": accept})
    assert response.headers["content-type"] == kind


async def test_refusals_are_logged_once_a_minute_with_peer_and_reason_and_nothing_that_was_sent(caplog):
    hush = "hush-4711"
    bodies = [
        (f'{{"{hush}": '.encode(), JSON),
        (f'{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{{"{hush}": 1}}]}}]}}]}}'.encode(), JSON),
        (hush.encode(), JSON | {"Content-Encoding": "gzip"}),
        (b"", {"Content-Type": hush}),
        (b"", JSON | {"Content-Encoding": hush}),
        (bytes(LIMIT + 1), PROTOBUF),
    ]
    measures = []
    app = build_http_app(RecordingIngest(), LIMIT, Pool("ingest", 2), measures.append)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as http:
        for body, headers in bodies * 3:
            assert (await http.post("/v1/logs", content=body, headers=headers)).status_code in (400, 413, 415)
        for path in ("/v1/traces/", "/v1/metrics", f"/{hush}") * 2:
            assert (await http.post(path, headers=PROTOBUF)).status_code == 404
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 6
    assert all(line.startswith("a request of 127.0.0.1:123 over http was refused for good: ") for line in lines)
    assert "not JSON" in lines[0]
    assert not [line for line in lines if hush in line]
    counted = Counter((measure.outcome, measure.protocol, measure.service) for measure in measures)
    assert counted == {
        ("malformed", "http", "logs"): 9,
        ("unsupported", "http", "logs"): 6,
        ("too_large", "http", "logs"): 3,
        ("not_served", "http", "traces"): 2,
        ("not_served", "http", "metrics"): 2,
        ("not_served", "http", "other"): 2,
    }


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
async def test_a_body_of_just_the_limit_is_accepted_and_one_byte_more_is_not(chunked):
    ingest = RecordingIngest()
    async with client(ingest, limit=5000) as http:
        for size, expected in ((5000, 200), (5001, 413)):
            content = chunks(bytes(size)) if chunked else bytes(size)
            response = await http.post("/v1/logs", content=content, headers=PROTOBUF)
            assert response.status_code == expected
    assert "retry-after" not in response.headers
    status = status_of(response)
    assert status.code == 8
    assert "5000 bytes" in status.message
    assert ingest.requests == [bytes(5000)]


async def test_a_length_above_the_limit_is_refused_before_the_body_is_read():
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    async with client(RecordingIngest()) as http:
        headers = PROTOBUF | {"Content-Length": str(LIMIT + 1)}
        response = await http.post("/v1/logs", content=unread(), headers=headers)
    assert response.status_code == 413


async def unread() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


async def test_a_request_that_there_is_no_room_for_is_refused_before_its_body_is_read():
    ingest = RecordingIngest(limits=AdmissionLimits(requests=1, size=10_000, largest=10_000))
    with ingest.admission.admit("another"):
        async with client(ingest) as http:
            response = await http.post("/v1/logs", content=unread(), headers=PROTOBUF | {"Content-Length": "100"})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1


async def test_a_request_that_there_never_is_room_for_is_refused_for_good_before_its_body_is_read():
    ingest = RecordingIngest(limits=AdmissionLimits(1, 10_000, 10_000, remedy="raise --memory-limit"))
    async with client(ingest) as http:
        response = await http.post("/v1/logs", content=unread(), headers=PROTOBUF | {"Content-Length": "10001"})
    assert response.status_code == 413
    assert "raise --memory-limit" in status_of(response).message


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("headers", BOTH)
async def test_a_body_that_grows_beyond_what_there_can_be_room_for_is_refused(headers, compressed):
    ingest = RecordingIngest(limits=AdmissionLimits(10, 3 << 20, 3 << 20))
    body = json.dumps({"unknown": "x" * (5 << 20)}).encode()
    encoding = {"Content-Encoding": "gzip"} if compressed else {}
    content = chunks(gzip.compress(body) if compressed else body)
    async with client(ingest, limit=16 << 20) as http:
        response = await http.post("/v1/logs", content=content, headers=headers | encoding)
    assert response.status_code == 413
    assert ingest.requests == []
    assert ingest.admission.requests == 0


async def test_a_json_body_that_takes_many_times_its_size_is_counted_as_such():
    ingest = RecordingIngest(limits=AdmissionLimits(10, 3 << 20, 3 << 20))
    body = b'{"resourceLogs":[%s{}]}' % (b"{}," * 100_000)
    response = await post(ingest, body, JSON)
    assert response.status_code == 413
    assert (await post(ingest, DOCUMENT_BODY, JSON)).status_code == 200


UNFINISHED = (
    b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nabc"
)


async def test_a_body_that_is_stopped_as_it_arrives_is_to_be_sent_again():
    ingest = RecordingIngest()
    async with serving(ingest) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UNFINISHED)
        await until(lambda: ingest.admission.arriving)
        ingest.admission.stop_newest(1)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        writer.close()
        await writer.wait_closed()
    assert b" 503 " in answer
    assert b"retry-after" in answer.lower()
    assert ingest.requests == []


async def test_a_body_of_which_nothing_more_comes_is_not_waited_for():
    ingest = RecordingIngest()
    async with serving(ingest, idle_timeout=0.1) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UNFINISHED)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        writer.close()
        await writer.wait_closed()
    assert b" 503 " in answer
    assert ingest.admission.requests == 0


@pytest.mark.parametrize("headers", BOTH)
@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstd.compress)], ids=["gzip", "zstd"]
)
async def test_a_bomb_is_too_large(headers, encoding, compress):
    ingest = RecordingIngest()
    body = compress(bytes(64 * LIMIT))
    response = await post(ingest, body, headers | {"Content-Encoding": encoding})
    assert response.status_code == 413
    assert ingest.requests == []


async def test_a_sender_that_leaves_in_the_middle_of_the_body_leaves_no_trace(caplog):
    ingest = RecordingIngest()
    events: list[Message] = [
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return events.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/x-protobuf"), (b"content-length", b"1000")]
    scope = {"type": "http", "method": "POST", "path": "/v1/logs", "headers": headers, "query_string": b""}
    await build_http_app(ingest, LIMIT, Pool("ingest", 2))(scope, receive, send)
    assert ingest.requests == []
    assert caplog.records == []


@asynccontextmanager
async def serving(ingest: Ingest, *, idle_timeout: float = 30.0) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """Run the application in the server that it will run in."""
    config = uvicorn.Config(
        build_http_app(ingest, LIMIT, Pool("ingest", 2), idle_timeout=idle_timeout),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield server, listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def test_a_real_server_takes_requests_and_survives_senders_that_leave(caplog):
    ingest = RecordingIngest()
    async with serving(ingest) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
            b"Content-Length: 1000\r\n\r\nabc"
        )
        await writer.drain()
        await until(lambda: ingest.admission.arriving)
        writer.close()
        await writer.wait_closed()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            accepted = await http.post("/v1/logs", content=DOCUMENT_BODY, headers=JSON)
            too_large = await http.post("/v1/logs", content=chunks(bytes(LIMIT + 1)), headers=PROTOBUF)
            accepted_again = await http.post("/v1/logs", content=b"", headers=PROTOBUF)
    assert (accepted.status_code, accepted.content) == (200, b"{}")
    assert too_large.status_code == 413
    assert (accepted_again.status_code, accepted_again.content) == (200, b"")
    assert len(ingest.requests) == 2
    (record,) = [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
    assert "larger than" in record.getMessage()


async def test_a_request_that_shutdown_cuts_off_is_to_be_sent_again():
    ingest = RecordingIngest()
    ingest.blocked = asyncio.Event()
    async with serving(ingest) as (server, port):
        request = asyncio.create_task(
            asyncio.to_thread(
                httpx.post, f"http://127.0.0.1:{port}/v1/logs", content=b"x", headers=PROTOBUF, timeout=30
            )
        )
        await ingest.blocked.wait()
        server.should_exit = True
        response = await request
    assert response.status_code == 503
    assert ingest.cancelled.is_set()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
async def test_the_python_sdk_sends_again_what_was_refused(compression):
    ingest = RecordingIngest(OverloadedError("full", retry_after=0.1))
    async with serving(ingest) as (_, port):
        await asyncio.to_thread(_emit_one, f"http://127.0.0.1:{port}/v1/logs", compression)
    (request,) = ingest.requests
    (resource_logs,) = ExportLogsServiceRequest.FromString(request).resource_logs
    assert resource_logs.scope_logs[0].log_records[0].body.string_value == "paid"


def _emit_one(endpoint: str, compression: Compression) -> None:
    """Send one record as an instrumented program does."""
    exporter = OTLPLogExporter(endpoint=endpoint, compression=compression)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("shop.orders").emit(LogRecord(timestamp=1, body="paid", severity_number=SeverityNumber.INFO))
    provider.shutdown()


@pytest.mark.parametrize("reset", [False, True])
async def test_a_sender_that_leaves_while_its_request_is_stored_is_no_longer_waited_for(reset, caplog):
    ingest = RecordingIngest()
    ingest.blocked = asyncio.Event()
    async with serving(ingest) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n")
        writer.write(b"Content-Length: 2\r\n\r\n\x0a\x00")
        await asyncio.wait_for(ingest.blocked.wait(), 60)
        assert not ingest.cancelled.is_set()
        if reset:
            writer.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        writer.close()
        # Only so is it known that the records may come again, see ``Batcher``.
        await asyncio.wait_for(ingest.cancelled.wait(), 60)
        await until(lambda: ingest.admission.requests == 0)
        ingest.blocked = None
        async with httpx.AsyncClient() as http:  # the server goes on
            response = await http.post(f"http://127.0.0.1:{port}/v1/logs", content=b"\x0a\x00", headers=PROTOBUF)
        assert response.status_code == 200
    assert ingest.requests == [b"\x0a\x00"]
    assert caplog.records == []
