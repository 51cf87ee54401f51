"""Connections of the HTTP ports: how many, how slow and how old they may be, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.errors.listening import AddressUnavailableError
from server.settings.values import Address
from server.transport import http_connections
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_http, serve_http_apart

ANY = Address("127.0.0.1", 0)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def hello(_: Request) -> PlainTextResponse:
    """Answer without reading the body."""
    return PlainTextResponse("hello")


async def echo(request: Request) -> PlainTextResponse:
    """Answer with the body, behind it the answer of ``hello``."""
    return PlainTextResponse(await request.body() + b"|hello")


@contextlib.asynccontextmanager
async def serving(connections: int = 100, age: float | None = None) -> AsyncIterator[Address]:
    app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"]), Route("/echo", echo, methods=["POST"])])
    async with serve_http(app, ANY, ConnectionLimits(connections, age), asyncio.Event()) as address:
        yield address


@contextlib.asynccontextmanager
async def connected(address: Address) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer of ``hello``."""
    return await asyncio.wait_for(reader.readuntil(b"hello"), 30)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Read until the server closes; what is lost by a reset is nothing."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 30)
    return b""


async def test_connections_beyond_the_limit_are_closed_and_the_others_go_on() -> None:
    async with serving(connections=2) as address, contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(connected(address))
        async with connected(address) as second:
            second[1].write(GET)
            await answer(second[0])
            third = await stack.enter_async_context(connected(address))
            assert await rest(third[0]) == b""
        first[1].write(GET)
        assert b"200" in await answer(first[0])

        fourth = await stack.enter_async_context(connected(address))
        fourth[1].write(GET)
        assert b"200" in await answer(fourth[0])


async def test_a_connection_that_is_old_is_closed_behind_its_next_answer() -> None:
    async with serving(age=0.05) as address, connected(address) as (reader, writer):
        await asyncio.sleep(0.1)
        writer.write(GET)
        assert b"connection: close" in await answer(reader)
        assert await rest(reader) == b""


async def test_a_connection_that_is_not_old_stays_open() -> None:
    async with serving(age=3600) as address, connected(address) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            assert b"connection: close" not in await answer(reader)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", b""),
        (b"POST / HTTP/1.1\r\nHost", b"503 Service Unavailable\r\nretry-after: 5"),
        (GET + b"POST /", b"503 Service Unavailable\r\nretry-after: 5"),
    ],
    ids=["nothing", "half of the headers", "half of the second headers"],
)
async def test_a_peer_that_does_not_go_on_is_not_waited_for(
    said: bytes, told: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connections, "_PATIENCE", 0.2)
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(said)
        assert told in await rest(reader)


async def test_a_peer_that_sends_headers_bit_by_bit_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "_PATIENCE", 0.3)
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):  # closed while there was more to read
            async with asyncio.timeout(30):
                while not reader.at_eof():
                    writer.write(b"a: b\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.02)


async def test_nothing_of_a_connection_stays_after_the_peer_has_reset_it() -> None:
    def connections() -> set[HttpToolsProtocol]:
        gc.collect()
        return {one for one in gc.get_objects() if isinstance(one, HttpToolsProtocol)}

    before = connections()  # of other tests
    async with serving() as address:
        async with connected(address) as (reader, writer):
            writer.write(GET)
            await answer(reader)
            assert len(connections() - before) == 1
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        async with asyncio.timeout(30):
            while connections() - before:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)


async def test_headers_without_end_are_refused() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"a: " + b"x" * 8000 + b"\r\n")
                await writer.drain()
        told = await rest(reader)
    assert told == b"" or told.startswith(b"HTTP/1.1 431")


async def test_requests_that_are_sent_ahead_without_end_are_cut_off() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(GET * 10_000)
        assert (await rest(reader)).count(b"hello") < 10_000


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


async def test_a_tunnel_is_refused() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n" + GET)
        told = await rest(reader)
    assert told.startswith(b"HTTP/1.1 400")
    assert b"200" not in told


async def test_an_application_in_a_thread_of_its_own_answers_while_this_event_loop_does_not() -> None:
    app = Starlette(routes=[Route("/", hello)])
    async with serve_http_apart(app, ANY, ConnectionLimits(10), asyncio.Event()) as address:
        # Called here, so that nothing else of this event loop can run until it has its answer.
        assert b"hello" in _ask_blocking(address)
        with pytest.raises(AddressUnavailableError, match=f"{address} cannot be listened on .*in use"):
            async with serve_http_apart(app, address, ConnectionLimits(10), asyncio.Event()):
                pass


def _ask_blocking(address: Address) -> bytes:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
    connection.request("GET", "/")
    try:
        return connection.getresponse().read()
    finally:
        connection.close()


async def test_idle_connections_are_many_and_harmless() -> None:
    async with serving(connections=500) as address, contextlib.AsyncExitStack() as stack:
        for _ in range(300):
            await stack.enter_async_context(connected(address))
        reader, writer = await stack.enter_async_context(connected(address))
        writer.write(GET)
        assert b"200" in await answer(reader)
