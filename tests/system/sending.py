"""Requests as bytes, sent to a server, and the records that it has of a trace."""

from __future__ import annotations

import uuid

import grpc
import httpx
import pytest

from harness.lognotary_server import LognotaryServer
from lognotary.v1.correlation_pb2 import GetTraceRequest, GetTraceResponse
from lognotary.v1.evidence_pb2 import VERIFIED

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}


def new_trace_id() -> str:
    return uuid.uuid4().hex


def trace_of(server: LognotaryServer, trace_id: str) -> GetTraceResponse:
    with server.correlation() as correlation:
        answer: GetTraceResponse = correlation.GetTrace(GetTraceRequest(trace_id=trace_id))
        return answer


def bodies_of(server: LognotaryServer, trace_id: str) -> list[str]:
    """The bodies of a trace's records, sorted, after checking that each is verified."""
    records = [getattr(entry, entry.WhichOneof("entry")) for entry in trace_of(server, trace_id).entries]
    assert {record.evidence.state for record in records} == {VERIFIED}
    return sorted(record.body for record in records)


def is_unknown(server: LognotaryServer, trace_id: str) -> bool:
    with pytest.raises(grpc.RpcError) as caught:
        trace_of(server, trace_id)
    return caught.value.code() is grpc.StatusCode.NOT_FOUND


def post(server: LognotaryServer, body: bytes, headers: dict[str, str], encoding: str = "") -> httpx.Response:
    extra = {"Content-Encoding": encoding} if encoding else {}
    return httpx.post(f"{server.otlp_http}/v1/logs", content=body, headers=headers | extra, timeout=60.0)


def export(server: LognotaryServer, body: bytes, compression: grpc.Compression | None = None) -> None:
    """Export bytes as they are, whether they are a request or not."""
    with grpc.insecure_channel(server.otlp_grpc) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        )
        call(body, timeout=60.0, compression=compression)
