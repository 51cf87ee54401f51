"""Running gRPC and HTTP servers on addresses, on the current event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import grpc.aio
import uvicorn
from starlette.applications import Starlette

from server.setting_values import Address

__all__ = ["serve_grpc", "serve_http"]

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
async def serve_http(app: Starlette, address: Address, *, shared: bool = False) -> AsyncIterator[Address]:
    """Run an ASGI application; yields the address with the port it got.

    Args:
        app: the application.
        address: where to listen.
        shared: other processes may listen there too (``SO_REUSEPORT``).

    Raises:
        OSError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.create_server((address.host, address.port), family=family, backlog=1024, reuse_port=shared)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=int(_GRACE),
    )
    server = _EmbeddedUvicorn(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield Address(address.host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task


class _EmbeddedUvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the one who runs this, and stops all servers in order."""
        yield
