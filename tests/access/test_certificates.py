"""Identities of client certificates."""

from __future__ import annotations

import pytest

from harness.certificates import client_names, new_authority
from server.access.certificates import (
    CERTIFICATE_KEY,
    identities_of_auth_context,
    identities_of_peer,
    identities_of_scope,
)


def context_of(**names: tuple[str, ...]) -> dict[str, list[bytes]]:
    """Return the auth context that gRPC has for a certificate with names: it cuts them off at a NUL."""
    issued = new_authority().issue("client", client_names(**names), client=True)
    kinds = {"uris": "peer_uri", "dns": "peer_dns", "emails": "peer_email"}
    cut = {kinds[kind]: [name.partition("\0")[0].encode() for name in of] for kind, of in names.items()}
    return {**cut, "x509_pem_cert": [issued.certificate]}


def test_without_a_certificate_there_is_no_identity() -> None:
    assert identities_of_peer(None) == ()
    assert identities_of_peer({"subject": ((("commonName", "alice"),),)}) == ()
    assert identities_of_auth_context({"transport_security_type": [b"ssl"], "x509_common_name": [b"alice"]}) == ()
    assert identities_of_scope({}) == ()
    assert identities_of_scope({"state": {CERTIFICATE_KEY: ("DNS:a",)}}) == ("DNS:a",)


def test_both_transports_give_the_same_identities_in_the_same_order() -> None:
    names = (("DNS", "a.example"), ("URI", "spiffe://shop/a"), ("email", "a@shop.example"), ("IP Address", "10.0.0.1"))
    context = context_of(uris=("spiffe://shop/a",), dns=("a.example",), emails=("a@shop.example",))
    context |= {"x509_subject_alternative_name": [b"a.example", b"spiffe://shop/a"], "peer_ip": [b"10.0.0.1"]}
    expected = ("URI:spiffe://shop/a", "DNS:a.example", "EMAIL:a@shop.example")
    assert identities_of_peer({"subjectAltName": names}) == expected
    assert identities_of_auth_context(context) == expected


def test_a_dns_name_that_looks_like_a_uri_stays_a_dns_name() -> None:
    assert identities_of_auth_context(context_of(dns=("spiffe://shop/a",))) == ("DNS:spiffe://shop/a",)
    assert identities_of_peer({"subjectAltName": (("DNS", "URI:spiffe://shop/a"),)}) == ("DNS:URI:spiffe://shop/a",)


def test_a_name_that_is_not_utf_8_or_not_in_the_certificate_is_no_identity() -> None:
    context = context_of(uris=("spiffe://shop/a",))
    names = [b"spiffe://shop/\xff", b"", b"spiffe://shop/", b"spiffe://shop/a"]
    assert identities_of_auth_context({**context, "peer_uri": names}) == ("URI:spiffe://shop/a",)
    assert identities_of_auth_context({"peer_uri": names}) == ()


@pytest.mark.parametrize("size", [127, 128, 255, 256, 2048])
def test_a_name_may_be_long(size: int) -> None:
    uri = "spiffe://shop/".ljust(size, "a")
    assert identities_of_auth_context(context_of(uris=(uri,))) == (f"URI:{uri}",)


NOT_IDENTITIES = [
    ("uris", "spiffe://shop/../other/b"),
    ("uris", "spiffe://shop/./b"),
    ("uris", "spiffe://shop/a/.."),
    ("uris", "spiffe://shop/a/..?b"),
    ("uris", "spiffe://shop/%2E%2e/other/b"),
    ("uris", "spiffe://shop/.%2e/other/b"),
    ("uris", "spiffe://shop/..\\other/b"),
    ("uris", "spiffe://shop/a\0.evil"),
    ("uris", "spiffe://shop/a\0"),
    ("uris", "spiffe://shop/a\n"),
    ("dns", "a.example\0.evil.example"),
    ("emails", "a@shop.example\x1b"),
    ("uris", ""),
]


@pytest.mark.parametrize(("kind", "name"), NOT_IDENTITIES)
def test_a_name_that_can_be_taken_for_another_is_no_identity(kind: str, name: str) -> None:
    known = {"uris": "URI", "dns": "DNS", "emails": "email"}[kind]
    assert identities_of_peer({"subjectAltName": ((known, name), ("URI", "spiffe://shop/b"))}) == (
        "URI:spiffe://shop/b",
    )
    names = {"uris": ("spiffe://shop/b",)}
    names[kind] = (name, *names.get(kind, ()))
    assert identities_of_auth_context(context_of(**names)) == ("URI:spiffe://shop/b",)


@pytest.mark.parametrize("path", ["", "/", "/a/...", "/a/.well-known", "/a.b/c..d", "/a/..b", "/ns/pay/sa/checkout"])
def test_dots_within_segments_are_part_of_the_name(path: str) -> None:
    uri = f"spiffe://shop{path}"
    assert identities_of_peer({"subjectAltName": (("URI", uri),)}) == (f"URI:{uri}",)
    assert identities_of_auth_context(context_of(uris=(uri,))) == (f"URI:{uri}",)
