"""Connections of the HTTP ports: how many, how slow and how old they may be, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import socket
import struct

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from harness.waiting import until
from server.errors.listening import AddressUnavailableError
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_http_apart
from tests.transport.http_port import ANY, GET, answer, connected, hello, rest, serving, statuses

OLD = 0.05  # seconds after which a connection is old
BETWEEN_LINES = 0.02  # seconds between the lines of a slow sender


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


async def test_requests_that_are_sent_ahead_without_end_are_cut_off() -> None:
    async with serving() as address, connected(address) as (reader, writer):
        writer.write(GET * 10_000)
        assert (await rest(reader)).count(b"hello") < 10_000


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
