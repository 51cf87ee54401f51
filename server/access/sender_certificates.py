"""Senders that client certificates authenticate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.access.senders import Sender
from server.access.tenants import DEFAULT_TENANT, check_tenant
from server.access.tokens import check_token_name

__all__ = ["OWN_NAME", "SenderCertificate", "check_identity", "parse_sender_certificate", "sender_of_certificate"]

OWN_NAME = "*"
"""Name of a sender that is called like the identity in its certificate."""

_FORM = (
    "give IDENTITY=NAME or IDENTITY=NAME@TENANT, such as URI:spiffe://shop/checkout=checkout; the name * is the "
    "identity itself"
)
_URI, _DNS = "URI:", "DNS:"
_EXAMPLE = "URI:spiffe://shop/checkout"


@dataclass(frozen=True, slots=True)
class SenderCertificate:
    """Certificates of a sender.

    Attributes:
        identity: identity that a certificate must have, such as ``URI:spiffe://shop/checkout``; with ``*`` at its end,
            the beginning of it.
        name: name of the sender, or ``OWN_NAME``.
        tenant: the tenant to whom its records belong; empty for the default one.
    """

    identity: str
    name: str = OWN_NAME
    tenant: str = DEFAULT_TENANT

    def matches(self, identity: str) -> bool:
        """Return whether a certificate with an identity is one of the sender's."""
        if self.identity.endswith("*"):
            return identity.startswith(self.identity[:-1]) and len(identity) >= len(self.identity)
        return identity == self.identity


def sender_of_certificate(rules: Iterable[SenderCertificate], identities: tuple[str, ...]) -> Sender | None:
    """Return the sender with a certificate that has these identities: by the first rule that matches one of them."""
    for rule in rules if identities else ():
        for identity in identities:
            if rule.matches(identity):
                name = identity if rule.name == OWN_NAME else rule.name
                return Sender(f"certificate:{name}", rule.tenant)
    return None


def check_identity(identity: str) -> str:
    """Return the identity of certificates that a rule is about; with ``*`` at its end, the beginning of identities.

    Raises:
        ValueError: the text cannot be one.
    """
    if not identity.startswith((_URI, _DNS)) or identity in (_URI, _DNS):
        raise ValueError(f"the identity {identity!r} must begin with {_URI} or {_DNS}, such as {_EXAMPLE}")
    if "*" in identity[:-1] or (identity.endswith("*") and not identity.startswith(_URI)):
        raise ValueError(f"the identity {identity!r} has a '*' elsewhere than at the end of a URI, such as {_EXAMPLE}")
    if identity.endswith("*") and ("://" not in identity or not identity.endswith("/*")):
        # URI:spiffe://shop* would also be spiffe://shop.attacker.example.
        raise ValueError(f"the '*' in {identity!r} must follow a '/', such as URI:spiffe://shop/*")
    return identity


def parse_sender_certificate(text: str) -> SenderCertificate:
    """Parse ``IDENTITY=NAME[@TENANT]``.

    Raises:
        ValueError: the text has not this form.
        TokenError, MalformedError: the name or the tenant cannot be one.
    """
    identity, equals, sender = (part.strip() for part in text.rpartition("="))
    name, at, tenant = sender.partition("@")
    if not (equals and identity and name and (tenant or not at)):
        raise ValueError(f"{text!r} does not map a certificate to a sender: {_FORM}")
    check_identity(identity)
    if name != OWN_NAME:
        check_token_name(name)
    return SenderCertificate(identity, name, check_tenant(tenant) if tenant else DEFAULT_TENANT)
