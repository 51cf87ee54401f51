"""Ports that other machines can reach, and what protects them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from server.access.requirement import is_loopback
from server.settings.values import Address

__all__ = ["exposure_problems"]


def exposure_problems(
    addresses: Mapping[str, Address], with_tls: Collection[str], authentication: str
) -> Iterator[str]:
    """Yield a sentence for each port that listens beyond this machine without TLS or without authentication.

    Args:
        addresses: address of each port, by the name of its setting.
        with_tls: names of the ports with TLS.
        authentication: ``auto``, ``required`` or ``off``; only ``off`` leaves such ports without authentication.
    """
    for name, address in addresses.items():
        if is_loopback(address.host):
            continue
        has_tls, has_authentication = name in with_tls, authentication != "off"
        if has_tls and has_authentication:
            continue
        missing = " and ".join(
            what for what, has in (("TLS", has_tls), ("authentication", has_authentication)) if not has
        )
        advice = [
            *(
                []
                if has_tls
                else ["give tls_cert and tls_key (--tls-cert and --tls-key; 'lognotary tls dev' makes both to try it)"]
            ),
            *([] if has_authentication else ["set authentication to auto"]),
        ]
        yield (
            f"{address} is beyond this machine, and the port has no {missing}: {' and '.join(advice)}, listen on "
            f"127.0.0.1, or give --insecure-listen if something else protects {name}"
        )
