"""Names of callers, between which the server shares its time fairly."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

from server.access.callers import CallerKind
from server.access.current import current_caller
from server.access.presenting import address_of_peer

__all__ = ["caller_at", "caller_of_peer", "caller_of_request"]

_HOST = 64  # bits of an IPv6 address that a host cannot choose: its network


def caller_of_peer(peer: str) -> str:
    """Return the name of the caller of the call in progress, given the peer as gRPC names it."""
    return _named(address_of_peer(peer))


def caller_of_request(request: Request) -> str:
    """Return the name of the caller of the request in progress."""
    return _named(request.client.host if request.client else "")


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


def _named(address: str) -> str:
    """Return the name of a caller at an address: one with credentials is the same everywhere, also behind a proxy."""
    caller = current_caller()
    if caller is None or caller.kind is CallerKind.LOCAL:
        return caller_at(address)
    tenants = {tenant for grant in caller.grants for tenant in grant.tenants or ()}
    return " ".join((caller.kind.value, caller.name, *sorted(tenants)))
