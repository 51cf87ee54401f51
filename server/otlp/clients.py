"""Client identity for fair sharing: one IP address, or one IPv6 /64 network, is one client."""

from __future__ import annotations

from urllib.parse import unquote

from server.access.networks import network_of

__all__ = ["client_of_address", "client_of_peer", "peer_address"]


def client_of_peer(peer: str) -> str:
    """Return the client of a gRPC call.

    Args:
        peer: as gRPC writes it: ``ipv4:192.0.2.1:4711``, ``ipv6:%5B2001:db8::1%5D:4711``, or ``unix:`` and more.
    """
    kind, _, place = peer.partition(":")
    address = place.rpartition(":")[0]
    return address if kind == "ipv4" else client_of_address(unquote(address).strip("[]"))


def peer_address(peer: str) -> str:
    """Return the address of a gRPC peer for a log line, such as ``192.0.2.1:4711``; ``peer`` as ``client_of_peer``."""
    kind, _, place = unquote(peer).partition(":")
    return place if kind in ("ipv4", "ipv6") else f"{kind}:{place}"


def client_of_address(address: str) -> str:
    """Return the client at an IP address: the address itself, or its network where that is one subscriber's.

    Args:
        address: an IPv4 or IPv6 address; anything else is a client by itself.
    """
    return network_of(address) if ":" in address else address
