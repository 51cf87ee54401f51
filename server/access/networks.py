"""IP addresses and their networks: one host may choose freely among the IPv6 addresses of its network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["network_of", "parse_ip"]

_HOST = 64  # bits of an IPv6 address that a host cannot choose: its network (RFC 4291, 2.5.4)


def parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Return an IP address; None if the text is none.

    An IPv4 address that is written as an IPv6 one (RFC 4291, 2.5.5.2) is an IPv4 address. The zone of an IPv6 address
    (RFC 4007, 11) is left out.
    """
    try:
        known = ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None
    mapped = known.ipv4_mapped if isinstance(known, IPv6Address) else None
    return mapped or known


def network_of(address: str) -> str:
    """Return the part of an IP address that its host cannot choose: the IPv4 address, or the network of an IPv6 one.

    Anything else is returned as it is.
    """
    known = parse_ip(address)
    if known is None:
        return address
    return str(known) if isinstance(known, IPv4Address) else str(ip_network((known, _HOST), strict=False))
