"""Refusals over HTTP: their answers, and the handler of requests that no route serves."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.otlp.errors import NotServedError
from server.otlp.outcomes import Measuring
from server.otlp.refusal_log import RefusalLog
from server.otlp.status import Refusal, http_body, http_headers, refusal_of
from server.otlp.unserved import Explain, service_of
from server.pipeline.measures import MeasureRequest

__all__ = ["JSON", "PROTOBUF", "media_type_of", "peer_of", "refusal_response", "unserved_routes"]

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_TEXT = "text/plain"


def media_type_of(request: Request) -> str:
    """Return the Content-Type without its parameters, a charset for example."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def peer_of(request: Request) -> str:
    """Return the address of the sender for a log line."""
    return f"{request.client.host}:{request.client.port}" if request.client else ""


def refusal_response(request: Request, refusal: Refusal) -> Response:
    """Answer with the reason, in the request's content type if that is one of OTLP's, otherwise as it accepts it.

    A browser or a terminal, which accepts anything, gets text.
    """
    accepted = request.headers.get("accept", "").lower()
    asked = next((kind for kind in (JSON, PROTOBUF) if kind in accepted), _TEXT)
    media_type = media_type_of(request) if media_type_of(request) in (PROTOBUF, JSON) else asked
    as_text = media_type == _TEXT
    body = f"{refusal.message}\n".encode() if as_text else http_body(refusal, as_json=media_type == JSON)
    return Response(body, refusal.http_status, http_headers(refusal), media_type=media_type)


def unserved_routes(
    measure: MeasureRequest, log: RefusalLog, explain: Explain
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return a handler of what the router refuses: 404 for a wrong path, 405 with Allow for a wrong method.

    Args:
        measure: function that is called for each refused request.
        log: log of refused requests.
        explain: function that returns the error for a path.
    """

    async def refuse(request: Request, error: Exception) -> Response:
        # Starlette's type for a handler is wider than the class that it is registered for.
        status = error.status_code if isinstance(error, HTTPException) else 404
        headers = error.headers if isinstance(error, HTTPException) and error.headers else {}
        path = request.url.path
        refused = NotServedError(f"{status}: {explain(path)}")
        if (allowed := headers.get("Allow")) and service_of(path) == "other":
            methods = " or ".join(sorted({*allowed.split(", ")} - {"HEAD"}))
            refused = NotServedError(
                f"{status}: send requests for this path with {methods}: docs/api.md lists all calls"
            )
        with contextlib.suppress(NotServedError), Measuring(measure, log, peer_of(request), service_of(path)):
            raise refused
        refusal = refusal_of(refused)
        return refusal_response(request, replace(refusal, http_status=status, headers=tuple(headers.items())))

    return refuse
