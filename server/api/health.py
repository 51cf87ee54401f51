"""The gRPC health service (grpc.health.v1): SERVING while ``/readyz`` answers 200."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from server.access.networks import network_of
from server.access.presenting import address_of_peer
from server.api.grpc_services import SERVICE_NAMES
from server.process.background import background

__all__ = ["MOST_WATCHES", "add_health", "following_readiness"]

MOST_WATCHES = 32
"""Number of calls of one address that watch the health at the same time."""

_MOST_WATCHES_OF_ALL = 512
_NAMES = ("", *SERVICE_NAMES)
_UNKNOWN = "unknown"  # stands for all names of services that do not exist
_INTERVAL = 0.25  # seconds between updates of the status for watching clients


class _Readiness(health.aio.HealthServicer):  # type: ignore[misc]
    def __init__(self, not_ready: Callable[[], str]) -> None:
        super().__init__()
        self._not_ready = not_ready
        self._last: Any = None
        self._watching: Counter[str] = Counter()

    async def refresh(self) -> None:
        """Update the status for watching clients, which wakes all of them, if it has changed."""
        statuses = health_pb2.HealthCheckResponse
        status = statuses.NOT_SERVING if self._not_ready() else statuses.SERVING
        if status == self._last:
            return
        self._last = status
        for name in _NAMES:
            await self.set(name, status)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is the protocol's
        """Answer with the current status, not with the status of the last update."""
        await self.refresh()
        return await super().Check(request, context)

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802 - the name is the protocol's
        """Answer with each status, to a limited number of clients: nobody has to say who he is."""
        if request.service not in _NAMES:  # the library keeps something for each name, whatever it is
            request = health_pb2.HealthCheckRequest(service=_UNKNOWN)
        client = network_of(address_of_peer(context.peer()))
        if self._watching[client] >= MOST_WATCHES or self._watching.total() >= _MOST_WATCHES_OF_ALL:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many clients watch the health: use Check")
        self._watching[client] += 1
        try:
            await super().Watch(request, context)
        finally:
            self._watching[client] -= 1
            if not self._watching[client]:
                del self._watching[client]


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
