"""A proxy in front of a ClickHouse server that makes trouble on demand."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import threading
from collections import Counter
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from tests.faults.http_messages import Message, read_message
from tests.faults.trouble import Trouble, Way

__all__ = ["Proxy"]

_LIMIT = 1 << 20  # bytes of a line or a head

_Result = TypeVar("_Result")


class Proxy:
    """Relay of HTTP requests, each over a connection of its own, on a port that stays the same.

    The proxy runs on an event loop in a thread of its own; any other thread may call its methods.
    """

    def __init__(self, target: str, seed: int = 0) -> None:
        """Prepare a proxy, which runs as a context manager.

        Args:
            target: URL of the ClickHouse server.
            seed: seed of the choice of requests that have trouble, if a share of them has it.
        """
        parts = urlsplit(target)
        self._target = parts.hostname or "", parts.port or 8123
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listening: asyncio.Server | None = None
        self._port = 0
        self._tokens = itertools.count()
        self._troubles: dict[int, Trouble] = {}
        self._over: dict[int, asyncio.Event] = {}
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.hits: Counter[Way] = Counter()
        """Number of times that each trouble has happened."""

    @property
    def url(self) -> str:
        """URL of the proxy, without a path."""
        return f"http://127.0.0.1:{self._port}"

    def begin(self, trouble: Trouble) -> int:
        """Make trouble from now on; return its number for ``end``."""
        return self._do(self._begin(trouble))

    def end(self, number: int) -> None:
        """End a trouble; connections that it holds are cut off."""
        self._do(self._end(number))

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _begin(self, trouble: Trouble) -> int:
        number = next(self._tokens)
        self._troubles[number] = trouble
        self._over[number] = asyncio.Event()
        if trouble.way is Way.REFUSE:
            self.hits[Way.REFUSE] += 1
            await self._stop_listening()
        return number

    async def _end(self, number: int) -> None:
        del self._troubles[number]
        self._over.pop(number).set()
        if self._listening is None and not any(trouble.way is Way.REFUSE for trouble in self._troubles.values()):
            await self._listen()

    async def _listen(self) -> None:
        self._listening = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=_LIMIT)
        self._port = self._listening.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for writer in self._connections.values():
            writer.transport.abort()

    async def _close(self) -> None:
        await self._stop_listening()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            # A side that disconnects, or does not send HTTP, loses the connection, as with other faults.
            with contextlib.suppress(OSError, ValueError, EOFError):
                while request := await read_message(reader):
                    if not await self._relay(request, writer):
                        break
        finally:
            del self._connections[task]
            writer.transport.abort()

    async def _relay(self, request: Message, writer: asyncio.StreamWriter) -> bool:
        """Handle a request; return whether the connection stays open."""
        number, trouble = self._choose(request)
        if trouble is None:
            await _send(writer, await self._ask(request))
            return True
        match trouble.way:
            case Way.CUT_BEFORE | Way.REFUSE:
                return False
            case Way.CUT_DURING:
                await self._send_half(request)
                return False
            case Way.CUT_ANSWER:
                await self._ask(request)
                return False
            case Way.CUT_IN_ANSWER:
                answer = await self._ask(request)
                await _send(writer, answer[: len(answer) // 2])
                return False
            case Way.DELAY_REQUEST:
                await asyncio.sleep(trouble.seconds)
                await _send(writer, await self._ask(request))
            case Way.DELAY_ANSWER:
                answer = await self._ask(request)
                await asyncio.sleep(trouble.seconds)
                await _send(writer, answer)
            case Way.HOLD:
                await self._over[number].wait()
                return False
            case Way.DUPLICATE:
                await self._ask(request)
                await _send(writer, await self._ask(request))
            case Way.ANSWER:
                assert trouble.answer is not None
                if trouble.answer.applied:
                    await self._ask(request)
                await _send(writer, trouble.answer.raw)
                return trouble.answer.whole
        return True

    def _choose(self, request: Message) -> tuple[int, Trouble | None]:
        statement = request.statement
        for number, trouble in self._troubles.items():
            if trouble.where in statement and self._random.random() < trouble.share:
                self.hits[trouble.way] += 1
                return number, trouble
        return -1, None

    async def _ask(self, request: Message) -> bytes:
        """Relay a request, and return the answer."""
        reader, writer = await asyncio.open_connection(*self._target, limit=_LIMIT)
        try:
            await _send(writer, request.raw)
            answer = await read_message(reader, bodiless=request.head.startswith(b"HEAD "))
            if answer is None:
                raise ConnectionResetError("ClickHouse went away")
            return answer.raw
        finally:
            writer.transport.abort()

    async def _send_half(self, request: Message) -> None:
        reader, writer = await asyncio.open_connection(*self._target, limit=_LIMIT)
        try:
            await _send(writer, request.head + request.body[: len(request.body) // 2])
            writer.write_eof()
            with contextlib.suppress(OSError, ValueError, EOFError, TimeoutError):
                # Until ClickHouse has handled the request.
                await asyncio.wait_for(read_message(reader), 5.0)
        finally:
            writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, raw: bytes) -> None:
    writer.write(raw)
    await writer.drain()
