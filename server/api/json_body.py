"""Bodies of requests of the HTTP API: JSON, with limits to their size, their depth and the time until more arrives."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from server.api.errors import InvalidArgumentError, TooLargeError

__all__ = ["read_json"]

# Nothing else runs in the process while a body is parsed, and parsed JSON may take 30 times the memory of its text: a
# body of 1 MiB costs some hundredths of a second and 30 MB.
_MOST = 1 << 20  # bytes
_DEEPEST = 64  # objects and lists in each other; no call needs 10
_IDLE = 30.0  # seconds
_SIZE = re.compile(r"[0-9]{1,18}", re.ASCII)


async def read_json(request: Request, *, empty: Any = None, most: int = _MOST, idle: float = _IDLE) -> Any:
    """Return the body of a request, read as JSON.

    Args:
        request: the request.
        empty: value for a request without a body.
        most: maximum number of bytes.
        idle: seconds that the server waits for more of the body.

    Raises:
        TooLargeError: the body is too large.
        InvalidArgumentError: the body is not JSON, is nested too deeply, or does not arrive.
        ClientDisconnect: the client has left.
    """
    _check_size(_declared(request), most)
    body = bytearray()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(idle) as deadline:
            async for piece in request.stream():
                body += piece
                _check_size(len(body), most)
                deadline.reschedule(loop.time() + idle)
    except TimeoutError as error:
        raise InvalidArgumentError(f"idle timeout: no data received for {idle:g} seconds") from error
    if not body:
        return empty
    try:
        value = json.loads(bytes(body))
    except RecursionError as error:
        raise InvalidArgumentError(_TOO_DEEP) from error
    except ValueError as error:
        raise InvalidArgumentError(f"the body is not JSON: {error}") from error
    if _is_too_deep(value):  # what reads the value, such as an error that quotes it, may be recursive
        raise InvalidArgumentError(_TOO_DEEP)
    return value


_TOO_DEEP = f"the body is nested too deeply: it may have {_DEEPEST} objects and lists in each other"


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise TooLargeError(f"the body is too large: it may have {most} bytes; split it into several calls")


def _declared(request: Request) -> int:
    """Return the size that a request says its body has, in bytes; 0 if it does not say it."""
    declared = request.headers.get("content-length", "")
    return int(declared) if _SIZE.fullmatch(declared) else 0


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [each for container in level for each in _members(container) if isinstance(each, (dict, list))]
        if not level:
            return False
    return True


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
