"""Senders of the HTTP receiver, in its real server: they disconnect, stop sending, or retry."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from starlette.types import Message

from harness.waiting import until
from server.errors.ingest import OverloadedError
from server.otlp.http_receiver import build_http_app
from server.pipeline.ingest import Ingest
from server.process.pools import Pool
from tests.otlp.posting import DOCUMENT_BODY, JSON, LIMIT, PROTOBUF, chunks
from tests.otlp.recording import RecordingIngest

UNFINISHED = (
    b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nabc"
)


async def test_a_body_that_is_stopped_as_it_arrives_is_to_be_sent_again() -> None:
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


async def test_a_body_of_which_nothing_more_comes_is_not_waited_for() -> None:
    ingest = RecordingIngest()
    async with serving(ingest, idle_timeout=0.1) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UNFINISHED)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        writer.close()
        await writer.wait_closed()
    assert b" 503 " in answer
    assert ingest.admission.requests == 0


async def test_a_sender_that_leaves_in_the_middle_of_the_body_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
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
        await until(lambda: server.started)
        try:
            yield server, listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def test_a_real_server_takes_requests_and_survives_senders_that_leave(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_a_request_that_shutdown_cuts_off_is_to_be_sent_again() -> None:
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
async def test_the_python_sdk_sends_again_what_was_refused(compression: Compression) -> None:
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
async def test_a_sender_that_leaves_while_its_request_is_stored_is_no_longer_waited_for(
    reset: bool, caplog: pytest.LogCaptureFixture
) -> None:
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
