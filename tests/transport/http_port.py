"""An HTTP port over real sockets, whose answers end with ``hello``, and raw connections to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_http

ANY = Address("127.0.0.1", 0)
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


def statuses(answers: bytes) -> list[int]:
    """Return the statuses of answers, in their order."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]
