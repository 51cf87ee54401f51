from __future__ import annotations

import pytest

from server.otlp.clients import client_of_address, client_of_peer


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("ipv4:192.0.2.1:4711", "192.0.2.1"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:4711", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:7::1]:4712", "2001:db8:1:2::/64"),
        ("ipv6:%5B::ffff:192.0.2.1%5D:4711", "192.0.2.1"),
        ("unix:", ""),
        ("unknown", ""),
    ],
)
def test_a_peer_is_known_by_its_address_without_its_port(peer: str, client: str) -> None:
    assert client_of_peer(peer) == client


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_client(address: str, client: str) -> None:
    assert client_of_address(address) == client
