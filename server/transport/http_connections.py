"""Limits on HTTP connections: their number, idle timeout, size of headers, and maximum age.

Responses on a connection come in the order of its requests, also if a client sends requests ahead (pipelining). So a
request that is refused here is answered after the requests before it, and then the connection is closed.
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

from server.access.certificates import CERTIFICATE_KEY, identities_of_peer
from server.errors.base import LognotaryError
from server.transport.http_framing import why_ambiguous

__all__ = ["ConnectionLimits", "limited_protocol"]

_AGE_JITTER = 0.1  # so that connections that were opened together are not closed together

_SLOW = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_NOTHING = b""  # the request has been answered already
_FIELD_BYTES = 4  # bytes of a header beside its name and its value


class _RefusedError(LognotaryError):
    """The request is refused, so the parser must stop; never leaves this module."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits on the connections of one port.

    Attributes:
        connections: maximum number of connections; further connections are closed.
        age: maximum age in seconds: an older connection is closed after its next response; None for no limit.
        idle: idle timeout in seconds: for all headers of a request, for the next part of a body, and for the next
            request.
        head_bytes: maximum bytes of a request's headers.
        pipelined: maximum number of requests that may be sent before the first is answered.
    """

    connections: int
    age: float | None = None
    idle: float = 30.0
    head_bytes: int = 64 << 10
    pipelined: int = 64


def limited_protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """Return a protocol for uvicorn that enforces limits."""

    class Limited(_LimitedProtocol):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(limits, *arguments, **named)

    return Limited


class _LimitedProtocol(HttpToolsProtocol):
    """One HTTP connection."""

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
        self._head_bytes = 0  # bytes of headers that are not complete yet
        self._in_head = True
        self._idle_timer: asyncio.TimerHandle | None = None
        self._answering: Any = None  # the request that is being answered, or the last one that was
        self._refusal: bytes | None = None  # the connection's last response; once it is set, nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if identities := identities_of_peer(transport.get_extra_info("peercert")):
            self.app_state = {**self.app_state, CERTIFICATE_KEY: identities}  # of this connection alone
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
        # Also after a reset: otherwise uvicorn's timer would keep the connection's objects alive until it is due.
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
        self._head_bytes += 1  # also if the headers began in the middle of the data
        super().on_message_begin()

    def _read(self, data: bytes) -> None:
        """Feed data to the parser, as uvicorn does, but decline upgrades (RFC 9110, section 7.8).

        The parser takes the data after the headers of an upgrade request for another protocol. But clients that
        offer HTTP/2 (h2c) send the body of an HTTP/1.1 request, so the request is parsed again without the offer.
        """
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while True:
                try:
                    self.parser.feed_data(rest)
                except httptools.HttpParserUpgrade as offer:
                    if self.parser.get_method() == b"CONNECT":
                        self.send_400_response("CONNECT is not supported.")
                        return
                    rest = rest[offer.args[0] :]
                    self._read_again()
                else:
                    return
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _read_again(self) -> None:
        """Feed the headers to a new parser, without the offer to upgrade."""
        line = b" ".join((self.parser.get_method(), self.url, b"HTTP/" + self.parser.get_http_version().encode()))
        fields = (b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade")
        head = b"".join((line, b"\r\n", *fields, b"\r\n"))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn, for pipelined requests
        self.parser.feed_data(head)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too. They must not be taken for headers (RFC 9110, section 6.5.1): a proxy that removes
        # headers with credentials may pass on trailers.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        if len(self.url) + sum(len(name) + len(value) + _FIELD_BYTES for name, value in self.headers) > (
            self._limits.head_bytes
        ):
            self._refuse(_TOO_LARGE)
            raise _RefusedError
        if reason := why_ambiguous(self.parser.get_http_version(), self.url, self.headers):
            self._refuse(_malformed(reason))
            raise _RefusedError
        super().on_headers_complete()
        # Not before: until then, what goes wrong is none of the body of the request before.
        self._in_head = False
        self._head_bytes = 0
        self._last_activity = self.loop.time()
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
        """Close the connection if its peer has been idle for too long; otherwise check again later."""
        idle = self.loop.time() - self._last_activity
        # The application times out the bodies of requests that it is answering.
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
        """Stop reading; answer the last request after all responses before it, and close the connection."""
        if self._refusal is not None:
            return
        self._refusal = answer
        cycle: Any = self.cycle
        if not self._in_head and cycle is not None:
            # The body of this request is malformed: the application must not take the part received for the whole.
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
