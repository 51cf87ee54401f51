"""Calls of the gRPC receiver, and a server that has nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc import status_pb2

from server.otlp.grpc_receiver import build_handlers, server_options
from server.pipeline.ingest import Ingest
from server.process.pools import Pool

__all__ = ["EXPORT", "EXPORT_TRACES", "LIMIT", "POOL", "details", "export", "refused", "serving"]

LIMIT = 1024 * 1024
POOL = Pool("ingest", 2)
M = TypeVar("M", bound=Message)
EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
EXPORT_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@asynccontextmanager
async def serving(ingest: Ingest, limit: int = LIMIT, **receiving: Any) -> AsyncIterator[str]:
    handlers = build_handlers(ingest, limit, POOL, **receiving)
    server = grpc.aio.server(handlers=[*handlers], options=server_options(limit))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def export(
    address: str,
    request: bytes,
    *,
    method: str = EXPORT,
    compression: grpc.Compression | None = None,
    deadline: float = 30,
    metadata: Sequence[tuple[str, str]] = (),
) -> bytes:
    async with grpc.aio.insecure_channel(address, compression=compression) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        return await call(request, timeout=deadline, metadata=tuple(metadata))


async def refused(address: str, request: bytes = b"", **options: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await export(address, request, **options)
    return caught.value


def details(error: grpc.aio.AioRpcError, kind: type[M]) -> M:
    """Return the one detail of the status, after checking that the status matches the code."""
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    (packed,) = status.details
    detail = kind()
    assert packed.Unpack(detail)
    return detail
