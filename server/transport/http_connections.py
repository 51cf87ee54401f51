"""Limits on HTTP connections: how many there may be, how long they may be idle, how large heads are, how old they are.

A connection's answers come in the order of its requests, also where a client sends requests ahead (pipelining). So a
request that is refused here is answered when those before it are, and then the connection is closed.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

__all__ = ["ConnectionLimits", "limited_protocol"]

_AGE_JITTER = 0.1  # so that connections that were opened together are not closed together

_SLOW = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_NOTHING = b""  # where the request has its answer already


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What the connections of one port may be.

    Attributes:
        connections: how many there may be; further ones are closed.
        age: seconds after which a connection is closed behind its next answer; None for never.
        idle: idle timeout in seconds: for all headers of a request, for the rest of a body, and for the next request.
        head_bytes: bytes of a request's headers.
        pipelined: requests that may be sent before the first is answered.
    """

    connections: int
    age: float | None = None
    idle: float = 30.0
    head_bytes: int = 64 << 10
    pipelined: int = 64


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
        self._idle_timer: asyncio.TimerHandle | None = None
        self._answering: Any = None  # the request that is answered now, or was last
        self._refusal: bytes | None = None  # the last answer of the connection: nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
            return
        now = self._last_activity = self.loop.time()
        if self._limits.age is not None:
            jitter = random.uniform(1 - _AGE_JITTER, 1 + _AGE_JITTER)  # noqa: S311 - not for secrets
            self._old_at = now + self._limits.age * jitter
        self._idle_timer = self.loop.call_later(self._limits.idle, self._on_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)
        # After a reset too, where uvicorn lets the timer hold what belongs to the connection until it is due.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._last_activity = self.loop.time()
        self._read(data)
        if self._in_head and self._head_bytes > self._limits.head_bytes:
            self._refuse(_TOO_LARGE)
        elif len(self.pipeline) > self._limits.pipelined:
            self.transport.abort()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        self._refuse(_malformed(msg))

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
        if self._refusal is not None and not self._has_answers_due():
            self._end(self._refusal)

    def _on_idle(self) -> None:
        """End a connection whose peer should say something and does not; look again later if it is not its turn."""
        idle = self.loop.time() - self._last_activity
        # The application watches bodies of requests that it answers.
        if idle < self._limits.idle or self._has_answers_due():
            left = self._limits.idle - idle
            self._idle_timer = self.loop.call_later(left if left > 0 else self._limits.idle, self._on_idle)
        elif self._head_bytes:
            self._end(_SLOW)
        else:
            self.transport.close()

    def _has_answers_due(self) -> bool:
        return bool(self.pipeline) or (self._answering is not None and not self._answering.response_complete)

    def _refuse(self, answer: bytes) -> None:
        """Read nothing more; give an answer to what came last once all answers before it are given, and close."""
        if self._refusal is not None:
            return
        self._refusal = answer
        cycle: Any = self.cycle
        if not self._in_head and cycle is not None:
            # It is the body of a request that cannot be read: the application must not take what came of it for all.
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
            elif cycle.response_started:
                self._refusal = _NOTHING
            else:
                cycle.response_complete = cycle.disconnected = True
                cycle.message_event.set()
        if not self._has_answers_due():
            self._end(self._refusal)

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


def _malformed(reason: str) -> bytes:
    return (
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(reason)}\r\nconnection: close\r\n\r\n{reason}"
    ).encode("ascii")
