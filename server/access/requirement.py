"""The need for credentials on a port."""

from __future__ import annotations

import ipaddress
from enum import Enum

__all__ = ["Authentication", "is_loopback", "needs_credentials"]


class Authentication(Enum):
    """Ports on which credentials are required; credentials that are presented are checked on all ports, always."""

    AUTO = "auto"  # on those that other machines can reach
    REQUIRED = "required"  # on all
    OFF = "off"  # on none


def needs_credentials(authentication: Authentication, host: str) -> bool:
    """Return whether a port that listens on a host needs credentials."""
    if authentication is Authentication.AUTO:
        return not is_loopback(host)
    return authentication is Authentication.REQUIRED


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host; what is neither an address nor ``localhost`` may be any."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
