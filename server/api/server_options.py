"""Options of the gRPC server of the API."""

from __future__ import annotations

from typing import Any

__all__ = ["MOST_CALLS", "MOST_REQUEST_BYTES", "api_server_options"]

MOST_REQUEST_BYTES = 1 << 20
"""Size of the largest request; no query needs nearly as much."""

MOST_CALLS = 100
"""Number of calls at the same time on one connection; further ones wait in the client."""

_KEEPALIVE_MS = 60_000
_KEEPALIVE_TIMEOUT_MS = 20_000
_MIN_PING_INTERVAL_MS = 5_000
_HANDSHAKE_MS = 10_000  # by default, a connection may wait for two minutes


def api_server_options(max_connections: int) -> list[tuple[str, Any]]:
    """Return the options.

    Args:
        max_connections: connections at the same time; further ones are closed.
    """
    return [
        ("grpc.so_reuseport", 0),  # otherwise a second server on the same port would silently get half of the callers
        ("grpc.max_allowed_incoming_connections", max_connections),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.max_concurrent_streams", MOST_CALLS),
        ("grpc.max_receive_message_length", MOST_REQUEST_BYTES),
        # Otherwise gRPC takes in up to megabytes of requests that nobody has decided to read yet.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
    ]
