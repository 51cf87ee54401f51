"""Ports that other machines can reach, and what protects them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from server.access.requirement import Authentication, is_loopback
from server.settings.setting import PORTS
from server.settings.values import Address

__all__ = ["Exposure", "exposure_problems", "exposures", "ports_without_authentication"]

_OF_API = ("api_grpc", "http")


@dataclass(frozen=True, slots=True)
class Exposure:
    """A port that listens beyond this machine, and lacks something.

    Attributes:
        name: name of its setting.
        address: its address.
        has_tls: True if it has TLS.
        has_authentication: True if it asks everybody for credentials.
    """

    name: str
    address: Address
    has_tls: bool
    has_authentication: bool


def ports_without_authentication(authentication: Authentication, *, login_is_used: bool) -> frozenset[str]:
    """Return the names of the ports that ask nobody for credentials, even if they listen beyond this machine.

    Args:
        authentication: the setting.
        login_is_used: True if there is a way to log in: the API then asks everybody.
    """
    if authentication is not Authentication.OFF:
        return frozenset()
    return frozenset(PORTS).difference(_OF_API if login_is_used else ())


def exposures(
    addresses: Mapping[str, Address], with_tls: Collection[str], without_authentication: Collection[str]
) -> Iterator[Exposure]:
    """Yield each port that listens beyond this machine without TLS or without authentication.

    Args:
        addresses: address of each port, by the name of its setting.
        with_tls: names of the ports with TLS.
        without_authentication: names of the ports that ask nobody for credentials.
    """
    for name, address in addresses.items():
        found = Exposure(name, address, name in with_tls, name not in without_authentication)
        if not (is_loopback(address.host) or (found.has_tls and found.has_authentication)):
            yield found


def exposure_problems(
    addresses: Mapping[str, Address], with_tls: Collection[str], without_authentication: Collection[str]
) -> Iterator[str]:
    """Yield a sentence for each of ``exposures``, which takes the same arguments."""
    for port in exposures(addresses, with_tls, without_authentication):
        missing, advice = [], []
        if not port.has_tls:
            missing.append("TLS")
            advice.append(
                "give tls_cert and tls_key (--tls-cert and --tls-key; 'lognotary tls dev' makes both to try it)"
            )
        if not port.has_authentication:
            missing.append("authentication")
            advice.append("set authentication to auto")
        yield (
            f"{port.address} is beyond this machine, and the port has no {' and '.join(missing)}: "
            f"{' and '.join(advice)}, listen on 127.0.0.1, or give --insecure-listen if something else protects "
            f"{port.name}"
        )
