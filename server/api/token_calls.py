"""The calls of ``TokenService`` over gRPC and HTTP.

GET  /api/v1/tokens                             ListTokens; query parameters are the request's fields
POST /api/v1/tokens                             CreateToken; the request as JSON
POST /api/v1/tokens/{name}/rotate               RotateToken; the rest of the request as JSON, if there is any
POST /api/v1/tokens/{name_or_id}/revoke         RevokeToken; the rest of the request as JSON, if there is any

No cache may keep an answer: some have a token.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import grpc.aio
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lognotary.v1 import tokens_pb2 as messages
from lognotary.v1 import tokens_pb2_grpc
from server.api.errors import InvalidArgumentError
from server.api.grpc_services import Context, answer_call
from server.api.local_callers import address_of_call, address_of_reader, parse_local
from server.api.parameters import parse_parameters
from server.api.responses import json_response
from server.api.tokens import TokenAdministration
from server.process.pools import Pool

__all__ = ["add_tokens", "token_routes"]

_Change = TypeVar("_Change", messages.CreateTokenRequest, messages.RotateTokenRequest, messages.RevokeTokenRequest)


class _Service(tokens_pb2_grpc.TokenServiceServicer):
    def __init__(self, tokens: TokenAdministration, pool: Pool) -> None:
        self._tokens = tokens
        self._pool = pool

    async def ListTokens(  # noqa: N802 - the name is the API's
        self, request: messages.ListTokensRequest, context: Context
    ) -> messages.ListTokensResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._tokens.list_tokens(request, caller))

    async def CreateToken(  # noqa: N802 - the name is the API's
        self, request: messages.CreateTokenRequest, context: Context
    ) -> messages.CreateTokenResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._tokens.create(request, caller))

    async def RotateToken(  # noqa: N802 - the name is the API's
        self, request: messages.RotateTokenRequest, context: Context
    ) -> messages.RotateTokenResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._tokens.rotate(request, caller))

    async def RevokeToken(  # noqa: N802 - the name is the API's
        self, request: messages.RevokeTokenRequest, context: Context
    ) -> messages.RevokeTokenResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._tokens.revoke(request, caller))


def add_tokens(server: grpc.aio.Server, tokens: TokenAdministration, pool: Pool) -> None:
    """Add the service to a server, whose blocking calls run in the threads of a pool."""
    tokens_pb2_grpc.add_TokenServiceServicer_to_server(_Service(tokens, pool), server)


def token_routes(tokens: TokenAdministration, pool: Pool) -> list[Route]:
    """Return the routes, whose blocking calls run in the threads of a pool."""

    async def list_tokens(request: Request) -> Response:
        call = parse_parameters(request.query_params.multi_items(), {}, messages.ListTokensRequest())
        return _uncached(await pool.run(partial(tokens.list_tokens, call, address_of_reader(request))))

    async def create(request: Request) -> Response:
        call, caller = await parse_local(request, messages.CreateTokenRequest())
        return _uncached(await pool.run(partial(tokens.create, call, caller)))

    async def rotate(request: Request) -> Response:
        return await _change(request, messages.RotateTokenRequest(), "name", tokens.rotate, pool)

    async def revoke(request: Request) -> Response:
        return await _change(request, messages.RevokeTokenRequest(), "name_or_id", tokens.revoke, pool)

    return [
        Route("/api/v1/tokens", list_tokens),
        Route("/api/v1/tokens", create, methods=["POST"]),
        Route("/api/v1/tokens/{name}/rotate", rotate, methods=["POST"]),
        Route("/api/v1/tokens/{name_or_id}/revoke", revoke, methods=["POST"]),
    ]


async def _change(
    request: Request, call: _Change, field: str, answer: Callable[[_Change, str], Message], pool: Pool
) -> Response:
    in_path = request.path_params[field]
    setattr(call, field, in_path)
    call, caller = await parse_local(request, call, empty={})
    if getattr(call, field) != in_path:
        raise InvalidArgumentError(f"{field}: the body names another token than the path, {in_path}")
    return _uncached(await pool.run(partial(answer, call, caller)))


def _uncached(message: Message) -> Response:
    response = json_response(message)
    response.headers["Cache-Control"] = "no-store"
    return response
