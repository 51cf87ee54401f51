"""Names of callers, between which the server shares its time fairly."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request

from server.access.networks import network_of

__all__ = ["caller_of_peer", "caller_of_request"]


def caller_of_peer(peer: str) -> str:
    """Return the name of a caller over gRPC, given the peer as gRPC names it ("ipv4:192.0.2.1:50000")."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return kind  # a socket in the file system
    return network_of(unquote(rest).rpartition(":")[0].strip("[]"))


def caller_of_request(request: Request) -> str:
    """Return the name of a caller over HTTP."""
    return network_of(request.client.host) if request.client else ""
