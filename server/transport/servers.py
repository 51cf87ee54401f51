"""Running gRPC and HTTP servers on addresses.

A server that ends by itself leaves a process that looks alive and takes nothing. So whoever runs one gives an
event that is set then, stops in order, and is told on leaving the block.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc.aio
import uvicorn
from starlette.applications import Starlette

from server.errors.listening import AddressUnavailableError, ListenerEndedError
from server.process.pools import refuse_default_executor
from server.settings.values import Address
from server.transport.http_connections import ConnectionLimits, limited_protocol

__all__ = ["serve_grpc", "serve_http", "serve_http_apart"]

_logger = logging.getLogger(__name__)

_KEEP_ALIVE = 3600  # seconds
_GRACE = 10.0  # seconds that calls may still take when a server stops


@contextlib.asynccontextmanager
async def serve_grpc(server: grpc.aio.Server, address: Address, ended: asyncio.Event) -> AsyncIterator[Address]:
    """Run a gRPC server; yields the address with the port it got.

    Args:
        server: the server.
        address: where to listen.
        ended: set if the server ends by itself.

    Raises:
        AddressUnavailableError: the address cannot be listened on.
        ListenerEndedError: the server ended by itself, on leaving the block.
    """
    try:
        port = server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise AddressUnavailableError(address, "gRPC could not bind it") from error
    await server.start()
    bound = Address(address.host, port)
    serving: asyncio.Future[None] = asyncio.ensure_future(_terminated(server))
    async with _watched(serving, lambda: server.stop(_GRACE), bound, ended):
        yield bound


async def _terminated(server: grpc.aio.Server) -> None:
    await server.wait_for_termination()


@contextlib.asynccontextmanager
async def serve_http(
    app: Starlette, address: Address, limits: ConnectionLimits, ended: asyncio.Event, *, shared: bool = False
) -> AsyncIterator[Address]:
    """Run an ASGI application on the current event loop; yields the address with the port it got.

    Args:
        app: the application.
        address: where to listen.
        limits: of its connections.
        ended: set if the server ends by itself.
        shared: other processes may listen there too (``SO_REUSEPORT``).

    Raises:
        AddressUnavailableError: the address cannot be listened on.
        ListenerEndedError: the server ended by itself, on leaving the block.
    """
    listener = _listen(address, shared=shared)
    server = _EmbeddedUvicorn(_config(app, limits))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    async with _serving_uvicorn(server, serving, address.host, listener, ended) as bound:
        yield bound


@contextlib.asynccontextmanager
async def serve_http_apart(
    app: Starlette, address: Address, limits: ConnectionLimits, ended: asyncio.Event
) -> AsyncIterator[Address]:
    """Run an ASGI application in a thread with an event loop of its own, so that it answers whatever others do here.

    Args:
        app: the application; it must not need anything of the current event loop.
        address: where to listen.
        limits: of its connections.
        ended: set if the server ends by itself.

    Raises:
        AddressUnavailableError: the address cannot be listened on.
        ListenerEndedError: the server ended by itself, on leaving the block.
    """
    listener = _listen(address, shared=False)
    server = _EmbeddedUvicorn(_config(app, limits))
    thread = ThreadPoolExecutor(1, thread_name_prefix="http-api")
    loop = asyncio.get_running_loop()

    async def serve() -> None:
        refuse_default_executor()
        await server.serve(sockets=[listener])

    serving = loop.run_in_executor(thread, lambda: asyncio.run(serve()))
    async with _serving_uvicorn(server, serving, address.host, listener, ended) as bound:
        yield bound


@contextlib.asynccontextmanager
async def _serving_uvicorn(
    server: uvicorn.Server, serving: asyncio.Future[None], host: str, listener: socket.socket, ended: asyncio.Event
) -> AsyncIterator[Address]:
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    bound = Address(host, listener.getsockname()[1])

    async def stop() -> None:
        server.should_exit = True

    async with _watched(serving, stop, bound, ended):
        yield bound


@contextlib.asynccontextmanager
async def _watched(
    serving: asyncio.Future[None], stop: Callable[[], Awaitable[None]], address: Address, ended: asyncio.Event
) -> AsyncIterator[None]:
    """Stop a server at the end of the block, which shall come soon after its own end."""
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
        if by_itself:  # says more than what it led to
            raise ListenerEndedError(f"the listener on {address} stopped unexpectedly: {reason or 'no reason given'}")


def _listen(address: Address, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=1024, reuse_port=shared)
    except OSError as error:
        raise AddressUnavailableError(address, error.strerror or str(error)) from error


def _config(app: Starlette, limits: ConnectionLimits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=limited_protocol(limits),
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        # The protocol has a patience of its own, which also answers those who have begun with a request.
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(_GRACE),
    )


class _EmbeddedUvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the one who runs this, and stops all servers in order."""
        yield
