"""Running gRPC and HTTP servers on addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import grpc.aio
import uvicorn
from starlette.applications import Starlette

from server.http_connections import ConnectionLimits, limited_protocol
from server.setting_values import Address

__all__ = ["serve_grpc", "serve_http", "serve_http_apart"]

_KEEP_ALIVE = 3600  # seconds
_GRACE = 10.0  # seconds that calls may still take when a server stops


@contextlib.asynccontextmanager
async def serve_grpc(server: grpc.aio.Server, address: Address) -> AsyncIterator[Address]:
    """Run a gRPC server; yields the address with the port it got.

    Raises:
        OSError: the address cannot be listened on.
    """
    try:
        port = server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise OSError(f"{address} cannot be listened on: is another server running?") from error
    await server.start()
    try:
        yield Address(address.host, port)
    finally:
        await server.stop(_GRACE)


@contextlib.asynccontextmanager
async def serve_http(
    app: Starlette, address: Address, limits: ConnectionLimits, *, shared: bool = False
) -> AsyncIterator[Address]:
    """Run an ASGI application on the current event loop; yields the address with the port it got.

    Args:
        app: the application.
        address: where to listen.
        limits: of its connections.
        shared: other processes may listen there too (``SO_REUSEPORT``).

    Raises:
        OSError: the address cannot be listened on.
    """
    listener = _listen(address, shared=shared)
    server = _EmbeddedUvicorn(_config(app, limits))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield Address(address.host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def serve_http_apart(app: Starlette, address: Address, limits: ConnectionLimits) -> AsyncIterator[Address]:
    """Run an ASGI application in a thread with an event loop of its own, so that it answers whatever others do here.

    Args:
        app: the application; it must not need anything of the current event loop.
        address: where to listen.
        limits: of its connections.

    Raises:
        OSError: the address cannot be listened on.
    """
    listener = _listen(address, shared=False)
    server = _EmbeddedUvicorn(_config(app, limits))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="http-api")
    thread.start()
    try:
        while not server.started and thread.is_alive():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield Address(address.host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)


def _listen(address: Address, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=1024, reuse_port=shared)


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
