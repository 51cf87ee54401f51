"""The need for credentials on a port."""

from __future__ import annotations

from enum import Enum

from server.access.networks import parse_ip

__all__ = ["Authentication", "is_loopback", "needs_credentials"]


class Authentication(Enum):
    """Ports on which credentials are required; credentials that are presented are checked on all ports.

    Of several credentials of one call of the API, the first that ``AuthenticationChain`` tries decide: of a call with a
    token from a trusted proxy that names a user, the token is not looked at.
    """

    AUTO = "auto"  # on those that other machines can reach, or that credentials were made for
    REQUIRED = "required"  # on all
    OFF = "off"  # on none


def needs_credentials(authentication: Authentication, host: str, *, in_use: bool = False) -> bool:
    """Return whether a port needs credentials.

    Args:
        authentication: the ports that need them.
        host: host that the port listens on.
        in_use: True if somebody has made credentials for this port, and so wants to control who gets in.
    """
    if authentication is Authentication.AUTO:
        return in_use or not is_loopback(host)
    return authentication is Authentication.REQUIRED


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host; what is neither an address nor ``localhost`` may be any."""
    address = parse_ip(host.strip("[]"))
    return host == "localhost" if address is None else address.is_loopback
