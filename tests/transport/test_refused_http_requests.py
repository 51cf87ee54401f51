"""HTTP requests that are refused: the answer comes in its turn, and nothing of the request reaches the application."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_http
from tests.transport.http_port import ANY, GET, Late, answer, connected, hello, rest, serving, statuses

IDLE = 0.1  # seconds for which a connection may be idle
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


async def others_are_answered(address: Address) -> None:
    """Let a server deal with what it has got: others ask, on connections of their own, and have their answers."""
    for _ in range(3):
        async with connected(address) as (reader, writer):
            writer.write(GET)
            await answer(reader)


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


async def test_a_tunnel_is_refused() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n" + GET)
        told = await rest(reader)
    assert told.startswith(b"HTTP/1.1 400")
    assert b"200" not in told
