"""Running servers on addresses: the end of one that nobody stopped does not go unnoticed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import grpc.aio
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.errors.listening import ListenerEndedError
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_grpc, serve_http, serve_http_apart

ANY = Address("127.0.0.1", 0)
LIMITS = ConnectionLimits(10)
SERVED = 0.1  # seconds for which a server runs before it ends

Serve = Callable[[asyncio.Event], contextlib.AbstractAsyncContextManager[Address]]


async def test_a_grpc_server_that_ends_by_itself_sets_the_event_and_is_an_error() -> None:
    ended = asyncio.Event()
    server = grpc.aio.server()
    asyncio.get_running_loop().call_later(0.1, lambda: asyncio.ensure_future(server.stop(0)))
    with pytest.raises(ListenerEndedError, match=r"127\.0\.0\.1:\d+ stopped unexpectedly"):
        async with serve_grpc(server, ANY, ended):
            await asyncio.wait_for(ended.wait(), 30)


@pytest.mark.parametrize("serve", [serve_http, serve_http_apart])
async def test_an_http_server_that_ends_by_itself_sets_the_event_and_is_an_error(
    serve: Callable[..., contextlib.AbstractAsyncContextManager[Address]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def end(_: uvicorn.Server) -> None:
        await asyncio.sleep(SERVED)

    monkeypatch.setattr(uvicorn.Server, "main_loop", end)
    ended = asyncio.Event()
    with pytest.raises(ListenerEndedError, match="stopped unexpectedly"):
        async with serve(Starlette(), ANY, LIMITS, ended):
            await asyncio.wait_for(ended.wait(), 30)


@pytest.mark.parametrize(
    "serve",
    [
        lambda ended: serve_grpc(grpc.aio.server(), ANY, ended),
        lambda ended: serve_http(Starlette(), ANY, LIMITS, ended),
        lambda ended: serve_http_apart(Starlette(), ANY, LIMITS, ended),
    ],
    ids=["grpc", "http", "http apart"],
)
async def test_a_server_that_is_stopped_has_not_ended_by_itself(serve: Serve) -> None:
    ended = asyncio.Event()
    async with serve(ended) as address:
        _, writer = await asyncio.open_connection(address.host, address.port)
        writer.close()
    assert not ended.is_set()


async def test_what_goes_wrong_within_is_not_hidden_by_the_servers() -> None:
    with pytest.raises(ZeroDivisionError):
        async with serve_grpc(grpc.aio.server(), ANY, asyncio.Event()):
            raise ZeroDivisionError


@pytest.mark.parametrize("serve", [serve_http, serve_http_apart])
async def test_the_address_of_a_request_is_that_of_its_connection_whatever_its_headers_say(
    serve: Callable[..., contextlib.AbstractAsyncContextManager[Address]],
) -> None:
    async def address(request: Request) -> Response:
        return PlainTextResponse(f"{request.url.scheme} {request.client.host if request.client else ''}")

    async with serve(Starlette(routes=[Route("/", address)]), ANY, LIMITS, asyncio.Event()) as bound:
        headers = {"X-Forwarded-For": "10.0.0.7", "X-Forwarded-Proto": "https", "Forwarded": "for=10.0.0.7"}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://{bound}/", headers=headers)
    assert answer.text == "http 127.0.0.1"
