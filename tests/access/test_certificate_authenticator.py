"""Client certificates as credentials of the API."""

from __future__ import annotations

import pytest

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.certificate_authenticator import CertificateAuthenticator, facts_of_certificate
from server.access.role_rules import CERTIFICATE, SUBJECT, RoleRule

AUDITOR, VIEWER = Grant(Role.AUDITOR), Grant(Role.VIEWER, tenants=frozenset({"shop"}))
CERTIFICATES = CertificateAuthenticator(
    (
        RoleRule((CERTIFICATE, "URI:spiffe://shop/audit/*"), AUDITOR),
        RoleRule((CERTIFICATE, "URI:spiffe://shop/*"), VIEWER),
        RoleRule((CERTIFICATE, "DNS:grafana.example"), VIEWER),
        RoleRule((SUBJECT, "DNS:alice.example"), Grant(Role.ADMIN)),
    )
)


@pytest.mark.parametrize(
    ("identities", "name", "grants"),
    [
        (["URI:spiffe://shop/audit/a"], "URI:spiffe://shop/audit/a", {AUDITOR, VIEWER}),
        (["URI:spiffe://shop/checkout"], "URI:spiffe://shop/checkout", {VIEWER}),
        (["DNS:other.example", "DNS:grafana.example"], "DNS:grafana.example", {VIEWER}),
    ],
)
async def test_a_caller_has_the_roles_of_the_names_in_its_certificate(
    identities: list[str], name: str, grants: set[Grant]
) -> None:
    caller = await CERTIFICATES.authenticate(Presented(certificate=tuple(identities), address="192.0.2.1"))
    assert caller
    assert caller == Caller(name, CallerKind.CERTIFICATE, caller.grants, "192.0.2.1")
    assert set(caller.grants) == grants


@pytest.mark.parametrize(
    "presented",
    [
        Presented(),
        Presented(certificate=("DNS:other.example",)),
        Presented(certificate=("URI:spiffe://shop/",)),  # has nothing in place of the *
        Presented(certificate=("URI:spiffe://shop.attacker.example/audit/a",)),
        Presented(certificate=("DNS:spiffe://shop/audit/a",)),
        Presented(certificate=("URI:grafana.example",)),
        Presented(certificate=("DNS:alice.example",)),  # a subject is no name in a certificate
        Presented(bearer="unknown", certificate=("DNS:grafana.example",)),
        Presented(session="ended", certificate=("DNS:grafana.example",)),
    ],
)
async def test_other_certificates_authenticate_nobody(presented: Presented) -> None:
    assert await CERTIFICATES.authenticate(presented) is None


def test_only_uris_have_beginnings() -> None:
    assert facts_of_certificate(["DNS:a/b", "URI:mailto:a/b", "URI:x://h/a/b"]) == {
        (CERTIFICATE, text) for text in ("DNS:a/b", "URI:mailto:a/b", "URI:x://h/a/b", "URI:x://h/*", "URI:x://h/a/*")
    }
