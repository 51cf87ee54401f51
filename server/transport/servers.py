"""Running gRPC and HTTP servers on given addresses.

A server that ends by itself would leave a process that looks alive and accepts nothing. So the caller passes an
event that is set if the server ends; it then shuts down in order, and leaving the block raises the error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc.aio
import uvicorn
from starlette.types import ASGIApp

from server.errors.listening import AddressUnavailableError, ListenerEndedError
from server.process.pools import refuse_default_executor
from server.settings.values import Address
from server.transport.certificates import PortCertificate
from server.transport.http_connections import ConnectionLimits, limited_protocol
from server.transport.http_tls import Handshakes

__all__ = ["check_addresses", "serve_grpc", "serve_http", "serve_http_apart"]

_logger = logging.getLogger(__name__)

_KEEP_ALIVE = 3600  # seconds
_BACKLOG = 1024  # connections that the kernel keeps until they are accepted
# Connections that asyncio accepts before it does anything else with them. Those above the limit of connections are
# closed only afterwards, so this is how many more can be open for a moment.
_ACCEPTED_AT_ONCE = 128
_GRACE = 1.0  # seconds that calls in progress may still take when a server stops: those of accepted requests are over


def check_addresses(addresses: Iterable[Address]) -> None:
    """Check that a server can listen on addresses, before it creates anything.

    Raises:
        AddressUnavailableError: the server cannot listen on an address.
    """
    for address in addresses:
        _listen(address, shared=False).close()


@contextlib.asynccontextmanager
async def serve_grpc(
    server: grpc.aio.Server,
    address: Address,
    ended: asyncio.Event,
    certificate: PortCertificate | None = None,
    own_socket: str = "",
) -> AsyncIterator[Address]:
    """Run a gRPC server; yield the address with the actual port.

    Args:
        server: the server.
        address: address to listen on.
        ended: event that is set if the server ends by itself.
        certificate: the server's certificate, None for no TLS.
        own_socket: path of a Unix socket to listen on too, without TLS; empty for none.

    Raises:
        AddressUnavailableError: the server cannot listen on the address.
        ListenerEndedError: the server ended by itself (raised on leaving the block).
    """
    try:
        if certificate is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), certificate.grpc_credentials())
        if own_socket:
            server.add_insecure_port(f"unix:{own_socket}")
    except RuntimeError as error:
        raise AddressUnavailableError(address, _why_not(address)) from error
    await server.start()
    bound = Address(address.host, port)
    serving: asyncio.Future[None] = asyncio.ensure_future(_terminated(server))
    async with _watched(serving, lambda: server.stop(_GRACE), bound, ended):
        yield bound


async def _terminated(server: grpc.aio.Server) -> None:
    await server.wait_for_termination()


@contextlib.asynccontextmanager
async def serve_http(
    app: ASGIApp,
    address: Address,
    limits: ConnectionLimits,
    ended: asyncio.Event,
    certificate: PortCertificate | None = None,
    *,
    shared: bool = False,
) -> AsyncIterator[Address]:
    """Run an ASGI application on the current event loop; yield the address with the actual port.

    Args:
        app: the application.
        address: address to listen on.
        limits: limits on the server's connections.
        ended: event that is set if the server ends by itself.
        certificate: the server's certificate, None for no TLS.
        shared: allow other processes to listen on the address too (``SO_REUSEPORT``).

    Raises:
        AddressUnavailableError: the server cannot listen on the address.
        ListenerEndedError: the server ended by itself (raised on leaving the block).
    """
    listener = _listen(address, shared=shared)
    server = _EmbeddedUvicorn(app, limits, certificate)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    async with _serving_uvicorn(server, serving, address.host, listener, ended) as bound:
        yield bound


@contextlib.asynccontextmanager
async def serve_http_apart(
    app: ASGIApp,
    address: Address,
    limits: ConnectionLimits,
    ended: asyncio.Event,
    certificate: PortCertificate | None = None,
) -> AsyncIterator[Address]:
    """Run an ASGI application in a thread with its own event loop, so that it answers even if this loop is busy.

    Args:
        app: the application; it must not use the current event loop.
        address: address to listen on.
        limits: limits on the server's connections.
        ended: event that is set if the server ends by itself.
        certificate: the server's certificate, None for no TLS.

    Raises:
        AddressUnavailableError: the server cannot listen on the address.
        ListenerEndedError: the server ended by itself (raised on leaving the block).
    """
    listener = _listen(address, shared=False)
    server = _EmbeddedUvicorn(app, limits, certificate)
    thread = ThreadPoolExecutor(1, thread_name_prefix="http-api")
    loop = asyncio.get_running_loop()

    async def serve() -> None:
        refuse_default_executor()
        await server.serve(sockets=[listener])

    serving = loop.run_in_executor(thread, lambda: asyncio.run(serve()))
    thread.shutdown(wait=False)  # once this work is done
    async with _serving_uvicorn(server, serving, address.host, listener, ended) as bound:
        yield bound


@contextlib.asynccontextmanager
async def _serving_uvicorn(
    server: uvicorn.Server, serving: asyncio.Future[None], host: str, listener: socket.socket, ended: asyncio.Event
) -> AsyncIterator[Address]:
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    if server.started:
        listener.listen(_BACKLOG)  # asyncio has set what it accepts at once
    bound = Address(host, listener.getsockname()[1])

    async def stop() -> None:
        server.should_exit = True

    async with _watched(serving, stop, bound, ended):
        yield bound


@contextlib.asynccontextmanager
async def _watched(
    serving: asyncio.Future[None], stop: Callable[[], Awaitable[None]], address: Address, ended: asyncio.Event
) -> AsyncIterator[None]:
    """Stop a server at the end of the block; the block should end soon after the server does."""
    by_itself = False

    def note(_: asyncio.Future[None]) -> None:
        nonlocal by_itself
        by_itself = True
        _logger.error("the listener on %s stopped unexpectedly", address)
        ended.set()

    serving.add_done_callback(note)
    try:
        yield
    finally:
        serving.remove_done_callback(note)
        await stop()
        await asyncio.wait({serving})
        reason = serving.exception()
        if by_itself:  # this is the cause, so it replaces the error that it led to
            raise ListenerEndedError(f"the listener on {address} stopped unexpectedly: {reason or 'no reason given'}")


def _why_not(address: Address) -> OSError:
    """Return why nothing can listen on an address, which gRPC does not say."""
    try:
        _listen_once(address, shared=False).close()
    except OSError as error:
        return error
    return OSError("gRPC could not bind it")


def _listen(address: Address, *, shared: bool) -> socket.socket:
    try:
        return _listen_once(address, shared=shared)
    except OSError as error:
        raise AddressUnavailableError(address, error) from error


def _listen_once(address: Address, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG, reuse_port=shared)


class _EmbeddedUvicorn(uvicorn.Server):
    def __init__(self, app: ASGIApp, limits: ConnectionLimits, certificate: PortCertificate | None) -> None:
        protocol: Any = limited_protocol(limits)
        self._handshakes = Handshakes(certificate.context, limits.connections) if certificate else None
        if self._handshakes is not None:
            protocol = self._handshakes.before(protocol)
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            # Else anybody on this machine could choose the address that a request seems to come from.
            proxy_headers=False,
            log_config=None,
            access_log=False,
            lifespan="off",
            backlog=_ACCEPTED_AT_ONCE,
            # The protocol has its own idle timeout, which also answers clients that have begun to send a request.
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=int(_GRACE),
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._handshakes is not None:
            self._handshakes.abort()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller, which stops all servers in order."""
        yield
