"""Connections of the HTTP ports: how many, how slow and how old they may be, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import re
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from harness.waiting import until
from server.errors.listening import AddressUnavailableError
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_http, serve_http_apart

ANY = Address("127.0.0.1", 0)
OLD = 0.05  # seconds after which a connection is old
IDLE = 0.1  # seconds for which a connection may be idle
BETWEEN_LINES = 0.02  # seconds between the lines of a slow sender
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def hello(_: Request) -> PlainTextResponse:
    """Answer without reading the body."""
    return PlainTextResponse("hello")


async def echo(request: Request) -> PlainTextResponse:
    """Answer with the body, behind it the answer of ``hello``."""
    return PlainTextResponse(await request.body() + b"|hello")


@contextlib.asynccontextmanager
async def serving(
    connections: int = 100, age: float | None = None, idle: float = 30.0, late: Late | None = None
) -> AsyncIterator[Address]:
    late = late or Late()
    routes = [
        Route("/", hello, methods=["GET", "POST"]),
        Route("/echo", echo, methods=["POST"]),
        Route("/late", late.answer),
        Route("/halves", late.answer_in_halves),
    ]
    limits = ConnectionLimits(connections, age, idle)
    async with serve_http(Starlette(routes=routes), ANY, limits, asyncio.Event()) as address:
        yield address


class Late:
    """Answers that are not complete before a test wants them."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.wanted = asyncio.Event()

    async def answer(self, _: Request) -> PlainTextResponse:
        self.asked.set()
        await self.wanted.wait()
        return PlainTextResponse("late hello")

    async def answer_in_halves(self, _: Request) -> StreamingResponse:
        return StreamingResponse(self._halves(), headers={"content-length": "10"})

    async def _halves(self) -> AsyncIterator[bytes]:
        yield b"late "
        self.asked.set()
        await self.wanted.wait()
        yield b"hello"


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
    async with serving(age=OLD) as address, connected(address) as (reader, writer):
        await asyncio.sleep(2 * OLD)
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
        (b"", []),
        (b"POST / HTTP/1.1\r\nHost", [503]),
        (GET, [200]),
        (GET + b"POST /", [200, 503]),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody" + b"POST", [200, 503]),
    ],
    ids=["nothing", "half of the headers", "nothing more", "half of the second headers", "half behind a body"],
)
async def test_a_peer_that_does_not_go_on_is_not_waited_for(said: bytes, told: list[int]) -> None:
    async with serving(idle=0.2) as address, connected(address) as (reader, writer):
        writer.write(said)
        answers = await rest(reader)
        assert statuses(answers) == told
        assert (b"retry-after: 5" in answers) == (503 in told)


async def test_a_peer_that_sends_headers_bit_by_bit_is_not_waited_for() -> None:
    # One that resets would lose the answer, so it is read beside what is sent.
    async with serving(idle=0.3) as address, connected(address) as (reader, writer):
        reading = asyncio.create_task(rest(reader))
        writer.write(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):  # closed while there was more to read
            async with asyncio.timeout(30):
                while not reading.done():
                    writer.write(b"a: b\r\n")
                    await writer.drain()
                    await asyncio.sleep(BETWEEN_LINES)
        answers = await reading
        assert statuses(answers) in ([503], [])  # the reset may overtake it
        assert b"200" not in answers


TOO_LARGE = b"GET / HTTP/1.1\r\n" + b"".join(b"a: " + b"x" * 8000 + b"\r\n" for _ in range(9))
HALF_BODY = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"


@pytest.mark.parametrize("path", [b"/late", b"/halves"])
@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (TOO_LARGE, [200, 431]),
        (b"no HTTP\r\n\r\n", [200, 400]),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", [200, 400]),
        (HALF_BODY + b"no size\r\n", [200, 400]),
        (b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n" + GET, [200, 400]),
        (GET.replace(b"Host", b"Host: y\r\nHost") + GET, [200, 400]),
        (GET + GET + b"no HTTP\r\n\r\n", [200, 200, 200, 400]),
        (GET + HALF_BODY + b"no size\r\n", [200, 200, 400]),
    ],
    ids=[
        "headers too large",
        "no HTTP",
        "a tunnel",
        "a broken body",
        "no path",
        "two hosts",
        "behind two others",
        "a broken body behind one",
    ],
)
async def test_a_request_that_is_refused_is_answered_behind_those_before_it(
    path: bytes, behind: bytes, told: list[int]
) -> None:
    late = Late()
    async with serving(late=late) as address, connected(address) as (reader, writer):
        writer.write(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
        await late.asked.wait()
        writer.write(behind)
        await writer.drain()
        await others_are_answered(address)
        late.wanted.set()
        answers = await rest(reader)
    assert statuses(answers) == told
    assert answers.partition(b"\r\n\r\n")[2].startswith(b"late hello")


async def test_a_head_that_is_not_complete_is_not_refused_while_another_answer_is_due() -> None:
    late = Late()
    async with serving(late=late, idle=IDLE) as address, connected(address) as (reader, writer):
        writer.write(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\nPOST /")
        await late.asked.wait()
        await asyncio.sleep(3 * IDLE)  # longer than the server waits
        late.wanted.set()
        assert statuses(await rest(reader)) == [200, 503]


async def test_a_broken_body_is_refused_and_the_application_does_not_take_what_came_of_it() -> None:
    taken: list[bytes] = []

    async def take(request: Request) -> PlainTextResponse:
        taken.append(await request.body())
        return PlainTextResponse("taken")

    app = Starlette(routes=[Route("/echo", take, methods=["POST"])])
    async with (
        serve_http(app, ANY, ConnectionLimits(10), asyncio.Event()) as address,
        connected(address) as (reader, writer),
    ):
        writer.write(HALF_BODY)
        await writer.drain()
        writer.write(b"no size\r\n" + GET)
        assert statuses(await rest(reader)) == [400]
    assert taken == []


async def test_a_body_that_breaks_behind_its_answer_ends_the_connection_without_another_answer() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(HALF_BODY.replace(b"/echo", b"/"))
        told = await answer(reader)
        writer.write(b"no size\r\n" + GET)
        assert statuses(told + await rest(reader)) == [200]


def statuses(answers: bytes) -> list[int]:
    """Return the statuses of answers, in their order."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


async def others_are_answered(address: Address) -> None:
    """Let a server deal with what it has got: others ask, on connections of their own, and have their answers."""
    for _ in range(3):
        async with connected(address) as (reader, writer):
            writer.write(GET)
            await answer(reader)


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
        await until(lambda: not connections() - before)


async def test_headers_without_end_are_refused() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"a: " + b"x" * 8000 + b"\r\n")
                await writer.drain()
        told = await rest(reader)
    assert statuses(told) in ([431], [])  # the reset may overtake it


async def test_headers_that_are_too_large_are_refused_also_if_they_come_at_once() -> None:
    limits = ConnectionLimits(10, head_bytes=1000)
    app = Starlette(routes=[Route("/", hello)])
    for head, told in ((b"a: " + b"x" * 900, [200]), (b"a: " + b"x" * 1000, [431]), (b"a: b\r\n" * 200, [431])):
        async with serve_http(app, ANY, limits, asyncio.Event()) as address, connected(address) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head.strip() + b"\r\n\r\n")
            assert statuses(await rest(reader)) == told


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
        with pytest.raises(AddressUnavailableError, match=f"cannot listen on {address} .*in use"):
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
