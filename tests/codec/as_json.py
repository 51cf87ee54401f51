"""Requests, log records and values as OTLP/JSON, converted or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.otlp_json import request_from_json
from server.errors.ingest import MalformedRequestError


def convert(document: object) -> ExportLogsServiceRequest:
    return ExportLogsServiceRequest.FromString(request_from_json(json.dumps(document).encode()))


def around_record(record: object) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


def convert_record(record: object) -> LogRecord:
    return convert(around_record(record)).resource_logs[0].scope_logs[0].log_records[0]


def convert_body(value: object) -> AnyValue:
    return convert_record({"body": value}).body


def reason(body: bytes | dict[str, Any]) -> str:
    """Return the reason why a request is refused."""
    with pytest.raises(MalformedRequestError) as caught:
        request_from_json(body if isinstance(body, bytes) else json.dumps(body).encode())
    return str(caught.value)
