"""The Python SDK as a sender to the gRPC receiver."""

from __future__ import annotations

import asyncio
import logging

import grpc
import grpc.aio
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from server.errors.ingest import MalformedRequestError, OverloadedError, StorageRefusedError
from tests.otlp.grpc_calls import serving
from tests.otlp.recording import RecordingIngest


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_the_python_sdk_sends_again_what_was_refused(
    compression: grpc.Compression, caplog: pytest.LogCaptureFixture
) -> None:
    ingest = RecordingIngest(
        OverloadedError("full", retry_after=0.05), StorageRefusedError("not now", retry_after=0.05)
    )
    async with serving(ingest) as address:
        await asyncio.to_thread(_emit_one, address, compression)
    (request,) = ingest.requests
    (resource_logs,) = ExportLogsServiceRequest.FromString(request).resource_logs
    assert resource_logs.scope_logs[0].log_records[0].body.string_value == "paid"
    # The delay is the one that was asked for, not the SDK's own first step of a second.
    assert "retrying in 0.05s" in caplog.text


async def test_the_python_sdk_does_not_send_again_what_is_malformed(caplog: pytest.LogCaptureFixture) -> None:
    ingest = RecordingIngest(MalformedRequestError("wrong"))
    async with serving(ingest) as address:
        await asyncio.to_thread(_emit_one, address, grpc.Compression.NoCompression)
    assert ingest.requests == []
    assert "INVALID_ARGUMENT" in caplog.text


def _emit_one(address: str, compression: grpc.Compression) -> None:
    """Send one record as an instrumented program does."""
    logging.getLogger("opentelemetry").setLevel(logging.DEBUG)
    exporter = OTLPLogExporter(endpoint=address, insecure=True, compression=compression)
    provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("shop.orders").emit(LogRecord(timestamp=1, body="paid", severity_number=SeverityNumber.INFO))
    provider.shutdown()
