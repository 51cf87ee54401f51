"""Bodies of requests of the HTTP API: JSON, with a limit to their size and to the time until more of them arrives."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request

from server.api.errors import InvalidArgumentError

__all__ = ["read_json"]

_MOST = 4 << 20  # bytes, as of a message over gRPC
_IDLE = 30.0  # seconds


async def read_json(request: Request, *, empty: Any = None, most: int = _MOST, idle: float = _IDLE) -> Any:
    """Return the body of a request, read as JSON.

    Args:
        request: the request.
        empty: value for a request without a body.
        most: maximum number of bytes.
        idle: seconds that the server waits for more of the body.

    Raises:
        InvalidArgumentError: the body is too large, is not JSON, is nested too deeply, or does not arrive.
        ClientDisconnect: the client has left.
    """
    body = bytearray()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(idle) as deadline:
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise InvalidArgumentError(f"the body is too large: it may have {most} bytes")
                deadline.reschedule(loop.time() + idle)
    except TimeoutError as error:
        raise InvalidArgumentError(f"idle timeout: no data received for {idle:g} seconds") from error
    if not body:
        return empty
    try:
        return json.loads(bytes(body))
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"the body is not JSON: {error}") from error
