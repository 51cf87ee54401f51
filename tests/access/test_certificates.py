"""Identities of client certificates."""

from __future__ import annotations

from server.access.certificates import (
    CERTIFICATE_KEY,
    identities_of_auth_context,
    identities_of_peer,
    identities_of_scope,
)


def test_without_a_certificate_there_is_no_identity() -> None:
    assert identities_of_peer(None) == ()
    assert identities_of_peer({"subject": ((("commonName", "alice"),),)}) == ()
    assert identities_of_auth_context({"transport_security_type": [b"ssl"], "x509_common_name": [b"alice"]}) == ()
    assert identities_of_scope({}) == ()
    assert identities_of_scope({"state": {CERTIFICATE_KEY: ("DNS:a",)}}) == ("DNS:a",)


def test_both_transports_give_the_same_identities_in_the_same_order() -> None:
    names = (("DNS", "a.example"), ("URI", "spiffe://shop/a"), ("email", "a@shop.example"), ("IP Address", "10.0.0.1"))
    context = {
        "x509_subject_alternative_name": [b"a.example", b"spiffe://shop/a", b"a@shop.example", b"10.0.0.1"],
        "peer_dns": [b"a.example"],
        "peer_uri": [b"spiffe://shop/a"],
        "peer_email": [b"a@shop.example"],
        "peer_ip": [b"10.0.0.1"],
    }
    expected = ("URI:spiffe://shop/a", "DNS:a.example", "EMAIL:a@shop.example")
    assert identities_of_peer({"subjectAltName": names}) == expected
    assert identities_of_auth_context(context) == expected


def test_a_dns_name_that_looks_like_a_uri_stays_a_dns_name() -> None:
    assert identities_of_auth_context({"peer_dns": [b"spiffe://shop/a"]}) == ("DNS:spiffe://shop/a",)
    assert identities_of_peer({"subjectAltName": (("DNS", "URI:spiffe://shop/a"),)}) == ("DNS:URI:spiffe://shop/a",)


def test_a_name_that_is_not_utf_8_is_no_identity() -> None:
    assert identities_of_auth_context({"peer_uri": [b"spiffe://shop/\xff", b""]}) == ()
