"""Names of callers, among whom queries are shared fairly."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import unquote

from starlette.requests import Request

__all__ = ["caller_at", "caller_of_peer", "caller_of_request"]

_HOST = 64  # bits of an IPv6 address that one host cannot choose


def caller_of_peer(peer: str) -> str:
    """Return the name of who calls over gRPC, given the peer as gRPC names it ("ipv4:192.0.2.1:50000")."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return kind  # a socket in the file system
    return caller_at(unquote(rest).rpartition(":")[0].strip("[]"))


def caller_of_request(request: Request) -> str:
    """Return the name of who calls over HTTP."""
    return caller_at(request.client.host) if request.client else ""


def caller_at(address: str) -> str:
    """Return the name of who calls from an IP address: of the address, or of the IPv6 network that a host has."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known, _HOST), strict=False))
