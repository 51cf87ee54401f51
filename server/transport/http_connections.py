"""What an HTTP connection may do besides sending requests: how many there may be, how slow, how long, how old."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

__all__ = ["ConnectionLimits", "limited_protocol"]

_PATIENCE = 30.0  # seconds for all headers of a request, for the rest of a body, and for the next request
_MOST_HEADERS = 64 << 10  # bytes
_MAX_PIPELINED = 64  # requests that are sent before the first is answered
_AGE_JITTER = 0.1  # so that connections that were opened together are not closed together

_SLOW = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What the connections of one port may be.

    Attributes:
        connections: how many there may be; further ones are closed.
        age: seconds after which a connection is closed behind its next answer; None for never.
    """

    connections: int
    age: float | None = None


def limited_protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """Return a protocol for uvicorn that keeps to limits."""

    class Limited(_LimitedProtocol):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(limits, *arguments, **named)

    return Limited


class _LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        limits: ConnectionLimits,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._old_at = float("inf")
        self._last_activity = 0.0  # when the peer last made progress: a request's headers, or any part of a body
        self._head_bytes = 0  # of headers that are not complete
        self._in_head = True
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
            return
        now = self._last_activity = self.loop.time()
        if self._limits.age is not None:
            jitter = random.uniform(1 - _AGE_JITTER, 1 + _AGE_JITTER)  # noqa: S311 - not for secrets
            self._old_at = now + self._limits.age * jitter
        self._patience = self.loop.call_later(_PATIENCE, self._on_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)
        # After a reset too, where uvicorn lets the timer hold what belongs to the connection until it is due.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._last_activity = self.loop.time()
        self._read(data)
        if self._in_head and self._head_bytes > _MOST_HEADERS:
            self._end(_TOO_LARGE)
        elif len(self.pipeline) > _MAX_PIPELINED:
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes += 1  # also where this began in the middle of what came
        super().on_message_begin()

    def _read(self, data: bytes) -> None:
        """Let the parser read, as uvicorn does, but decline to upgrade (RFC 9110, section 7.8).

        The parser takes what follows the headers for another protocol's. Clients that offer HTTP/2 (h2c) send
        the body of an HTTP/1.1 request there, so a request is read again without its offer.
        """
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while True:
                try:
                    self.parser.feed_data(rest)
                except httptools.HttpParserUpgrade as offer:
                    if self.parser.get_method() == b"CONNECT":
                        self.send_400_response("There is no tunnel here.")
                        return
                    rest = rest[offer.args[0] :]
                    self._read_again()
                else:
                    return
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _read_again(self) -> None:
        """Give the head that was read to a new parser, without the offer to upgrade."""
        line = b" ".join((self.parser.get_method(), self.url, b"HTTP/" + self.parser.get_http_version().encode()))
        fields = (b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade")
        head = b"".join((line, b"\r\n", *fields, b"\r\n"))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does, for what is pipelined
        self.parser.feed_data(head)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = False
        self._head_bytes = 0
        self._last_activity = self.loop.time()
        super().on_headers_complete()
        if self._last_activity >= self._old_at:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._in_head = True

    def on_response_complete(self) -> None:
        self._last_activity = self.loop.time()
        super().on_response_complete()

    def _on_idle(self) -> None:
        """End a connection whose peer should say something and does not; look again later if it is not its turn."""
        idle = self.loop.time() - self._last_activity
        cycle = cast(Any, self.cycle)
        answering = cycle is not None and not cycle.response_complete
        if idle < _PATIENCE or answering:  # the application watches bodies of requests that it answers
            self._patience = self.loop.call_later(max(_PATIENCE - idle, 1.0), self._on_idle)
        elif self._head_bytes:
            self._end(_SLOW)
        else:
            self.transport.close()

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
