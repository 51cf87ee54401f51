"""Names of callers, between which the server shares its time fairly."""

from __future__ import annotations

from starlette.requests import Request

from server.access.callers import CallerKind
from server.access.current import current_caller
from server.access.networks import network_of
from server.access.presenting import address_of_peer

__all__ = ["caller_of_peer", "caller_of_request"]


def caller_of_peer(peer: str) -> str:
    """Return the name of the caller of the call in progress, given the peer as gRPC names it."""
    return _named(address_of_peer(peer))


def caller_of_request(request: Request) -> str:
    """Return the name of the caller of the request in progress."""
    return _named(request.client.host if request.client else "")


def _named(address: str) -> str:
    """Return the name of a caller at an address: one with credentials is the same everywhere, also behind a proxy."""
    caller = current_caller()
    if caller is None or caller.kind is CallerKind.LOCAL:
        return network_of(address)
    tenants = {tenant for grant in caller.grants for tenant in grant.tenants or ()}
    return " ".join((caller.kind.value, caller.name, *sorted(tenants)))
