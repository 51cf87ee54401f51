"""Duration of the API's calls, over gRPC and HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import grpc
import grpc.aio
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from lognotary.v1 import administration_pb2, correlation_pb2, disclosures_pb2, evidence_pb2, status_pb2, tokens_pb2

__all__ = ["GRPC_CALLS", "HTTP_CALLS", "MeasureCall", "MeasuredCalls", "measured_http"]

MeasureCall = Callable[[str, str, float], None]
"""Function that is called with the protocol, the name of a call, and its duration in seconds; in any thread."""

_SERVICES = (
    correlation_pb2.DESCRIPTOR.services_by_name["CorrelationService"],
    evidence_pb2.DESCRIPTOR.services_by_name["EvidenceService"],
    status_pb2.DESCRIPTOR.services_by_name["StatusService"],
    administration_pb2.DESCRIPTOR.services_by_name["AdministrationService"],
    disclosures_pb2.DESCRIPTOR.services_by_name["DisclosureService"],
    tokens_pb2.DESCRIPTOR.services_by_name["TokenService"],
)

GRPC_CALLS = tuple(f"{service.name}/{method.name}" for service in _SERVICES for method in service.methods)
"""Names of the calls over gRPC."""

HTTP_CALLS = (
    "/api/v1/traces/{trace_id}",
    "/api/v1/audit-events",
    "/api/v1/search",
    "/api/v1/histogram",
    "/api/v1/facets",
    "/api/v1/field-names",
    "/api/v1/traces",
    "/api/v1/neighbours",
    "/api/v1/actors/{actor_id:path}",
    "/api/v1/targets/{target_id:path}",
    "/api/v1/export",
    "/api/v1/export-manifests/{name}",
    "/api/v1/tail",
    "/api/v1/status",
    "/api/v1/settings",
    "/api/v1/tenants",
    "/api/v1/logs",
    "/api/v1/logs/{log}/checkpoint",
    "/api/v1/logs/{log}/inclusion-proof",
    "/api/v1/logs/{log}/consistency-proof",
    "/api/v1/logs/{log}/statements",
    "/api/v1/gaps",
    "/api/v1/receipts/{record_id}",
    "/api/v1/verify",
    "/api/v1/complete-search",
    "/api/v1/holds",
    "/api/v1/holds/{name}/release",
    "/api/v1/retention",
    "/api/v1/tenants/{tenant}/drop",
    "/api/v1/tokens",
    "/api/v1/tokens/{name}/rotate",
    "/api/v1/tokens/{name_or_id}/revoke",
    "/api/v1/disclosures",
    "/api/v1/disclosures/erase",
    "/api/openapi.json",
    "/tlog/{log_id}/{path:path}",
)
"""Names of the calls over HTTP: their routes."""


class MeasuredCalls(grpc.aio.ServerInterceptor):
    """Interceptor that measures the API's calls over gRPC."""

    def __init__(self, measure: MeasureCall) -> None:
        """Measure with a function."""
        self._measure = measure

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the call's handler, with its duration measured; other services' handlers stay as they are."""
        handler = await continuation(handler_call_details)
        name = handler_call_details.method.rpartition(".")[2]
        if handler is None or name not in GRPC_CALLS:
            return handler
        coding = handler.request_deserializer, handler.response_serializer
        if handler.response_streaming:
            stream = handler.unary_stream

            async def measured_stream(request: Any, context: Any) -> AsyncIterator[Any]:
                with self._measuring(name):
                    async with contextlib.aclosing(stream(request, context)) as answers:
                        async for answer in answers:
                            yield answer

            return grpc.unary_stream_rpc_method_handler(measured_stream, *coding)
        unary = handler.unary_unary

        async def measured_unary(request: Any, context: Any) -> Any:
            with self._measuring(name):
                return await unary(request, context)

        return grpc.unary_unary_rpc_method_handler(measured_unary, *coding)

    @contextlib.contextmanager
    def _measuring(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._measure("grpc", name, time.monotonic() - began)


def measured_http(app: ASGIApp, measure: MeasureCall) -> ASGIApp:
    """Return an application that measures the API's calls over HTTP, until the answer is complete."""
    patterns = {name: compile_path(name)[0] for name in HTTP_CALLS}

    async def measured(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        try:
            await app(scope, receive, send)
        finally:
            path = scope.get("path", "")
            name = next((name for name, pattern in patterns.items() if pattern.match(path)), "")
            if name:
                measure("http", name, time.monotonic() - began)

    return measured
