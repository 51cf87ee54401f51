"""The gRPC health service (grpc.health.v1)."""

from __future__ import annotations

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from server.api.grpc_services import SERVICE_NAMES

__all__ = ["add_health"]


async def add_health(server: grpc.aio.Server) -> HealthServicer:
    """Add the health service to a server, which says that all services of the API serve."""
    servicer = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for name in ("", *SERVICE_NAMES):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    return servicer
