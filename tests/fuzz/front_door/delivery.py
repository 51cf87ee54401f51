"""Carries out scripts: writes what they say, as they say, and listens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from tests.fuzz.front_door.frames import Kind, read_frames
from tests.fuzz.front_door.grpc_answers import GrpcAnswers
from tests.fuzz.front_door.http_answers import HttpAnswers
from tests.fuzz.front_door.script import After, AnswerError, Door, Ending, Script

__all__ = ["Addresses", "Delivery", "connect", "deliver", "reset"]

Addresses = Mapping[Door, tuple[str, int]]

PATIENCE = 240.0
"""Seconds after which a connection that should have been answered, or closed by the server, counts as hanging."""

_MOMENT = 0.2  # seconds to listen for answers that may not come


class _Answers(Protocol):
    heard: bool

    @property
    def satisfied(self) -> bool: ...

    def feed(self, data: bytes) -> None: ...

    def room(self, stream: int) -> int: ...

    def spend(self, stream: int, size: int) -> None: ...

    def judge(self, outcomes: Counter[str]) -> None: ...


class Delivery(asyncio.Protocol):
    """The client's end of one connection."""

    def __init__(self, answers: _Answers) -> None:
        self._answers = answers
        self._news = asyncio.Event()
        self.ended = False
        self.wrong: AnswerError | None = None

    def data_received(self, data: bytes) -> None:
        if self.wrong is None:
            try:
                self._answers.feed(data)
            except AnswerError as error:
                self.wrong = error
        self._news.set()

    def eof_received(self) -> None:
        self.ended = True
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._news.set()

    async def heard(self) -> None:
        """Wait until something came."""
        while not (self.ended or self._answers.heard):
            await self._next()

    @property
    def _is_over(self) -> bool:
        return bool(self.ended or self.wrong or self._answers.satisfied)

    async def answered(self) -> None:
        """Wait until all was answered."""
        while not self._is_over:
            await self._next()

    async def end(self) -> None:
        """Wait until the server has closed the connection."""
        while not self.ended:
            await self._next()

    async def paced(self, data: bytes, transport: asyncio.Transport) -> None:
        """Write frames as there is room for them."""
        start = 0
        for read, end in read_frames(data):
            size = len(read.payload) if read.kind == Kind.DATA else 0
            while size and self._answers.room(read.stream) < size and not self._is_over:
                await self._next()
            if self._is_over or transport.is_closing():
                return
            self._answers.spend(read.stream, size)
            transport.write(data[start:end])
            start = end

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()


async def deliver(script: Script, addresses: Addresses, outcomes: Counter[str], patience: float = PATIENCE) -> int:
    """Carry out a script and judge the answers.

    Args:
        script: what to do.
        addresses: of the server.
        outcomes: where the answers are counted.
        patience: seconds within which the connection has to be answered, or closed by the server.

    Returns:
        How many cases were written while the connection was open.

    Raises:
        AnswerError: the server did what it must not do.
        OSError: it cannot be connected to.
    """
    answers = HttpAnswers(script) if script.door is Door.HTTP else GrpcAnswers(script)
    connection = Delivery(answers)
    transport = await connect(connection, script.number, addresses[script.door])
    cases = 0
    try:
        async with asyncio.timeout(patience):
            cases = await _write(script, transport, connection)
            await _end(script, transport, connection)
    except TimeoutError:
        raise AnswerError(f"no answer within {patience:.0f} s") from None
    finally:
        if script.ending is Ending.LEAVE:
            transport.close()
        else:
            reset(transport)
    if connection.wrong:
        raise connection.wrong
    answers.judge(outcomes)
    return cases


async def connect(protocol: asyncio.Protocol, number: int, address: tuple[str, int]) -> asyncio.Transport:
    """Connect from one of many addresses, as many clients would, who have ports enough between them."""
    opened = socket.socket()
    try:
        opened.setblocking(False)
        opened.bind((f"127.1.{number >> 8 & 0xFF}.{(number & 0xFF) or 1}", 0))
        loop = asyncio.get_running_loop()
        await loop.sock_connect(opened, address)
        transport, _ = await loop.create_connection(lambda: protocol, sock=opened)
    except BaseException:
        opened.close()
        raise
    return transport


async def _write(script: Script, transport: asyncio.Transport, connection: Delivery) -> int:
    cases = 0
    for step in script.steps:
        match step.after:
            case After.ANYTHING:
                await connection.heard()
            case After.ANSWERS:
                await connection.answered()
            case After.NOTHING:
                pass
        if connection.ended or transport.is_closing():
            break
        if step.paced:
            await connection.paced(step.data, transport)
        else:
            transport.write(step.data)
        cases += len(step.kinds)
        await asyncio.sleep(step.pause)
    return cases


async def _end(script: Script, transport: asyncio.Transport, connection: Delivery) -> None:
    if connection.ended or transport.is_closing():
        return
    match script.ending:
        case Ending.ANSWERED:
            await connection.answered()
        case Ending.LISTEN:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MOMENT):
                    await connection.answered()
        case Ending.HALF_CLOSE:
            with contextlib.suppress(OSError):  # it is closed already, and that was not yet told
                transport.write_eof()
            await connection.end()
        case Ending.LEAVE | Ending.RESET:
            pass


def reset(transport: asyncio.Transport) -> None:
    """Close a connection with RST, which leaves nothing behind in the kernel."""
    opened: socket.socket | None = transport.get_extra_info("socket")
    if opened is not None and opened.fileno() >= 0:
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
