"""The HTTP API: the calls of the gRPC API as JSON (protobuf's JSON mapping), and health.

GET  /api/v1/traces/{trace_id}     GetTrace; query parameters are the request's fields
GET  /api/v1/audit-events          SearchAuditEvents, likewise
POST /api/v1/verify                Verify; the answer is one JSON object a line
GET  /healthz                      200 while the process works
GET  /readyz                       200 while records can be committed, else 503
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import Message
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.backend import Backend
from server.api.errors import InvalidArgumentError, NotFoundError
from storage.errors import StorageError

__all__ = ["build_http_api"]

_logger = logging.getLogger(__name__)
_MessageT = TypeVar("_MessageT", bound=Message)


def build_http_api(backend: Backend, not_ready: Callable[[], str]) -> Starlette:
    """Build the ASGI application.

    Args:
        backend: answers the calls.
        not_ready: returns why records cannot be committed, empty if they can; blocks.
    """

    async def get_trace(request: Request) -> Response:
        parameters = {**request.query_params, "trace_id": request.path_params["trace_id"]}
        call = _parse(parameters, correlation_pb2.GetTraceRequest())
        return _json(await asyncio.to_thread(backend.get_trace, call))

    async def search_audit_events(request: Request) -> Response:
        call = _parse(dict(request.query_params), correlation_pb2.SearchAuditEventsRequest())
        return _json(await asyncio.to_thread(backend.search_audit_events, call))

    async def verify(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
        except ValueError as error:
            raise InvalidArgumentError(f"the body is not JSON: {error}") from error
        call = _parse(body, evidence_pb2.VerifyRequest())
        steps = await asyncio.to_thread(backend.verify, call)
        return StreamingResponse(_lines(steps), media_type="application/x-ndjson")

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reason = await asyncio.to_thread(not_ready)
        return PlainTextResponse(f"{reason or 'ok'}\n", status_code=503 if reason else 200)

    return Starlette(
        routes=[
            Route("/api/v1/traces/{trace_id}", get_trace),
            Route("/api/v1/audit-events", search_audit_events),
            Route("/api/v1/verify", verify, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        exception_handlers={
            InvalidArgumentError: _refuse(400, "INVALID_ARGUMENT"),
            NotFoundError: _refuse(404, "NOT_FOUND"),
            StorageError: _refuse(503, "UNAVAILABLE"),
        },
    )


def _parse(values: Any, message: _MessageT) -> _MessageT:
    if not isinstance(values, dict):  # ParseDict takes an empty list for an empty object
        raise InvalidArgumentError(f"not a {message.DESCRIPTOR.name}: it is no JSON object")
    try:
        return ParseDict(values, message)
    except (ParseError, ValueError, TypeError) as error:
        raise InvalidArgumentError(f"not a {message.DESCRIPTOR.name}: {error}") from error


def _to_json(message: Message, *, indent: int | None = 2) -> str:
    return MessageToJson(message, indent=indent, always_print_fields_with_no_presence=True)


def _json(message: Message) -> Response:
    return Response(_to_json(message), media_type="application/json")


async def _lines(steps: Iterator[evidence_pb2.VerifyResponse]) -> AsyncIterator[str]:
    try:
        async for step in iterate_in_threadpool(steps):
            yield _to_json(step, indent=None) + "\n"
    except StorageError as error:
        # The status was sent long ago: breaking off is all that tells the caller.
        _logger.warning("a verification broke off: %s", error)
        raise


def _refuse(status: int, code: str) -> Callable[[Request, Exception], Response]:
    def refuse(_: Request, error: Exception) -> Response:
        return JSONResponse({"code": code, "message": str(error)}, status_code=status)

    return refuse
