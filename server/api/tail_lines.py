"""Tails over HTTP: one JSON object per line, until the client disconnects."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator

from google.protobuf.json_format import MessageToJson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lognotary.v1 import correlation_pb2 as pb
from server.access_log.calls import note_answer
from server.api.callers import caller_of_request
from server.api.parameters import parse_parameters
from server.api.tails import Tails
from server.query.errors import QueryTooExpensiveError
from storage.errors import StorageError
from storage.interrupt import InterruptedQueryError

__all__ = ["tail_routes"]

_logger = logging.getLogger(__name__)

_Answers = AsyncGenerator[pb.TailResponse, None]


def tail_routes(tails: Tails) -> list[Route]:
    """Return the route of tails."""

    async def tail(request: Request) -> Response:
        call = parse_parameters(request.query_params.multi_items(), request.path_params, pb.TailRequest())
        answers = tails.follow(call, caller_of_request(request))
        try:
            first = await anext(answers)  # errors until here have a status
        except BaseException:
            await answers.aclose()
            raise
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # so that proxies do not buffer lines
        return StreamingResponse(_lines(first, answers), media_type="application/x-ndjson", headers=headers)

    return [Route("/api/v1/tail", tail)]


async def _lines(first: pb.TailResponse, answers: _Answers) -> AsyncIterator[str]:
    try:
        async with contextlib.aclosing(answers):
            yield _line(first)
            async for answer in answers:
                yield _line(answer)
    except (QueryTooExpensiveError, StorageError, InterruptedQueryError) as error:
        # The status has been sent already, so only an aborted response can tell the caller.
        _logger.warning("a tail was interrupted: %s", error)
        raise


def _line(answer: pb.TailResponse) -> str:
    note_answer(answer)
    return MessageToJson(answer, indent=None, always_print_fields_with_no_presence=True) + "\n"
