"""Networks of addresses: one host may choose freely among the IPv6 addresses of its network."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

__all__ = ["network_of"]

_HOST = 64  # bits of an IPv6 address that a host cannot choose: its network


def network_of(address: str) -> str:
    """Return the part of an IP address that its host cannot choose: the IPv4 address, or the network of an IPv6 one.

    Anything else is returned as it is.
    """
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known, _HOST), strict=False))
