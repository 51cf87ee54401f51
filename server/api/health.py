"""The gRPC health service (grpc.health.v1): SERVING while ``/readyz`` answers 200."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from server.api.grpc_services import SERVICE_NAMES
from server.process.background import background

__all__ = ["add_health", "following_readiness"]

_INTERVAL = 0.25  # seconds between updates of the status for watching clients


class _Readiness(health.aio.HealthServicer):  # type: ignore[misc]
    def __init__(self, not_ready: Callable[[], str]) -> None:
        super().__init__()
        self._not_ready = not_ready

    async def refresh(self) -> None:
        """Update the status for watching clients."""
        statuses = health_pb2.HealthCheckResponse
        status = statuses.NOT_SERVING if self._not_ready() else statuses.SERVING
        for name in ("", *SERVICE_NAMES):
            await self.set(name, status)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is the protocol's
        """Answer with the current status, not with the status of the last update."""
        await self.refresh()
        return await super().Check(request, context)


def add_health(server: grpc.aio.Server, not_ready: Callable[[], str]) -> _Readiness:
    """Add the health service to a server that has not started.

    Args:
        server: the server.
        not_ready: function that returns why requests are not accepted, empty if they are; must not block.
    """
    servicer = _Readiness(not_ready)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return servicer


@contextlib.asynccontextmanager
async def following_readiness(servicer: _Readiness, stop: asyncio.Event) -> AsyncIterator[None]:
    """Update the status for watching clients until the block ends, and then report all services as NOT_SERVING.

    Raises:
        TaskFailedError: the updates failed; ``stop`` was set then.
    """

    async def follow() -> None:
        while True:
            await servicer.refresh()
            await asyncio.sleep(_INTERVAL)

    try:
        with background("gRPC health", follow(), stop):
            yield
    finally:
        await servicer.enter_graceful_shutdown()
