"""Thousands of connections at once that ask for nothing, or never finish asking."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator, Sequence

from tests.fuzz.front_door.delivery import Addresses, connect, reset
from tests.fuzz.front_door.frames import END_HEADERS, PREFACE, Kind, block, frame, settings
from tests.fuzz.front_door.grpc_wire import call_headers
from tests.fuzz.front_door.script import Door

__all__ = ["crowd"]

_SILENCE = 10.0  # seconds
_HANDSHAKE = PREFACE + settings()
_CALL = _HANDSHAKE + frame(Kind.HEADERS, END_HEADERS, 1, block(call_headers()))
_POST = b"POST /v1/logs HTTP/1.1\r\nHost: crowd\r\nContent-Type: application/x-protobuf\r\n"

# What each says at first, and then every ten seconds.
_GUESTS: dict[Door, Sequence[tuple[bytes, bytes]]] = {
    Door.HTTP: (
        (b"", b""),
        (b"POST /v1/lo", b""),
        (_POST, b"X: y\r\n"),
        (_POST + b"Content-Length: 60000000\r\n\r\n", b"x"),
        (_POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (_POST + b"Transfer-Encoding: chunked\r\n\r\n1", b"0"),
        (_POST + b"Content-Length: 0\r\n\r\n", b""),
    ),
    Door.GRPC: (
        (b"", b""),
        (PREFACE[:11], b""),
        (_HANDSHAKE, b""),
        (_HANDSHAKE, frame(Kind.PING, 0, 0, bytes(8))),
        (_CALL, b""),
        (_CALL + frame(Kind.DATA, 0, 1, struct.pack(">BI", 0, 60_000_000)), frame(Kind.DATA, 0, 1, b"x")),
        (_HANDSHAKE + frame(Kind.HEADERS, 0, 1, block(call_headers())), frame(Kind.CONTINUATION, 0, 1, b"")),
    ),
}


class _Guest(asyncio.Protocol):
    def __init__(self, later: bytes) -> None:
        self.later = later
        self.gone = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True


@contextlib.asynccontextmanager
async def crowd(addresses: Addresses, size: int) -> AsyncIterator[list[int]]:
    """Keep so many connections on each port for as long as the block runs; those that are closed stay so.

    Yields a list that has, after the block, how many the server had closed by itself.
    """
    guests: list[tuple[asyncio.Transport, _Guest]] = []
    closed: list[int] = []
    for door in Door:
        for number, (first, later) in zip(range(size), itertools.cycle(_GUESTS[door])):
            guest = _Guest(later)
            with contextlib.suppress(ConnectionError):
                transport = await connect(guest, number, addresses[door])
                transport.write(first)
                guests.append((transport, guest))
    chatter = asyncio.create_task(_chat(guests))
    try:
        yield closed
    finally:
        chatter.cancel()
        closed.append(sum(guest.gone for _, guest in guests))
        for transport, _ in guests:
            reset(transport)


async def _chat(guests: Sequence[tuple[asyncio.Transport, _Guest]]) -> None:
    while True:
        await asyncio.sleep(_SILENCE)
        for number, (transport, guest) in enumerate(guests):
            if guest.later and not transport.is_closing():
                transport.write(guest.later)
            if number % 100 == 0:
                await asyncio.sleep(0)
