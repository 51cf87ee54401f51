"""HTTP requests with a trailer, a body that nobody reads or an offer to upgrade are answered as any other."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_http
from tests.transport.http_port import ANY, GET, answer, connected, serving


async def test_a_trailer_is_no_header() -> None:
    async def names(request: Request) -> PlainTextResponse:
        await request.body()
        return PlainTextResponse(",".join(request.headers) + "|hello")

    app = Starlette(routes=[Route("/", names, methods=["POST"])])
    async with (
        serve_http(app, ANY, ConnectionLimits(10), asyncio.Event()) as address,
        connected(address) as (reader, writer),
    ):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n"
        for pieces in ((head + b"0\r\nAuthorization: root\r\n\r\n",), (head, b"0\r\n", b"Authorization: root\r\n\r\n")):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            assert (await answer(reader)).endswith(b"host,transfer-encoding,trailer|hello")


async def test_a_body_that_is_not_read_is_thrown_away_and_the_connection_goes_on() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        body = bytes(4 << 20)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        await answer(reader)
        writer.write(GET)
        assert b"200" in await answer(reader)


async def test_a_body_that_is_not_wanted_is_not_asked_for() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n")
        assert (await answer(reader)).startswith(b"HTTP/1.1 200")


OFFER = b"Host: x\r\nConnection: keep-alive, Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: %s\r\n"


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"\xff"])
@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 4\r\n\r\nbody", b"Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"],
    ids=["whole", "chunked"],
)
@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_an_offer_to_upgrade_is_declined_and_the_body_is_the_request_s(
    protocol: bytes, body: bytes, piece: int
) -> None:
    async with serving() as address, connected(address) as (reader, writer):
        said = (b"POST /echo HTTP/1.1\r\n" + OFFER % protocol + body) * 2 + GET
        for at in range(0, len(said), piece):
            writer.write(said[at : at + piece])
            await writer.drain()
            await asyncio.sleep(0)
        for wanted in (b"body|hello", b"body|hello", b"\r\n\r\nhello"):
            told = await answer(reader)
            assert told.startswith(b"HTTP/1.1 200")
            assert told.endswith(wanted)


async def test_a_connection_goes_on_after_an_offer_to_upgrade_without_a_body() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\n" + OFFER % b"h2c" + b"\r\n")
            assert b"200" in await answer(reader)
