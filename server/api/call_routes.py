"""Routes of calls over HTTP: a request from parameters or a body, and its answer as JSON."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from server.access_log.calls import note_answer
from server.api.asking import Queries
from server.api.json_body import read_json
from server.api.parameters import parse_body, parse_parameters
from server.api.responses import json_response, to_json
from server.process.pools import Pool
from server.query.errors import QueryTooExpensiveError
from storage.errors import StorageError
from storage.interrupt import Interrupt

__all__ = ["call_route", "steps_route"]

_logger = logging.getLogger(__name__)
_MessageT = TypeVar("_MessageT", bound=Message)


def call_route(
    path: str, kind: type[_MessageT], answer: Callable[[_MessageT], Message], runner: Pool | Queries
) -> Route:
    """Return a route for GET, with the fields of the call's request in the path and in the query.

    Args:
        path: path of the route.
        kind: class of the request.
        answer: function that answers a request; it blocks.
        runner: runner of queries for a query, which takes a turn and ends with its caller; otherwise the pool.
    """

    async def handle(request: Request) -> Response:
        call = parse_parameters(request.query_params.multi_items(), request.path_params, kind())
        if isinstance(runner, Queries):
            return json_response(await runner.run_until_gone(request, partial(answer, call)))
        return json_response(await runner.run(partial(answer, call)))

    route = Route(path, handle)
    # Starlette's converter allows no line breaks in a path, but IDs come from senders and may have them.
    route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
    return route


def steps_route(
    path: str,
    kind: type[_MessageT],
    answer: Callable[[_MessageT, Interrupt], Generator[Message, None, None]],
    pool: Pool,
    queries: Queries | None = None,
) -> Route:
    """Return a route for POST, with the call's request as JSON; the answer has one JSON object per line.

    Args:
        path: path of the route.
        kind: class of the request.
        answer: function that answers a request step by step; each step blocks.
        pool: pool in whose threads the steps are made.
        queries: runner of queries if each step takes a turn; None if steps take no turns.
    """

    async def handle(request: Request) -> Response:
        call = parse_body(await read_json(request, empty={}), kind())
        interrupt = Interrupt()
        try:
            steps = await pool.run(partial(answer, call, interrupt))
            # An error in the first step of a query still decides the HTTP status.
            first, made = (None, pool.iterate(steps)) if queries is None else await queries.begin(request, steps)
        except BaseException:
            interrupt.set()
            raise
        return StreamingResponse(_lines(first, made, interrupt, path), media_type="application/x-ndjson")

    return Route(path, handle, methods=["POST"])


async def _lines(
    first: Message | None, made: AsyncGenerator[Message, None], interrupt: Interrupt, path: str
) -> AsyncIterator[str]:
    try:
        async with contextlib.aclosing(made) as answers:
            if first is not None:
                note_answer(first)
                yield to_json(first, indent=None) + "\n"
            async for step in answers:
                note_answer(step)
                yield to_json(step, indent=None) + "\n"
    except (QueryTooExpensiveError, StorageError) as error:
        # The status has been sent already, so only an aborted response can tell the caller.
        _logger.warning("an answer of %s was interrupted: %s", path, error)
        raise
    finally:
        interrupt.set()  # the client may have gone
