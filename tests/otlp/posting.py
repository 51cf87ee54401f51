"""Requests to the HTTP receiver, and the parsing of its refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from google.protobuf import json_format
from google.rpc import status_pb2

from server.otlp.http_receiver import build_http_app
from server.pipeline.ingest import Ingest
from server.process.pools import Pool

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


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]
