"""OTLP over gRPC: ``LogsService/Export``.

Parts of a ``grpc.aio`` server; the server itself, its port and its credentials are put together elsewhere.
The handler takes the request as raw bytes: no Python object is made of it here. gRPC itself undoes gzip,
enforces the size limit before and after that, and answers UNIMPLEMENTED for services that are not served.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from server.otlp.status import Refusal, grpc_trailers, refusal_of
from server.pipeline.ingest import Ingest

__all__ = ["SERVICE", "build_logs_handler", "server_options"]

SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService"

# "The server MUST leave the partial_success field unset" on success (OTLP specification, "Full Success").
_SUCCESS = logs_service_pb2.ExportLogsServiceResponse().SerializeToString()

# Senders that keep connections alive ping every ten seconds or more (grpc-go's lower bound). gRPC's default
# permits a ping every five minutes without a call, and ends the connection of a sender that pings more
# often with GOAWAY "too_many_pings". Half of the ten, as pings do not arrive evenly.
_MIN_PING_INTERVAL_MS = 5_000


def build_logs_handler(ingest: Ingest) -> grpc.GenericRpcHandler:
    """Build the handler of the OTLP logs service.

    When the sender cancels the call or its deadline passes, ``submit`` is cancelled.

    Args:
        ingest: takes the serialized requests.
    """

    async def export(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        refusal = await _submit(ingest, request)
        if refusal is not None:
            await context.abort(refusal.code, refusal.message, grpc_trailers(refusal))
        return _SUCCESS

    # No deserializer and no serializer: the handler deals in bytes.
    export_handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(export)
    return grpc.method_handlers_generic_handler(SERVICE, {"Export": export_handler})


def server_options(
    max_request_bytes: int,
    *,
    max_connection_age: float | None = None,
    max_connection_age_grace: float | None = None,
) -> list[tuple[str, Any]]:
    """Return the options of a gRPC server that receives OTLP.

    Args:
        max_request_bytes: larger requests, before or after decompression, get RESOURCE_EXHAUSTED. That
            comes without RetryInfo, so it "MUST" not be retried (OTLP specification, "Message size").
        max_connection_age: seconds after which senders are asked to connect anew, so that a load balancer
            can spread them; None for never.
        max_connection_age_grace: seconds that calls still have after that; None for no limit.
    """
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", max_request_bytes),
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        # Otherwise a second server on the same port would start, and silently get half of the senders.
        ("grpc.so_reuseport", 0),
    ]
    if max_connection_age is not None:
        options.append(("grpc.max_connection_age_ms", round(max_connection_age * 1000)))
    if max_connection_age_grace is not None:
        options.append(("grpc.max_connection_age_grace_ms", round(max_connection_age_grace * 1000)))
    return options


async def _submit(ingest: Ingest, request: bytes) -> Refusal | None:
    """Submit a request; return why it was refused, if it was."""
    try:
        await ingest.submit(request)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Not this call was cancelled, but something that submit waited for.
        return refusal_of(error)
    except Exception as error:  # whatever it is, the sender has to be told to retry
        return refusal_of(error)
    return None
