"""Identities of client certificates, as the transports hand them over after TLS has verified the certificates.

An identity is a subject alternative name with its kind: ``URI:spiffe://shop/checkout``, ``DNS:checkout.example`` or
``EMAIL:alice@shop.example``. The kind comes from the certificate and is never guessed from the name, because a CA may
certify somebody's DNS names but not their URIs. The common name of the subject is not an identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["CERTIFICATE_KEY", "identities_of_auth_context", "identities_of_peer", "identities_of_scope"]

CERTIFICATE_KEY = "lognotary.certificate"
"""Key in an ASGI scope's ``state`` under which the transport puts the identities, a tuple of texts."""

# Kind of a name as Python's ssl module has it -> property of gRPC's auth context, and the prefix of the identity.
_KINDS = {"URI": ("peer_uri", "URI:"), "DNS": ("peer_dns", "DNS:"), "email": ("peer_email", "EMAIL:")}


def identities_of_scope(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the identities of a request's client certificate, given its ASGI scope; none without one."""
    found: tuple[str, ...] = scope.get("state", {}).get(CERTIFICATE_KEY, ())
    return found


def identities_of_auth_context(context: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
    """Return the identities of a call's client certificate, given the auth context of gRPC; none without one.

    The names under ``x509_subject_alternative_name`` have no kind, so those under ``peer_uri``, ``peer_dns`` and
    ``peer_email`` are used. A name that is not UTF-8 is no identity.
    """
    names = ((prefix, name) for key, prefix in _KINDS.values() for name in context.get(key, ()))
    return tuple(prefix + text for prefix, name in names if (text := _text(name)))


def identities_of_peer(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the identities of a connection's client certificate, given what ``ssl.SSLObject.getpeercert`` returned."""
    names = (certificate or {}).get("subjectAltName", ())
    return tuple(prefix + name for kind, (_, prefix) in _KINDS.items() for of, name in names if of == kind and name)


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""
