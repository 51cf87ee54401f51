"""The calls of ``AdministrationService`` over gRPC and HTTP.

POST /api/v1/holds                              AddHold; the request as JSON
GET  /api/v1/holds                              ListHolds; query parameters are the request's fields
POST /api/v1/holds/{name}/release               ReleaseHold; the rest of the request as JSON
GET  /api/v1/retention                          GetRetention
POST /api/v1/tenants/{tenant}/drop              DropTenant; the rest of the request as JSON
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

from lognotary.v1 import administration_pb2 as messages
from lognotary.v1 import administration_pb2_grpc
from server.api.administration import Administration
from server.api.errors import InvalidArgumentError
from server.api.grpc_services import Context, answer_call
from server.api.local_callers import address_of_call, parse_local
from server.api.parameters import parse_parameters
from server.api.responses import json_response
from server.api.tenant_drops import TenantDrops
from server.process.pools import Pool

__all__ = ["add_administration", "administration_routes", "drop_routes"]

_Change = TypeVar("_Change", messages.AddHoldRequest, messages.ReleaseHoldRequest)


class _Service(administration_pb2_grpc.AdministrationServiceServicer):
    def __init__(self, administration: Administration, drops: TenantDrops, pool: Pool) -> None:
        self._administration = administration
        self._drops = drops
        self._pool = pool

    async def AddHold(  # noqa: N802 - the name is the API's
        self, request: messages.AddHoldRequest, context: Context
    ) -> messages.AddHoldResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._administration.add_hold(request, caller))

    async def ListHolds(  # noqa: N802 - the name is the API's
        self, request: messages.ListHoldsRequest, context: Context
    ) -> messages.ListHoldsResponse:
        return await answer_call(context, self._pool.run, lambda: self._administration.list_holds(request))

    async def ReleaseHold(  # noqa: N802 - the name is the API's
        self, request: messages.ReleaseHoldRequest, context: Context
    ) -> messages.ReleaseHoldResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._administration.release_hold(request, caller))

    async def GetRetention(  # noqa: N802 - the name is the API's
        self, request: messages.GetRetentionRequest, context: Context
    ) -> messages.GetRetentionResponse:
        return await answer_call(context, self._pool.run, lambda: self._administration.get_retention(request))

    async def DropTenant(  # noqa: N802 - the name is the API's
        self, request: messages.DropTenantRequest, context: Context
    ) -> messages.DropTenantResponse:
        caller = address_of_call(context.peer())
        return await answer_call(context, self._pool.run, lambda: self._drops.drop(request, caller))


def add_administration(server: grpc.aio.Server, administration: Administration, drops: TenantDrops, pool: Pool) -> None:
    """Add the service to a server, whose blocking calls run in the threads of a pool."""
    service = _Service(administration, drops, pool)
    administration_pb2_grpc.add_AdministrationServiceServicer_to_server(service, server)


def drop_routes(drops: TenantDrops, pool: Pool) -> list[Route]:
    """Return the routes of dropping tenants, as ``administration_routes``."""

    async def drop_tenant(request: Request) -> Response:
        in_path = request.path_params["tenant"]
        call, caller = await parse_local(request, messages.DropTenantRequest(tenant=in_path))
        if call.tenant != in_path:
            raise InvalidArgumentError(f"tenant: the body names another tenant than the path, {in_path}")
        return json_response(await pool.run(partial(drops.drop, call, caller)))

    return [Route("/api/v1/tenants/{tenant}/drop", drop_tenant, methods=["POST"])]


def administration_routes(administration: Administration, pool: Pool) -> list[Route]:
    """Return the routes, whose blocking calls run in the threads of a pool."""

    async def add_hold(request: Request) -> Response:
        return await _change(request, messages.AddHoldRequest(), administration.add_hold, pool)

    async def release_hold(request: Request) -> Response:
        call = messages.ReleaseHoldRequest(name=request.path_params["name"])
        return await _change(request, call, administration.release_hold, pool)

    async def list_holds(request: Request) -> Response:
        call = parse_parameters(request.query_params.multi_items(), {}, messages.ListHoldsRequest())
        return json_response(await pool.run(partial(administration.list_holds, call)))

    async def get_retention(request: Request) -> Response:
        call = parse_parameters(request.query_params.multi_items(), {}, messages.GetRetentionRequest())
        return json_response(await pool.run(partial(administration.get_retention, call)))

    return [
        Route("/api/v1/holds", list_holds),
        Route("/api/v1/holds", add_hold, methods=["POST"]),
        Route("/api/v1/holds/{name}/release", release_hold, methods=["POST"]),
        Route("/api/v1/retention", get_retention),
    ]


async def _change(request: Request, call: _Change, answer: Callable[[_Change, str], Message], pool: Pool) -> Response:
    in_path = call.name
    call, caller = await parse_local(request, call)
    if in_path and call.name != in_path:
        raise InvalidArgumentError(f"name: the body names another hold than the path, {in_path}")
    return json_response(await pool.run(partial(answer, call, caller)))
