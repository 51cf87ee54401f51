"""Source addresses, without their ports and without proxies."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from socket import AF_INET6, inet_pton

__all__ = ["address_of"]

_MOST_ADDRESS = 64
_ADDRESS = re.compile(
    rb"\[([0-9a-fA-F:.]+)\](?::[0-9]+)?|([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]+)?|([0-9a-fA-F.]*:[0-9a-fA-F:.]*)"
)


def address_of(text: bytes) -> bytes:
    """Return the first address of a text without its port, as RFC 5952 writes it, or of IPv4 if it is mapped to IPv6.

    Proxies write ``unknown`` for addresses that they do not know. A text that does not begin with an address is
    returned unchanged.
    """
    for part in text.split(b","):
        first = part.strip(b" ")
        if first.lower() != b"unknown":
            match = _ADDRESS.fullmatch(first) if len(first) <= _MOST_ADDRESS else None
            return _canonical_address(next(filter(None, match.groups()))) if match else text
    return text


def _canonical_address(address: bytes) -> bytes:
    if b":" not in address:
        return address
    try:
        ipv6 = IPv6Address(inet_pton(AF_INET6, address.decode()))
    except OSError:
        return address
    return str(ipv6.ipv4_mapped or ipv6).encode()
