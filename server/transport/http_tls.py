"""TLS of HTTP connections: handshakes with a timeout, which count as connections from their start.

uvicorn counts connections only after their handshake, and gives a handshake a minute. So it gets protocols that make
the handshake themselves, before uvicorn's own protocol learns of the connection. They run on the event loop alone, and
need no thread. A connection keeps the certificate that it began with.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.server import ServerState

__all__ = ["Handshakes"]

_TIMEOUT = 10  # seconds for a handshake
_SHUTDOWN_TIMEOUT = 5  # seconds in which a peer should confirm that a connection ends
_MOST = 1024  # handshakes at the same time: each takes about 100 KiB, most of them OpenSSL's
# The buffer of each connection, during its handshake and after it: that of asyncio has 256 KiB.
_HANDSHAKE_BYTES, _READ_BYTES = 4 << 10, 32 << 10


class _MakesProtocol(Protocol):
    def __call__(self, *, server_state: ServerState, **named: Any) -> asyncio.Protocol: ...


class Handshakes:
    """The connections of one port that have not finished their handshake.

    If there are as many as may be, the oldest of them makes room for a new one: an honest handshake takes a few round
    trips, so those that have waited longest will hardly ever end.
    """

    def __init__(self, context: Callable[[], ssl.SSLContext], connections: int, timeout: int = _TIMEOUT) -> None:
        """Start without connections.

        Args:
            context: function that returns what a new connection is encrypted with.
            connections: maximum number of connections, with those after their handshake.
            timeout: seconds for a handshake.
        """
        self._context = context
        self._connections = connections
        self._timeout = timeout
        self._waiting: dict[_SecureProtocol, None] = {}

    def before(self, make: _MakesProtocol) -> Callable[..., asyncio.BufferedProtocol]:
        """Return a function that makes protocols which begin with a handshake.

        Args:
            make: function that makes the protocol after it, with the arguments that uvicorn gives.
        """

        def made(*, server_state: ServerState, **named: Any) -> asyncio.BufferedProtocol:
            inner = make(server_state=server_state, **named)
            return _SecureProtocol(self, server_state, inner, self._context(), self._timeout)

        return made

    def begin(self, handshake: _SecureProtocol, open_connections: int) -> bool:
        """Note a new connection, and make room for it; return whether there is any."""
        if open_connections >= self._connections:
            return False
        most = min(_MOST, self._connections - open_connections)
        while len(self._waiting) >= most:
            oldest = next(iter(self._waiting))
            self.end(oldest)
            oldest.abort()
        self._waiting[handshake] = None
        return True

    def end(self, handshake: _SecureProtocol) -> None:
        """Note that a handshake has ended, in whatever way."""
        self._waiting.pop(handshake, None)

    def abort(self) -> None:
        """Close all connections that have not finished their handshake."""
        for handshake in list(self._waiting):
            handshake.abort()


class _SecureProtocol(SSLProtocol):
    max_size = _HANDSHAKE_BYTES

    def __init__(
        self,
        handshakes: Handshakes,
        server_state: ServerState,
        inner: asyncio.Protocol,
        context: ssl.SSLContext,
        timeout: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[Any] = loop.create_future()
        super().__init__(
            loop,
            inner,
            context,
            self._finished,
            server_side=True,
            ssl_handshake_timeout=timeout,
            ssl_shutdown_timeout=_SHUTDOWN_TIMEOUT,
        )
        self._handshakes = handshakes
        self._server_state = server_state
        self._raw: asyncio.Transport | None = None
        self._finished.add_done_callback(self._on_finished)

    def connection_made(self, transport: Any) -> None:
        self._raw = transport
        if self._handshakes.begin(self, len(self._server_state.connections)):
            super().connection_made(transport)
        else:
            transport.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._raw is not None:
            self._raw.abort()

    def _on_finished(self, finished: asyncio.Future[Any]) -> None:
        self._handshakes.end(self)
        if not finished.cancelled() and finished.exception() is None:  # one that fails is the peer's affair
            self.max_size = _READ_BYTES  # type: ignore[misc]
