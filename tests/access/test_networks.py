"""IP addresses as texts, and the networks that one host may choose its addresses in."""

from __future__ import annotations

import pytest

from server.access.networks import network_of, parse_ip


@pytest.mark.parametrize(
    ("text", "address", "network"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
    ],
)
def test_an_address_is_read_in_whatever_form(text: str, address: str, network: str) -> None:
    assert (str(parse_ip(text)), network_of(text)) == (address, network)


@pytest.mark.parametrize("text", ["", "unix", "logs.example", "192.0.2.1:80", "127.0.0.1%logs.example", "[::1]"])
def test_what_is_no_address_is_none_and_is_a_network_by_itself(text: str) -> None:
    assert parse_ip(text) is None
    assert network_of(text) == text
