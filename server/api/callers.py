"""Names of callers, between which the server shares its time fairly."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import unquote

from starlette.requests import Request

__all__ = ["caller_at", "caller_of_peer", "caller_of_request"]

_HOST = 64  # bits of an IPv6 address that a host cannot choose: its network


def caller_of_peer(peer: str) -> str:
    """Return the name of a caller over gRPC, given the peer as gRPC names it ("ipv4:192.0.2.1:50000")."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return kind  # a socket in the file system
    return caller_at(unquote(rest).rpartition(":")[0].strip("[]"))


def caller_of_request(request: Request) -> str:
    """Return the name of a caller over HTTP."""
    return caller_at(request.client.host) if request.client else ""


def caller_at(address: str) -> str:
    """Return the name of a caller at an IP address: the IPv4 address, or the network of the IPv6 address."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known, _HOST), strict=False))
